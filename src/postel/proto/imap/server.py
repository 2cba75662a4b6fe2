"""The server's side of IMAP: bytes in, events out, responses as they are said.

Implements  RFC 9051 2.2 (commands and responses), 5.5 (one command after the other), 6.1 and 6.2 (CAPABILITY, LOGOUT,
            STARTTLS, AUTHENTICATE, LOGIN), 6.3.13 (IDLE), RFC 4978 (COMPRESS), RFC 8437 (UNAUTHENTICATE).
Gives       ImapServer, a proto.Conversation.
Not here    The command table: commands. States and options: standing. What needs no session: server_rules. Lines and
            literals: intake. Untagged responses: responses.

Invariants. A command has an effect only through a row of COMMANDS that allows it in the present state. At most one
command is in hand, and nothing behind it is looked at until its result is given: what RFC 9051 5.5 calls ambiguous
cannot come up. Every command gets one tagged result. Every session ends with one Closed. Only LocalFault escapes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from postel.mail import BadSyntax, LocalFault, RemoteFault
from postel.proto import sasl
from postel.proto.conversation import NEED_DATA, PAUSED, NeedData, Paused
from postel.proto.imap import codes
from postel.proto.imap.capabilities import ImapOptions
from postel.proto.imap.codes import BAD, BYE, OK, Condition, Result
from postel.proto.imap.command_line import arguments_place, find_row
from postel.proto.imap.commands import (
    Authenticate,
    Capability,
    Check,
    Compress,
    Enable,
    Idle,
    Logout,
    Noop,
    Row,
    StartTls,
    Unauthenticate,
)
from postel.proto.imap.compression import BadStream, Compression
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.events import (
    AuthCancelled,
    AuthResponse,
    Closed,
    Connected,
    Ending,
    Event,
    IdleDone,
    Misbehaved,
    Received,
)
from postel.proto.imap.fault import Refused
from postel.proto.imap.framing import LiteralHead, tag_of
from postel.proto.imap.intake import Fate, Found, Hopeless, Intake, Piece, Rejected, Whole
from postel.proto.imap.patience import Patience
from postel.proto.imap.server_rules import (
    LOGINS,
    auth_response,
    check_command,
    check_row,
    filled,
    is_done,
    state_after,
)
from postel.proto.imap.server_upload import ServerUpload
from postel.proto.imap.standing import Standing
from postel.proto.imap.states import State
from postel.proto.imap.upload import UploadAborted, UploadEnd

_SHUTTING_DOWN: Final = BYE.saying("The server is shutting down", codes.UNAVAILABLE)


class ImapServer(Standing):
    """One session, from the greeting to its close. The first event is Connected.

    Give it what the peer sends with receive(); ask next_event() until it says NEED_DATA or PAUSED. Read nothing
    while it is PAUSED: what is given then waits in memory.
    """

    def __init__(self, options: ImapOptions) -> None:
        self._intake = Intake(options.limits)
        self._patience = Patience(options.limits)
        super().__init__(options)
        self._intake.leave = lambda: self._out.append(b"+ Ready for the literal\r\n")
        self._out: list[bytes] = []
        self._due = 0  # octets in it
        self._events: deque[Event] = deque([Connected()])
        self._owed: Event | None = None
        self._tag = b""  # of the command in hand; empty: there is none
        self._row: Row | None = None
        self._command: Any = None
        self._upload: ServerUpload | None = None
        self._in_auth = False  # the next line is a response
        self._in_idle = False
        self._idle_fault: Result | None = None
        self._wants_tls = False
        self._compression: Compression | None = None
        self._plain = b""  # due from before it
        self._has_ended = False  # the peer has closed its side
        self._ending: Ending | None = None

    # --- the conversation --------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer; b"" says that it has closed its side."""
        if not data:
            self._has_ended = True
        elif self._ending is None:
            if self._compression is not None:
                self._compression.feed(data)
            else:
                self._intake.inbox.feed(data)

    def next_event(self) -> Event | NeedData | Paused:
        """The next event, NEED_DATA, or PAUSED while an answer or TLS is owed. Raises only LocalFault."""
        while not self._events:
            if self._owed is not None or (self._wants_tls and not self._has_plaintext()):
                return PAUSED
            if self._ending is not None or not self._advance():
                return NEED_DATA
        event = self._events.popleft()
        if event.wants_answer:
            self._owed = event
        return event

    def data_to_send(self) -> bytes:
        """All bytes now due to the peer; they are forgotten here."""
        data = b"".join(self._out)
        self._out.clear()
        self._due = 0
        if self._compression is None:
            return data
        plain, self._plain = self._plain, b""
        deflated = self._compression.deflated(data)
        if self._in_idle:
            self._compression.rest()
        return plain + deflated

    def timed_out(self) -> None:
        """The peer was silent for `timeout_s`: say BYE and be over."""
        self._bye(BYE.saying("You were silent for too long"), Ending.TIMED_OUT)

    def shut_down(self, result: Result = _SHUTTING_DOWN) -> None:
        """End the session from our side with this BYE, even where an answer is owed."""
        self._bye(result, Ending.REFUSED)

    @property
    def over(self) -> bool:
        """Whether the session has ended: send what is due and close."""
        return self._ending is not None and not self._events

    # --- what the shell says -----------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Put untagged responses before whatever comes next. Send what is due when `is_full`.

        Nothing goes behind BYE.
        """
        if self._ending is not None:
            return
        self._out.append(data)
        self._due += len(data)

    @property
    def is_full(self) -> bool:
        """Whether so much is due that it should go out before more is made."""
        return self._due >= self._options.limits.flush_at

    @property
    def is_crowded(self) -> bool:
        """Whether so much was received and not looked at that no more should be read."""
        return len(self._intake.inbox) >= self._options.limits.pending

    def answer(self, result: Result | None = None) -> None:
        """Answer the event that was given last, or (a NO or BAD) end the upload that is going on.

        None: go on, or do what the machine can do alone: greet, CAPABILITY, NOOP, CHECK, LOGOUT, ENABLE, IDLE and its
        end, the pieces of an upload. Raises LocalFault where nothing is owed, or None is not enough. Behind the BYE of
        `shut_down` nothing is said any more.
        """
        if self._ending is not None:
            return
        event, self._owed = self._owed, None
        if event is None:
            if result is None:
                return
            if not self._is_uploading:
                raise LocalFault("no answer is owed")
        if isinstance(event, Connected):
            self._greet(result or OK)
        elif self._is_uploading and not isinstance(event, UploadEnd):
            self._answer_upload(result)
        elif result is None:
            self._do_alone(event)
        else:
            self._finish(result)

    def challenge(self, data: bytes) -> None:
        """Answer AUTHENTICATE or AuthResponse with a SASL challenge."""
        is_auth = isinstance(self._owed, AuthResponse) or (
            isinstance(self._owed, Received) and isinstance(self._owed.command, Authenticate)
        )
        if not is_auth:
            raise LocalFault("a challenge answers only AUTHENTICATE and AuthResponse")
        self._owed = None
        self._in_auth = True
        self.send(b"+ %b\r\n" % sasl.encode(data))

    # --- how it stands -----------------------------------------------------------------------------------

    @property
    def is_idling(self) -> bool:
        """Whether IDLE is going on: news may be sent whenever there are any."""
        return self._in_idle

    @property
    def is_between_commands(self) -> bool:
        """Whether ending now would interrupt nothing that the peer has begun."""
        return not self._tag and self._intake.is_between_commands

    @property
    def is_compressed(self) -> bool:
        """Whether COMPRESS is in effect."""
        return self._compression is not None

    @property
    def wants_tls(self) -> bool:
        """Whether OK was said to STARTTLS: send it, do the handshake, call tls_started()."""
        return self._wants_tls

    def tls_started(self, options: ImapOptions) -> None:
        """TLS stands, and the session offers what `options` say. What was said before is forgotten (RFC 9051 6.2.1)."""
        if not self._wants_tls:
            raise LocalFault("STARTTLS was not answered with OK")
        if not self._has_plaintext():
            self._wants_tls = False
            self._adopt(options)

    def _has_plaintext(self) -> bool:
        """Whether there is what must not be taken for what TLS protects; then the session ends (RFC 9051 11.3)."""
        if not len(self._intake.inbox):
            return False
        self._hopeless("Plaintext behind STARTTLS")
        return True

    # --- reading -----------------------------------------------------------------------------------------

    def _adopt(self, options: ImapOptions) -> None:
        super()._adopt(options)
        self._intake.limits = self._patience.limits = options.limits
        self._intake.literal_plus = options.literal_plus
        self._intake.is_logged_in = self.is_logged_in

    def _advance(self) -> bool:
        """Do one step with what was received; whether there was anything to do."""
        if self._read():
            return True
        if self._compression is not None and self._inflate(self._compression):
            return True
        if self._has_ended:
            self._end(Ending.PEER_CLOSED)
        return self._has_ended

    def _inflate(self, compression: Compression) -> bool:
        try:
            data = compression.inflated()
        except BadStream as why:
            self._hopeless(str(why))
            return True
        self._intake.inbox.feed(data)
        return bool(data)

    def _read(self) -> bool:
        if self._in_auth:
            return self._read_response()
        if self._in_idle:
            return self._read_done()
        if self._intake.awaits_message:
            self._intake.begin_message()
            return True
        found = self._intake.next(self._judge)
        if found is None:
            return self._intake.awaits_message
        self._take(found)
        return True

    def _take(self, found: Found) -> None:
        match found:
            case Whole(text):
                self._take_text(text)
            case Piece(data, is_last):
                self._take_piece(data, is_last)
            case Rejected(tag, result):
                self._reject(self._tag or tag, result)
            case Hopeless(why):
                self._hopeless(why)

    def _read_response(self) -> bool:
        line = self._intake.inbox.take_line(self._options.limits.auth_line)
        if line is None:
            return False
        self._in_auth = False
        try:
            self._events.append(AuthResponse(auth_response(line)))
        except BadSyntax as why:
            # RFC 9051 6.2.2: a cancelled or undecodable exchange ends in a tagged BAD.
            self._events.append(AuthCancelled())
            self._finish(BAD.saying(str(why)))
        return True

    def _read_done(self) -> bool:
        line = self._intake.inbox.take_line(self._options.limits.command)
        if line is None:
            return False
        self._in_idle = False
        if not is_done(line):
            self._idle_fault = BAD.saying("DONE is expected")
        self._events.append(IdleDone())
        return True

    # --- a command ---------------------------------------------------------------------------------------

    def _judge(self, text: bytearray, head: LiteralHead) -> Fate:
        """What becomes of the literal that `text` announces. Raises Refused."""
        if self._upload is None:
            row = find_row(text, self._state, self._reading)
            check_row(row, self._options)
            if not row.uploads:
                return Fate.ARGUMENT
            self._row, self._upload = row, ServerUpload(row, self._reading)
        return self._read_upload(self._upload, bytes(text), head)

    @property
    def _is_uploading(self) -> bool:
        """Whether the shell has heard of an upload that is going on."""
        return self._upload is not None and bool(self._tag)

    def _read_upload(self, upload: ServerUpload, text: bytes, head: LiteralHead | None) -> Fate:
        is_first = not self._tag
        cursor = Cursor(text, self._reading, arguments_place(text) if is_first else 0)
        events = upload.read(cursor, head)
        if events is None:
            return Fate.ARGUMENT
        if is_first:
            self._tag, self._command = tag_of(text) or b"", upload.command
            self._events.append(Received(self._tag, self._command))
        self._events += events
        return Fate.MESSAGE

    def _take_text(self, text: bytes) -> None:
        """A whole command, or the rest of an upload."""
        tag = self._tag or tag_of(text)
        try:
            if self._upload is None:
                if self._state is State.NOT_AUTHENTICATED:
                    self._patience.note_stranger()
                row = find_row(text, self._state, self._reading)
                check_row(row, self._options)
                if not row.uploads:
                    self._take_command(text, row)
                    return
                self._row, self._upload = row, ServerUpload(row, self._reading)
            self._read_upload(self._upload, text, None)
        except Refused as refused:
            self._reject(tag, refused.result)

    def _take_command(self, text: bytes, row: Row) -> None:
        cursor = Cursor(text, self._reading, arguments_place(text))
        command = row.read(cursor)
        cursor.end()
        check_command(command, self._options, is_compressed=self.is_compressed)
        self._tag, self._row, self._command = tag_of(text) or b"", row, command
        self._events.append(Received(self._tag, command))

    def _take_piece(self, data: bytes, is_last: bool) -> None:
        assert self._upload is not None
        try:
            self._events += self._upload.take(data, is_last=is_last)
        except Refused as refused:
            self._refuse_rest(refused.result)

    # --- answers -----------------------------------------------------------------------------------------

    def _greet(self, result: Result) -> None:
        if result.condition is Condition.BYE:
            self._bye(result, Ending.REFUSED)
            return
        is_known = result.condition is Condition.PREAUTH
        self._state = State.AUTHENTICATED if is_known else State.NOT_AUTHENTICATED
        self._adopt(self._options)
        text = result.text or f"{self._options.hostname} ready"
        self.send(result.saying(text, result.code or self._capability_code()).format())

    def _answer_upload(self, result: Result | None) -> None:
        if result is None:
            return
        if result.condition is Condition.OK:
            raise LocalFault("an upload is OK at its end only")
        self._events.clear()  # what of it was read ahead
        is_whole = self._upload is not None and self._upload.is_whole
        self._upload = None
        if is_whole or result.condition is Condition.BYE:
            self._finish(result)
        else:
            self._refuse_rest(self._filled(result, self._command, self._row))

    def _refuse_rest(self, result: Result) -> None:
        """Read past what is left of the command, and then say so."""
        rejected = self._intake.refuse(self._tag, result)
        if rejected is not None:
            self._reject(rejected.tag, rejected.result)

    def _do_alone(self, event: Any) -> None:
        if isinstance(event, IdleDone):
            self._finish(OK)
            return
        command = event.command if isinstance(event, Received) else None
        alone = _ALONE.get(type(command))
        if alone is None:
            raise LocalFault(f"{event} needs a result")
        alone(self, command)

    def _tell_capabilities(self, command: Capability) -> None:
        self.send(b"* CAPABILITY %b\r\n" % self._capabilities().encode())
        self._finish(OK)

    def _begin_idle(self, command: Idle) -> None:
        self._in_idle = True
        self.send(b"+ Idling\r\n")

    def _tell_enabled(self, command: Enable) -> None:
        self.send(b"* ENABLED%b\r\n" % self._switch_on(command))
        self._finish(OK)

    def _say_goodbye(self, command: Logout) -> None:
        self.send(BYE.saying("Goodbye").format())
        self._finish(OK)
        self._end(Ending.LOGOUT)

    def _done(self, command: Any) -> None:
        self._finish(OK)

    def _finish(self, result: Result) -> None:
        """The command in hand has its result."""
        command, row, tag = self._command, self._row, self._tag
        if self._idle_fault is not None:
            result, self._idle_fault = self._idle_fault, None
        self._forget_command()
        if result.condition is Condition.BYE:
            self._bye(result, Ending.REFUSED)
            return
        self._state = state_after(command, result, self._state)
        self._say(tag, self._filled(result, command, row))
        self._settle(command, result)

    def _forget_command(self) -> None:
        self._tag, self._row, self._command, self._upload = b"", None, None, None

    def _filled(self, result: Result, command: Any, row: Row | None) -> Result:
        """With a text, and after a login with what can be done now."""
        is_login = result.condition is Condition.OK and isinstance(command, LOGINS)
        return filled(result, row, self._capability_code() if is_login else None)

    def _settle(self, command: Any, result: Result) -> None:
        """What a result changes beyond the state."""
        if result.condition is Condition.BAD:
            self._count_fault()
            return
        self._patience.note_sense()
        if isinstance(command, LOGINS):
            self._settle_login(result)
        elif result.condition is Condition.OK:
            after = _AFTER_OK.get(type(command))
            if after is not None:
                after(self)

    def _settle_login(self, result: Result) -> None:
        if result.condition is Condition.OK:
            self._adopt(self._options)
            return
        if self._patience.note_failed_login():
            self._misbehaved("too many failed logins")
            self._bye(BYE.saying("Too many failed logins"), Ending.FAULT)

    def _await_tls(self) -> None:
        self._wants_tls = True

    def _compress(self) -> None:
        if len(self._intake.inbox):
            # RFC 4978 3: nothing may be sent between the command and its answer.
            self._hopeless("Commands behind COMPRESS")
            return
        self._plain = b"".join(self._out)
        self._out.clear()
        self._compression = Compression()

    # --- refusals and the end ----------------------------------------------------------------------------

    def _reject(self, tag: bytes | None, result: Result) -> None:
        """A command that the shell never saw, or not to its end, gets its result."""
        if self._is_uploading:
            self._events.append(UploadAborted())
        self._forget_command()
        if result.condition is Condition.BYE:
            self._misbehaved(result.text)
            self._bye(result, Ending.FAULT)
            return
        self._say(tag or b"*", result)
        if result.condition is Condition.BAD:
            self._misbehaved(result.text)
            self._count_fault()

    def _count_fault(self) -> None:
        if self._patience.note_fault() and self._ending is None:
            self._bye(BYE.saying("Too many bad commands"), Ending.FAULT)

    def _misbehaved(self, what: str) -> None:
        self._events.append(Misbehaved(RemoteFault(what)))

    def _hopeless(self, why: str) -> None:
        self._misbehaved(why)
        self._bye(BYE.saying(why), Ending.FAULT)

    def _say(self, tag: bytes, result: Result) -> None:
        self.send(result.format(tag))

    def _bye(self, result: Result, ending: Ending) -> None:
        if self._ending is None:
            self.send(result.format())
            self._end(ending)

    def _end(self, ending: Ending) -> None:
        if self._ending is not None:
            return
        if self._is_uploading:  # what of it was read ahead is nobody's any more
            self._events = deque(event for event in self._events if isinstance(event, Misbehaved))
            self._events.append(UploadAborted())
        if self._in_auth:
            self._events.append(AuthCancelled())
        self._ending = ending
        self._state = State.LOGOUT
        self._owed = self._upload = None
        self._in_auth = self._in_idle = self._wants_tls = False
        self._intake.inbox.clear()
        self._events.append(Closed(ending))


_AFTER_OK: Final[Mapping[type, Callable[[ImapServer], None]]] = {
    StartTls: ImapServer._await_tls,
    Compress: ImapServer._compress,
    Unauthenticate: ImapServer._forget_login,
}

# What needs nothing but the machine.
_ALONE: Final[Mapping[type, Callable[[ImapServer, Any], None]]] = {
    Capability: ImapServer._tell_capabilities,
    Check: ImapServer._done,
    Compress: ImapServer._done,
    Enable: ImapServer._tell_enabled,
    Idle: ImapServer._begin_idle,
    Logout: ImapServer._say_goodbye,
    Noop: ImapServer._done,
}
