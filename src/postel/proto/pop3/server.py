"""The server's side of a POP3 session, without a socket.

Implements  RFC 1939, RFC 2449, RFC 2595 4, RFC 3206, RFC 5034, RFC 6856.
Asks        the shell, by events: is this login good, what is message n, remove these (events).
Gives       Pop3Server, a proto.Conversation.
Not here    Passwords and SASL mechanisms (proto.sasl and the shell), the maildrop lock (store).

States      AUTHORIZATION <-> NAMED -> TRANSACTION, as COMMANDS says. Whatever ends a session in another way
            than QUIT in TRANSACTION makes no Update event, and so removes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from postel.mail import BadSyntax, LocalFault, RemoteFault
from postel.proto import sasl
from postel.proto.conversation import NEED_DATA, PAUSED, NeedData, Paused
from postel.proto.pop3.capabilities import announced
from postel.proto.pop3.commands import BadArguments, Command, State, UnknownCommand, Verb, parse_command
from postel.proto.pop3.content import Outgoing
from postel.proto.pop3.events import (
    Answer,
    Answered,
    Apop,
    Auth,
    AuthCancelled,
    AuthResponse,
    Challenge,
    Code,
    Connected,
    Event,
    Flush,
    LoggedIn,
    Login,
    Misbehaved,
    Ok,
    Over,
    Refused,
    Retrieve,
    StartTls,
    Update,
)
from postel.proto.pop3.lines import LineReader, LineTooLong
from postel.proto.pop3.maildrop import Maildrop, parse_number
from postel.proto.pop3.options import Pop3Options
from postel.proto.pop3.texts import LANGUAGES, Text, match_language, say

RESPONSE_LIMIT: Final = 512  # RFC 1939 3: octets of a response line with its CRLF
_LISTED_AT_ONCE: Final = 1000  # lines of a listing made before the limit on what is due is looked at


class Pop3Server:
    """One session. The first event is Connected."""

    def __init__(self, options: Pop3Options) -> None:
        self._options = options
        self._language = options.language
        self._state = State.AUTHORIZATION
        self._lines = LineReader()
        self._out = bytearray()
        self._events: deque[Event] = deque([Connected()])
        self._owed: Event | None = None  # the event that waits for its answer
        self._sasl = False  # the next line is a response, not a command
        self._tls_due = False  # +OK to STLS is said, TLS has not started
        self._name = ""
        self._is_utf8 = False
        self._drop = Maildrop(())
        self._listing: Iterator[bytes] | None = None
        self._content: Outgoing | None = None
        self._is_closed = False  # the peer will send nothing more
        self._ended = ""
        self._told_over = False
        self._faults = 0
        self._commands = 0  # before the login
        self._failed_logins = 0

    # --- the conversation --------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer; b"" says that it has closed its side."""
        if not data:
            self._is_closed = True
        elif not self._ended:
            self._lines.feed(data)

    def next_event(self) -> Event | NeedData | Paused:
        """The next event, NEED_DATA, or PAUSED while an answer, TLS or content is owed."""
        while True:
            if self._owed is not None or self._content is not None or self._tls_due:
                return PAUSED
            if self.is_full:
                return Flush()
            if self._events:
                return self._hand_out(self._events.popleft())
            if self._listing is not None:
                self._list_more(self._listing)
            elif self._ended:
                return self._say_over()
            elif not self._step():
                return NEED_DATA

    def answer(self, answer: Answer) -> None:
        """What the shell says to the event it was given last. Raises LocalFault if that does not fit."""
        event, self._owed = self._owed, None
        if event is None:
            if answer is not None:
                raise LocalFault(f"nothing was asked: {answer}")
            return
        self._take_answer(event, answer)

    def data_to_send(self) -> bytes:
        """All bytes now due to the peer."""
        data = bytes(self._out)
        self._out.clear()
        return data

    @property
    def is_full(self) -> bool:
        """Whether so much is due that it should go out before more is made."""
        return len(self._out) >= self._options.limits.flush_at

    @property
    def timeout_s(self) -> float:
        """RFC 1939 3: the autologout timer, the same in every state."""
        return self._options.limits.inactivity_s

    def timed_out(self) -> None:
        """RFC 1939 3: close without a word, and without removing anything."""
        self._end("inactivity")

    @property
    def over(self) -> bool:
        """Whether the session has ended: send what is due and close."""
        return bool(self._ended) and not self._events and self._owed is None and self._listing is None

    @property
    def ended_because(self) -> str:
        """Why it ended, in a word or two for the log; empty while it goes on."""
        return self._ended

    @property
    def is_logged_in(self) -> bool:
        """Whether the session is in the TRANSACTION state."""
        return self._state is State.TRANSACTION

    def shut_down(self) -> None:
        """We stop: end between two commands, removing nothing."""
        self._end("shutdown")

    # --- TLS ---------------------------------------------------------------------------------------------

    def tls_started(self, options: Pop3Options) -> None:
        """TLS is active and the session offers what `options` say from now on.

        RFC 2595 4: nothing that came before counts.
        """
        if not self._tls_due:
            raise LocalFault("nobody asked for TLS")
        self._options = options
        self._tls_due = False
        self._state = State.AUTHORIZATION
        self._name = ""
        self._lines.clear()

    # --- content -----------------------------------------------------------------------------------------

    @property
    def wants_content(self) -> bool:
        """Whether more content is of use: not after the last line that TOP asked for."""
        return self._content is not None and self._content.wants_more

    def content(self, chunk: bytes) -> None:
        """The next piece of the message. Then, when `is_full`, send what is due."""
        if self._content is None:
            raise LocalFault("nobody asked for content")
        self._out += self._content.feed(chunk)

    def end_content(self) -> None:
        """That was the whole message, or all that was wanted of it."""
        if self._content is None:
            raise LocalFault("nobody asked for content")
        self._out += self._content.end()
        self._content = None

    def abandon(self) -> None:
        """The content broke off: close without a termination line, so that nobody takes it for whole."""
        self._content = None
        self._listing = None
        self._end("content broke off")

    # --- answers -----------------------------------------------------------------------------------------

    def _take_answer(self, event: Event, answer: Answer) -> None:
        match event, answer:
            case (Auth() | AuthResponse(), Challenge(data)):
                self._sasl = True
                self._out += b"+ %b\r\n" % sasl.encode(data)  # RFC 5034 4: as long as it must be
            case (Login() | Apop() | Auth() | AuthResponse(), LoggedIn(messages)):
                self._log_in(Maildrop(messages))
            case (Connected(), Ok()):
                self._ok(f"{self._options.hostname} {self._say(Text.READY)} {self._options.timestamp or ''}")
            case (StartTls(), Ok()):
                self._ok(self._say(Text.BEGIN_TLS))
                self._tls_due = True
            case (Retrieve(number, lines), Ok()):
                self._send(number, lines)
            case (Update(), Ok() | Refused()):
                self._quit(answer)
            case (_, Refused()):
                self._refuse(event, answer)
            case _:
                raise LocalFault(f"{answer} is no answer to {event}")

    def _refuse(self, event: Event, answer: Refused) -> None:
        self._err(answer.text, answer.code)
        if isinstance(event, Connected):
            self._end("turned away")
        elif answer.code is Code.AUTH:
            self._failed_logins += 1
            if self._failed_logins >= self._options.limits.failed_logins_before_close:
                self._end("failed logins")

    def _log_in(self, drop: Maildrop) -> None:
        self._drop = drop
        self._state = State.TRANSACTION
        self._ok(self._say(Text.LOGGED_IN, count=drop.count, octets=drop.size_bytes))

    def _quit(self, answer: Ok | Refused) -> None:
        if isinstance(answer, Refused):
            # RFC 1939 6: the lock goes and the connection closes either way.
            self._err(answer.text, answer.code)
        else:
            self._ok(self._say(Text.GOODBYE))
        self._end("quit")

    # --- reading -----------------------------------------------------------------------------------------

    def _step(self) -> bool:
        """Do one line. False: there is none."""
        limits = self._options.limits
        is_long = self._sasl or self._lines.starts_with(b"AUTH ")
        try:
            line = self._lines.next_line(limits.auth_line if is_long else limits.command_line)
        except LineTooLong as fault:
            self._cancel_sasl()
            self._forget_name()
            self._misbehaved(fault, Text.LINE_TOO_LONG)
            return True
        if line is None:
            if self._is_closed:
                self._end("connection closed")
            return self._is_closed
        if self._sasl:
            self._sasl_response(line)
        else:
            self._command_line(line)
        return True

    def _command_line(self, line: bytes) -> None:
        state = self._state
        if state is not State.TRANSACTION and self._is_one_too_many():
            return
        # RFC 1939 7: PASS comes immediately after USER; whatever else comes makes the name forgotten.
        self._forget_name()
        try:
            self._command(parse_command(line), state)
        except UnknownCommand as why:
            self._misbehaved(RemoteFault(f"unknown command: {why}"), Text.UNKNOWN_COMMAND)
        except BadArguments as why:
            self._misbehaved(RemoteFault(f"bad arguments: {why}"), Text.BAD_ARGUMENTS)

    def _command(self, command: Command, state: State) -> None:
        if state in command.row.states:
            _DO[command.verb](self, *command.arguments)
            if not self._events and not self._ended:
                self._events.append(Answered(command.verb))
        else:
            self._misbehaved(RemoteFault(f"{command.verb} in state {state.value}"), Text.WRONG_STATE)

    def _forget_name(self) -> None:
        if self._state is State.NAMED:
            self._state = State.AUTHORIZATION

    def _hand_out(self, event: Event) -> Event:
        if not isinstance(event, Answered | AuthCancelled | Misbehaved):
            self._owed = event
        return event

    def _say_over(self) -> Event | NeedData:
        """Over once; then there is nothing more to tell."""
        was_told, self._told_over = self._told_over, True
        return NEED_DATA if was_told else Over(self._ended)

    def _is_one_too_many(self) -> bool:
        """Count a command before the login; the one too many ends the session."""
        self._commands += 1
        is_too_many = self._commands > self._options.limits.commands_before_login
        if is_too_many:
            self._give_up_on("too many commands before the login")
        return is_too_many

    def _misbehaved(self, fault: RemoteFault, text: Text) -> None:
        self._events.append(Misbehaved(fault))
        self._faults += 1
        if self._faults >= self._options.limits.faults_before_close:
            self._give_up_on("too many faults")
        else:
            self._err(text)

    def _give_up_on(self, because: str) -> None:
        self._err(Text.TOO_MANY_FAULTS)
        self._end(because)

    def _end(self, because: str) -> None:
        self._ended = self._ended or because
        self._lines.clear()
        self._tls_due = False

    # --- commands before the login -----------------------------------------------------------------------

    def _user(self, name: str) -> None:
        if not self._options.offers_plaintext:
            self._err(self._no_plaintext())
            return
        # Whether there is such a maildrop is not told before the password (RFC 1939 13).
        self._name = name
        self._state = State.NAMED
        self._ok(self._say(Text.NAME_TAKEN))

    def _no_plaintext(self) -> Text:
        return Text.TLS_FIRST if self._options.offers_stls else Text.NO_SUCH_MECHANISM

    def _pass(self, password: str) -> None:
        self._events.append(Login(self._name, password))

    def _apop(self, name: str, digest: str) -> None:
        if self._options.timestamp is None:
            self._err(Text.NO_APOP)
        else:
            self._events.append(Apop(name, digest))

    def _auth(self, mechanism: str, initial: str | None = None) -> None:
        name = mechanism.upper()
        if name not in self._options.mechanisms:
            is_bare = self._options.offers_stls and not self._options.mechanisms
            self._err(Text.TLS_FIRST if is_bare else Text.NO_SUCH_MECHANISM)
            return
        try:
            data = None if initial is None else sasl.decode_initial(initial.encode())
        except BadSyntax:
            self._misbehaved(RemoteFault("initial response is not BASE64"), Text.NOT_BASE64)
            return
        self._events.append(Auth(name, data))

    def _sasl_response(self, line: bytes) -> None:
        self._sasl = False
        if line == sasl.CANCEL:
            self._events.append(AuthCancelled())
            self._err(Text.LOGIN_CANCELLED)
            return
        try:
            self._events.append(AuthResponse(sasl.decode(line)))
        except BadSyntax:
            self._events.append(AuthCancelled())
            self._misbehaved(RemoteFault("response is not BASE64"), Text.NOT_BASE64)

    def _cancel_sasl(self) -> None:
        if self._sasl:
            self._sasl = False
            self._events.append(AuthCancelled())

    def _stls(self) -> None:
        if not self._options.offers_stls:
            # It is offered on every connection without TLS, or nowhere.
            self._err(Text.NO_TLS)
        elif self._is_utf8:
            self._err(Text.TLS_AFTER_UTF8)  # RFC 6856 2.1
        elif not self._lines.is_empty:
            # RFC 2595 4: no commands before TLS is there. Whoever put them there wants them run inside it.
            self._err(Text.STRAY_PLAINTEXT)
            self._events.append(Misbehaved(RemoteFault("plaintext after STLS")))
            self._end("plaintext after STLS")
        else:
            self._events.append(StartTls())

    def _utf8(self) -> None:
        self._is_utf8 = True
        self._ok(self._say(Text.UTF8_ON))

    # --- commands of every state -------------------------------------------------------------------------

    def _capa(self) -> None:
        self._ok(self._say(Text.CAPABILITIES))
        for line in announced(self._options, self._state):
            self._line(line)
        self._line(".")

    def _lang(self, wanted: str | None = None) -> None:
        if wanted is None:
            self._ok(self._say(Text.LISTING_FOLLOWS))
            for known, name in LANGUAGES.items():
                self._line(f"{known} {name}")
            self._line(".")
            return
        tag = match_language(wanted, self._options.language)
        if tag is None:
            self._err(Text.NO_SUCH_LANGUAGE)
        else:
            self._language = tag
            self._ok(f"{tag} {self._say(Text.LANGUAGE_CHOSEN)}")

    def _quit_command(self) -> None:
        if self._state is State.TRANSACTION:
            self._events.append(Update(self._drop.deleted))
        else:
            self._quit(Ok())

    # --- commands on the maildrop ------------------------------------------------------------------------

    def _stat(self) -> None:
        self._ok(f"{self._drop.count} {self._drop.size_bytes}")

    def _list(self, number: str | None = None) -> None:
        if number is None:
            lines = (b"%d %d\r\n" % (n, message.size_bytes) for n, message in self._drop)
            self._begin_listing(lines)
        elif found := self._found(number):
            self._ok(f"{found} {self._drop[found].size_bytes}")

    def _uidl(self, number: str | None = None) -> None:
        if number is None:
            self._begin_listing(b"%d %b\r\n" % (n, message.uidl.encode()) for n, message in self._drop)
        elif found := self._found(number):
            self._ok(f"{found} {self._drop[found].uidl}")

    def _begin_listing(self, lines: Iterator[bytes]) -> None:
        self._ok(self._say(Text.MESSAGES, count=self._drop.count, octets=self._drop.size_bytes))
        self._listing = lines

    def _list_more(self, listing: Iterator[bytes]) -> None:
        for _ in range(_LISTED_AT_ONCE):
            line = next(listing, None)
            if line is None:
                self._line(".")
                self._listing = None
                return
            self._out += line

    def _retr(self, number: str) -> None:
        if (found := self._found(number)) and self._may_send(found):
            self._events.append(Retrieve(found))

    def _top(self, number: str, lines: str) -> None:
        count = parse_number(lines)
        if count is None:
            raise BadArguments("TOP takes a number of lines")
        if (found := self._found(number)) and self._may_send(found):
            self._events.append(Retrieve(found, count))

    def _may_send(self, number: int) -> bool:
        if self._is_utf8 or not self._drop[number].needs_utf8:
            return True
        self._err(Text.NEEDS_UTF8, Code.UTF8)  # RFC 6856 2.1
        return False

    def _send(self, number: int, lines: int | None) -> None:
        if lines is None:
            self._ok(self._say(Text.MESSAGE_FOLLOWS, octets=self._drop[number].size_bytes))
        else:
            self._ok(self._say(Text.TOP_FOLLOWS))
        self._content = Outgoing(lines)

    def _dele(self, number: str) -> None:
        if found := self._found(number):
            self._drop.delete(found)
            self._ok(self._say(Text.MESSAGE_DELETED))

    def _noop(self) -> None:
        self._ok(self._say(Text.DONE))

    def _rset(self) -> None:
        self._drop.reset()
        self._ok(self._say(Text.MESSAGES, count=self._drop.count, octets=self._drop.size_bytes))

    def _found(self, text: str) -> int | None:
        """The number of a message that may be spoken of, or None when the peer has been told."""
        number = parse_number(text)
        if number is None:
            raise BadArguments("a message has a number")
        if not 1 <= number <= len(self._drop):
            self._err(Text.NO_SUCH_MESSAGE)
        elif self._drop.is_deleted(number):
            self._err(Text.IS_DELETED)
        else:
            return number
        return None

    # --- writing -----------------------------------------------------------------------------------------

    def _say(self, text: Text, **facts: int) -> str:
        return say(text, self._language, **facts)

    def _ok(self, text: str) -> None:
        self._line(f"+OK {text.rstrip()}")

    def _err(self, text: Text, code: Code | None = None) -> None:
        self._line(f"-ERR {f'[{code}] ' if code else ''}{self._say(text)}")

    def _line(self, text: str) -> None:
        encoded = text.encode()
        self._out += encoded[: RESPONSE_LIMIT - 2] + b"\r\n"


_DO: Final[Mapping[Verb, Callable[..., Any]]] = {
    Verb.APOP: Pop3Server._apop,
    Verb.AUTH: Pop3Server._auth,
    Verb.CAPA: Pop3Server._capa,
    Verb.DELE: Pop3Server._dele,
    Verb.LANG: Pop3Server._lang,
    Verb.LIST: Pop3Server._list,
    Verb.NOOP: Pop3Server._noop,
    Verb.PASS: Pop3Server._pass,
    Verb.QUIT: Pop3Server._quit_command,
    Verb.RETR: Pop3Server._retr,
    Verb.RSET: Pop3Server._rset,
    Verb.STAT: Pop3Server._stat,
    Verb.STLS: Pop3Server._stls,
    Verb.TOP: Pop3Server._top,
    Verb.UIDL: Pop3Server._uidl,
    Verb.USER: Pop3Server._user,
    Verb.UTF8: Pop3Server._utf8,
}
