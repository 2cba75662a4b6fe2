"""The server's side of SMTP: bytes in, events out, replies in their order.

Implements  RFC 5321 3 and 4 (a session), 2920 3.2 (pipelining), 3207 4 (STARTTLS), 4954 4 (AUTH),
            2034 4 (a status in every reply that should carry one).
Gives       SmtpServer, a proto.Conversation.
Not here    The command table: commands. Whether a command may come now: order. Arguments: arguments. Content:
            content. Policy: the shell's answers.

Invariants. A command has an effect only through a row of COMMANDS that allows its verb in the present state.
At most one answer is owed at a time and nothing behind it is read until it is given, so replies leave in the
order of their commands however slowly the shell answers. Every session ends with exactly one Closed event.
Only LocalFault escapes.
"""

from __future__ import annotations

import base64
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from postel.mail import LocalFault, Reply, Status
from postel.mail.replies import TOO_MANY_RECIPIENTS
from postel.proto.conversation import NEED_DATA, PAUSED, NeedData, Paused
from postel.proto.smtp import replies
from postel.proto.smtp.answers import checked_answer, default_answer, hello_answer
from postel.proto.smtp.arguments import decode_response, longest_line, read_argument
from postel.proto.smtp.commands import VERBS, Row, Verb
from postel.proto.smtp.content import ContentReader, ContentTrouble
from postel.proto.smtp.events import (
    Auth,
    AuthCancelled,
    AuthResponse,
    Breach,
    Chunk,
    Closed,
    Connected,
    DataAborted,
    DataEnd,
    DataStart,
    Event,
    Hello,
    Mail,
    Misbehaved,
    Noop,
    Quit,
    Rcpt,
    Reset,
)
from postel.proto.smtp.extensions import offers_to
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.lines import LineReader, LineTrouble
from postel.proto.smtp.options import ServerOptions, Standing
from postel.proto.smtp.order import allowed_row, check_group, unknown_command
from postel.proto.smtp.states import Ending, State

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_EXCERPT: Final = 80  # octets of a line at fault that the log may see
_TLS_HANDSHAKE: Final = b"\x16\x03"  # RFC 8446 5.1: how a ClientHello begins
# Refusals that an honest client may meet many times in one session: they count as refusals, not as faults.
_PARDONED: Final = frozenset({Breach.TOO_MANY_RECIPIENTS, Breach.TOO_BIG, Breach.NEEDS_SMTPUTF8})
_CONTENT_BREACHES: Final[Mapping[ContentTrouble, Breach]] = MappingProxyType(
    {
        ContentTrouble.BARE_NEWLINE: Breach.BARE_NEWLINE,
        ContentTrouble.LINE_TOO_LONG: Breach.TEXT_LINE_TOO_LONG,
        ContentTrouble.TOO_BIG: Breach.TOO_BIG,
    }
)


class SmtpServer:
    """One session, from the greeting to its close.

    Give it what the peer sends with receive(); ask next_event() until it says NEED_DATA or PAUSED. Read
    nothing while it is PAUSED: what is given then waits in memory.

    has_talked_early   the client sent something before our greeting was decided (see Connected).
    is_tls, is_logged_in, is_extended   how the session stands; what a trace field says (RFC 3848).
    """

    def __init__(self, options: ServerOptions, *, is_tls: bool = False, is_logged_in: bool = False) -> None:
        self._buffer = bytearray()
        self._out: list[bytes] = []
        self._events: deque[Event] = deque([Connected()])
        self._owed: Event | None = None
        self._row: Row | None = None  # of the command whose answer is owed
        self._state = State.CONNECTED
        self._standing = Standing(options, is_tls, is_logged_in)
        self._offers = offers_to(self._standing)
        self._lines = LineReader(options.limits)
        self._content: ContentReader | None = None
        self._has_ended = False  # the peer has closed its side
        self._is_smtputf8 = False  # of the present transaction
        self._recipients = 0
        self._faults = 0
        self._idle_commands = 0
        self._refusals = 0
        self._failed_logins = 0
        self.has_talked_early = False
        self.is_extended = False

    # What the shell calls.

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer; b"" says that the peer has closed its side."""
        if not data:
            self._has_ended = True
        elif self._state is not State.OVER:
            self.has_talked_early |= self._state is State.CONNECTED
            self._buffer += data

    def next_event(self) -> Event | NeedData | Paused:
        """The next event, NEED_DATA, or PAUSED while an answer or TLS is awaited. Raises only LocalFault."""
        while not self._events:
            if self._owed is not None:
                return PAUSED
            if not self._advance():
                return PAUSED if self._state is State.STARTING_TLS else NEED_DATA
        event = self._events.popleft()
        if event.wants_answer:
            self._owed = event
        return event

    def answer(self, reply: Reply | None = None) -> None:
        """Answer the event that was given last; None: with the reply that its class names.

        Where nothing is owed None is ignored, so that a shell may answer every event alike. Raises
        LocalFault for a reply that is not owed, or whose code cannot answer the event.
        """
        event = self._owed
        if event is None:
            if reply is not None:
                raise LocalFault("no answer is owed")
            return
        reply = checked_answer(event, reply or self._default_answer(event), self.options.hostname)
        self._owed = None
        if reply.code == 421:  # RFC 5321 3.8: whoever says 421 closes
            self._say(reply)
            self._finish(Ending.REFUSED)
        else:
            self._settle(event, reply)

    def challenge(self, data: bytes) -> None:
        """Answer Auth or AuthResponse with a SASL challenge: 334 (RFC 4954 4)."""
        if not isinstance(self._owed, Auth | AuthResponse):
            raise LocalFault("a challenge answers only Auth and AuthResponse")
        self._owed = None
        self._out.append(b"334 " + base64.b64encode(data) + b"\r\n")
        self._state = State.IN_AUTH

    def data_to_send(self) -> bytes:
        """All bytes now due to the peer; they are forgotten here."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    @property
    def timeout_s(self) -> float:
        """How long the present state may wait for the peer, in seconds."""
        return self.options.timeouts[self._state]

    def timed_out(self) -> None:
        """The peer was silent for `timeout_s`: say 421 and be over."""
        if self._state is not State.OVER:
            self._give_up(Ending.TIMED_OUT, Status(4, 4, 2), "Timeout, closing")

    def shut_down(self, reply: Reply = replies.SHUTTING_DOWN) -> None:
        """End the session from our side, now, with `reply` (a 421), even where an answer is owed.

        An honest shell waits until nothing is owed and no content is on its way.
        """
        if self._state is not State.OVER:
            self._give_up(Ending.REFUSED, reply.best_status, reply.text)

    @property
    def over(self) -> bool:
        """Whether the session has ended: send what is due and close."""
        return self._state is State.OVER and not self._events

    @property
    def wants_tls(self) -> bool:
        """Whether 220 was said to STARTTLS: send it, do the handshake, call tls_started()."""
        return self._state is State.STARTING_TLS

    def tls_started(self) -> None:
        """TLS stands. All that the client said before is forgotten (RFC 3207 4.2)."""
        if self._state is not State.STARTING_TLS:
            raise LocalFault("STARTTLS was not answered with 220")
        if self._buffer:
            return  # plaintext: the next events say so and end the session
        self._state = State.GREETED
        self.is_extended = False
        self._stand(replace(self._standing, is_tls=True, is_logged_in=False))

    @property
    def options(self) -> ServerOptions:
        """The service as the client sees it; may be replaced between any two events."""
        return self._standing.options

    @options.setter
    def options(self, options: ServerOptions) -> None:
        self._stand(replace(self._standing, options=options))

    @property
    def state(self) -> State:
        """Where the session stands, for logs and tests."""
        return self._state

    @property
    def is_tls(self) -> bool:
        """Whether the session is under TLS."""
        return self._standing.is_tls

    @property
    def is_logged_in(self) -> bool:
        """Whether AUTH has succeeded."""
        return self._standing.is_logged_in

    # Reading.

    def _advance(self) -> bool:
        """Do one step with what was received; whether there was anything to do."""
        if self._state is State.OVER:
            return False
        if self._read():
            return True
        if self._has_ended:
            self._finish(Ending.PEER_CLOSED)
        return self._has_ended

    def _read(self) -> bool:
        if self._state is State.READING_DATA:
            return self._read_content()
        if self._state is State.STARTING_TLS:
            return self._look_for_plaintext()
        return self._read_line()

    def _look_for_plaintext(self) -> bool:
        # RFC 3207 4 and 6: what was sent in plaintext must not be taken for what TLS protects.
        if self._buffer:
            self._misbehave(Breach.PLAINTEXT_BEFORE_TLS, None, bytes(self._buffer))
            self._finish(Ending.FAULT)
        return self._state is State.OVER

    def _read_line(self) -> bool:
        if self._state is State.GREETED and self._buffer.startswith(_TLS_HANDSHAKE):
            self._misbehave(Breach.FOREIGN_PROTOCOL, None, bytes(self._buffer))
            self._finish(Ending.FAULT)
            return True
        line = self._lines.take(self._buffer, self._longest_line())
        if line is None:
            return False
        try:
            self._take_line(line)
        except CommandRefused as refused:
            self._refuse(refused, line if isinstance(line, bytes) else b"")
        return True

    def _longest_line(self) -> int:
        if self._state is State.IN_AUTH:
            return self.options.limits.auth_line
        return self._offers.longest_line

    def _take_line(self, line: bytes | LineTrouble) -> None:
        if isinstance(line, LineTrouble):
            too_long = replies.AUTH_LINE_TOO_LONG if self._state is State.IN_AUTH else replies.LINE_TOO_LONG
            raise CommandRefused(too_long, Breach.LINE_TOO_LONG, is_fatal=line is LineTrouble.ENDLESS)
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise CommandRefused(replies.BARE_NEWLINE, Breach.BARE_NEWLINE)
        if self._state is State.IN_AUTH:
            self._take_response(line[:-2])
        else:
            self._take_command(line)

    def _take_response(self, text: bytes) -> None:
        if text == b"*":  # RFC 4954 4
            self._say(replies.AUTH_CANCELLED)
            self._end_auth(AuthCancelled())
            return
        self._events.append(AuthResponse(decode_response(text)))

    def _take_command(self, line: bytes) -> None:
        # RFC 5321 4.1.1: blanks before the CRLF are tolerated.
        word, _, rest = _decode(line[:-2].rstrip(b" \t")).partition(" ")
        verb = VERBS.get(word.upper())
        if len(line) > longest_line(verb, self._offers):
            raise CommandRefused(replies.LINE_TOO_LONG, Breach.LINE_TOO_LONG)
        if verb is None:
            raise unknown_command(word.upper(), self.options.hostname)
        row = allowed_row(verb, self._state, self._standing)
        event = read_argument(verb, rest.lstrip(" "), self._offers)
        self._check_order(row, event)
        if row.brings_mail or not self._is_idle_too_long(verb):
            self._begin(row, event)

    def _check_order(self, row: Row, event: Event) -> None:
        if row.ends_group and self._buffer:
            if row.verb is Verb.QUIT:  # it may: nothing more is read
                self._misbehave(Breach.AHEAD_OF_REPLY, None, bytes(self._buffer))
            check_group(row.verb, event, self.options.group_rule)
        if isinstance(event, Rcpt):
            # RFC 6531 3.5: the whole transaction is declared at MAIL.
            if not event.is_ascii and not self._is_smtputf8:
                raise CommandRefused(replies.NON_ASCII_ADDRESS, Breach.NEEDS_SMTPUTF8)
            if self._recipients >= self.options.limits.recipients:
                raise CommandRefused(TOO_MANY_RECIPIENTS, Breach.TOO_MANY_RECIPIENTS)

    def _begin(self, row: Row, event: Event) -> None:
        self._row = row
        self._events.append(event)
        match event:
            case Quit():
                self._say(replies.goodbye(self.options.hostname))
                self._finish(Ending.QUIT)
            case Reset():
                self._say(replies.RESET)
                self._end_transaction()
                self._enter(row)
            case Noop():
                self._say(replies.NOTHING_DONE)

    def _read_content(self) -> bool:
        content = self._content
        assert content is not None
        had_trouble = content.trouble is not None
        piece = content.read(self._buffer)
        if piece:
            self._events.append(Chunk(piece))
        if content.trouble is not None and not had_trouble:
            self._events.append(DataAborted(content.trouble))
        if content.is_done and content.trouble is None:
            self._events.append(DataEnd(content.size_bytes, content.is_8bit, content.has_long_lines))
        elif content.trouble is not None and (content.is_done or content.is_endless):
            self._refuse_content(content, content.trouble)
        return bool(self._events)

    def _refuse_content(self, content: ContentReader, trouble: ContentTrouble) -> None:
        match trouble:
            case ContentTrouble.BARE_NEWLINE:
                reply = replies.CONTENT_BARE_NEWLINE
            case ContentTrouble.LINE_TOO_LONG:
                reply = replies.CONTENT_LINE_TOO_LONG
            case ContentTrouble.TOO_BIG:
                reply = replies.size_exceeded(self.options.limits.message_size)
        self._end_transaction()
        self._state = State.READY
        self._refuse(CommandRefused(reply, _CONTENT_BREACHES[trouble], is_fatal=content.is_endless), b"")

    # After an answer.

    def _settle(self, event: Event, reply: Reply) -> None:
        """Say the reply and let it have its effect."""
        if isinstance(event, Hello) and reply.is_positive:
            reply = hello_answer(event, reply, self._offers)
        self._say(reply)
        match event:
            case Connected():
                self._after_greeting(reply)
            case Auth() | AuthResponse():
                self._after_auth(reply)
            case DataEnd():
                self._after_data(reply)
            case _ if reply.is_positive and self._row is not None:
                self._succeed(event, self._row)
            case Mail() | Rcpt() | DataStart():
                self._count_refusal()

    def _succeed(self, event: Event, row: Row) -> None:
        match event:
            case Hello():
                if self._state in (State.IN_MAIL, State.HAS_RCPT):
                    self._events.append(Reset())  # RFC 5321 4.1.4: EHLO clears like RSET
                self._end_transaction()
                self.is_extended = event.is_extended
            case Mail():
                self._is_smtputf8 = "SMTPUTF8" in event.parameters
            case Rcpt():
                self._recipients += 1
            case DataStart():
                self._content = ContentReader(self.options.limits, self._buffer)
        self._enter(row)

    def _after_greeting(self, reply: Reply) -> None:
        self._state = State.GREETED if reply.is_positive else State.TURNED_AWAY
        if self.has_talked_early:
            # RFC 5321 4.3.1: the client waits for the greeting.
            self._misbehave(Breach.EARLY_TALK, reply, bytes(self._buffer))
            if not reply.is_positive:
                self._finish(Ending.FAULT)

    def _after_auth(self, reply: Reply) -> None:
        self._state = State.READY
        if reply.is_positive:
            self._stand(replace(self._standing, is_logged_in=True))
        else:
            self._count_failed_login()

    def _after_data(self, reply: Reply) -> None:
        self._end_transaction()
        self._state = State.READY
        if reply.is_positive:
            self._idle_commands = self._refusals = 0
        else:
            self._count_refusal()

    def _end_transaction(self) -> None:
        self._content = None
        self._is_smtputf8 = False
        self._recipients = 0

    def _end_auth(self, event: Event) -> None:
        self._events.append(event)
        self._state = State.READY
        self._count_failed_login()

    def _enter(self, row: Row) -> None:
        if row.then is not None:
            self._state = row.then

    def _stand(self, standing: Standing) -> None:
        self._standing = standing
        self._offers = offers_to(standing)

    # Replies.

    def _say(self, reply: Reply) -> None:
        self._out.append(reply.format())

    def _default_answer(self, event: Event) -> Reply:
        if isinstance(event, Connected) and self.has_talked_early:
            return replies.TALKED_EARLY
        return default_answer(event, self.options)

    # Faults and endings.

    def _refuse(self, refused: CommandRefused, line: bytes) -> None:
        """Say no to a line, and hang up on whoever earns too many."""
        self._misbehave(refused.breach, refused.reply, line)
        self._say(refused.reply)
        if self._state is State.IN_AUTH:
            self._end_auth(AuthCancelled())
        if refused.is_fatal:
            self._finish(Ending.FAULT)
        elif refused.breach in _PARDONED:
            self._count_refusal()
        else:
            self._faults += 1
            if self._faults >= self.options.limits.faults:
                self._hang_up(Breach.TOO_MANY_FAULTS)

    def _is_idle_too_long(self, verb: Verb) -> bool:
        """Count a command that brings no mail; the one too many is answered with 421."""
        self._idle_commands += verb is not Verb.QUIT
        is_too_long = self._idle_commands >= self.options.limits.idle_commands
        if is_too_long:
            self._hang_up(Breach.TOO_MANY_IDLE_COMMANDS)
        return is_too_long

    def _count_refusal(self) -> None:
        self._refusals += 1
        if self._refusals >= self.options.limits.refusals:
            self._hang_up(Breach.TOO_MANY_REFUSALS)

    def _count_failed_login(self) -> None:
        self._failed_logins += 1
        if self._failed_logins >= self.options.limits.failed_logins:
            self._hang_up(Breach.TOO_MANY_FAILED_LOGINS)

    def _hang_up(self, breach: Breach) -> None:
        if self._state is not State.OVER:
            self._misbehave(breach, None, b"")
            self._give_up(Ending.FAULT, Status(4, 7, 0), "Too many errors, closing")

    def _give_up(self, ending: Ending, status: Status, text: str) -> None:
        self._say(replies.closing(self.options.hostname, status, text))
        self._finish(ending)

    def _misbehave(self, breach: Breach, reply: Reply | None, excerpt: bytes) -> None:
        self._events.append(Misbehaved(breach, reply, excerpt[:_EXCERPT]))

    def _finish(self, ending: Ending) -> None:
        """The only way to OVER: what is open is void, and Closed comes last."""
        if self._state is State.OVER:
            return
        content = self._content
        if content is not None and not content.is_done and content.trouble is None:
            self._events.append(DataAborted(ending))
        if self._state is State.IN_AUTH:
            self._events.append(AuthCancelled())
        self._state = State.OVER
        self._owed = None
        self._buffer.clear()
        self._events.append(Closed(ending))


def _decode(line: bytes) -> str:
    """A command as text. Raises CommandRefused for what no command may hold."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise CommandRefused(replies.BAD_UTF8, Breach.BAD_SYNTAX) from None
    if _CONTROL.search(text):
        raise CommandRefused(replies.CONTROL_CHARACTER, Breach.CONTROL_CHARACTER)
    return text
