"""The client's side of IMAP: commands out, what the server says in.

Implements  RFC 9051 2.2 (commands, continuations), 6 (commands), 7 (responses), RFC 7888 (LITERAL+), RFC 4959,
            RFC 6855 3 and RFC 3501 5.1.3 (names), RFC 2177 (IDLE).
Gives       ImapClient, ClientLimits.
Not here    SASL mechanisms: proto.sasl. Connections and TLS: whoever drives it.

    client = ImapClient()
    tag = client.login("ann", "secret")        # any number of commands may be given at once
    ... client.data_to_send(), client.receive(data), client.next_event() -> FetchData(...), Completed(tag, told)

A literal waits for the server's leave where it must; what is given behind it waits too. Large literals of a FETCH
response come as LiteralPiece events, so no message is ever held whole. Only LocalFault escapes.
"""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from postel.mail import BadSyntax, LocalFault
from postel.proto import sasl
from postel.proto.conversation import NEED_DATA, NeedData
from postel.proto.imap.client_values import (
    STREAMED,
    CapabilityData,
    Challenged,
    ClientEvent,
    Completed,
    Greeted,
    LiteralPiece,
    Lost,
    OtherData,
    Remark,
)
from postel.proto.imap.codes import Condition
from postel.proto.imap.framing import Inbox, LineFault, literal_head
from postel.proto.imap.names import check_name, format_name
from postel.proto.imap.response_reader import capabilities_of, fetch_item_before, parse_response, parse_told
from postel.proto.imap.responses import internal_date, listed, quoted
from postel.proto.imap.sequences import SequenceSet, UidSet

_PIECE: Final = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLimits:
    """Octets of one response without its literals, of one literal that is not streamed, of all of those together."""

    response: int = 16 * 1024 * 1024
    literal: int = 262144
    literals: int = 16 * 1024 * 1024


class ImapClient:
    """One session. The first event is Greeted or Lost, the last one Lost."""

    def __init__(self, limits: ClientLimits | None = None, *, is_greeted: bool = False) -> None:
        self._limits = limits or ClientLimits()
        self._inbox = Inbox(self._limits.response + 1)
        self._out: list[bytes] = []
        self._waiting: deque[bytes | _Leave] = deque()  # to be sent, or to be waited for
        self._events: deque[ClientEvent] = deque()
        self._tags = 0
        self._text = bytearray()  # of the response on its way
        self._kept = 0  # octets of its literals
        self._keeping = 0  # octets of a literal that are still to come
        self._streaming: tuple[int, bytes, int, int] | None = None  # number, item, size, still to come
        self._challenging: bytes | None = None  # the tag of AUTHENTICATE or IDLE
        self._tag = b""  # of the command that is being put
        self._upload: int | None = None  # octets of an APPEND's literal that are still to be given
        self._is_refused = False  # ... and nobody wants them
        self._is_greeted = is_greeted
        self._has_ended = False
        self._is_over = False
        self._is_utf8 = False
        self.capabilities: frozenset[str] = frozenset()
        """What the server said last that it can do, in upper case; empty: it did not say."""

    # --- the conversation --------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take bytes from the server; b"" says that it has closed its side."""
        if not data:
            self._has_ended = True
        elif not self._is_over:
            self._inbox.feed(data)

    def next_event(self) -> ClientEvent | NeedData:
        """The next event, or NEED_DATA."""
        while not self._events:
            if self._is_over or not self._advance():
                return NEED_DATA
        return self._events.popleft()

    def data_to_send(self) -> bytes:
        """All bytes now due to the server; they are forgotten here."""
        while self._waiting and not isinstance(self._waiting[0], _Leave):
            self._out.append(self._waiting.popleft())  # type: ignore[arg-type]
        data = b"".join(self._out)
        self._out.clear()
        return data

    @property
    def over(self) -> bool:
        """Whether the session has ended."""
        return self._is_over and not self._events

    @property
    def is_waiting(self) -> bool:
        """Whether something waits for the server's leave; what is given to `more` then is held in memory."""
        return any(isinstance(piece, _Leave) for piece in self._waiting)

    def tls_started(self) -> None:
        """TLS stands: what the server said before is forgotten (RFC 9051 6.2.1)."""
        self._inbox.clear()
        self.capabilities = frozenset()

    def can(self, capability: str) -> bool:
        """Whether the server said so."""
        return capability.upper() in self.capabilities

    # --- commands ----------------------------------------------------------------------------------------

    def command(self, *parts: bytes) -> bytes:
        """Any command, in pieces as `arguments` makes them; its tag."""
        tag = self._begin()
        for part in parts:
            self._put_argument(part)
        self._put(_END)
        return tag

    def login(self, name: str, password: str) -> bytes:
        """LOGIN."""
        return self.command(b"LOGIN ", _string(name.encode()), b" ", _string(password.encode()))

    def authenticate(self, mechanism: str, initial: bytes | None = None) -> bytes:
        """AUTHENTICATE. Challenged follows, and `respond`; without SASL-IR the initial response answers the first."""
        words = b"AUTHENTICATE " + mechanism.encode("ascii")
        if initial is not None and self.can("SASL-IR"):
            words += b" " + sasl.encode_initial(initial)
        self._challenging = tag = self.command(words)
        return tag

    def respond(self, data: bytes | None) -> None:
        """The response to a challenge; None: cancel."""
        if self._challenging is None:
            raise LocalFault("nothing was asked")
        self._put((sasl.CANCEL if data is None else sasl.encode(data)) + b"\r\n")

    def starttls(self) -> bytes:
        """STARTTLS; on Completed do the handshake and call tls_started."""
        return self.command(b"STARTTLS")

    def enable(self, *names: str) -> bytes:
        """ENABLE; names are written in UTF-8 once the server says that it has switched that on."""
        return self.command(b"ENABLE " + " ".join(names).encode("ascii"))

    def select(self, mailbox: str, *, read_only: bool = False, parameters: bytes = b"") -> bytes:
        """SELECT or EXAMINE; parameters: b"(CONDSTORE)"."""
        more = b" " + parameters if parameters else b""
        return self.command(b"EXAMINE " if read_only else b"SELECT ", self._name(mailbox), more)

    def list(self, reference: str, pattern: str, *, returns: bytes = b"") -> bytes:
        """LIST; returns: b"RETURN (SUBSCRIBED)"."""
        names = (_string(format_name(text, is_utf8=self._is_utf8)) for text in (reference, pattern))
        first, second = names
        return self.command(b"LIST ", first, b" ", second, b" " + returns if returns else b"")

    def lsub(self, reference: str, pattern: str) -> bytes:
        """LSUB."""
        names = (_string(format_name(text, is_utf8=self._is_utf8)) for text in (reference, pattern))
        first, second = names
        return self.command(b"LSUB ", first, b" ", second)

    def status(self, mailbox: str, items: Sequence[bytes]) -> bytes:
        """STATUS."""
        return self.command(b"STATUS ", self._name(mailbox), b" " + listed(items))

    def on_mailbox(self, verb: bytes, *mailboxes: str) -> bytes:
        """CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE and others that take names only."""
        parts = [piece for mailbox in mailboxes for piece in (b" ", self._name(mailbox))]
        return self.command(verb, *parts)

    def fetch(
        self,
        numbers: SequenceSet | UidSet,
        items: Iterable[bytes],
        *,
        uid: bool = True,
        modifier: bytes = b"",
    ) -> bytes:
        """FETCH; items: b"FLAGS", b"BODY.PEEK[]"."""
        verb = b"UID FETCH " if uid else b"FETCH "
        more = b" " + modifier if modifier else b""
        return self.command(verb + numbers.format() + b" " + listed(items) + more)

    def store(
        self, numbers: SequenceSet | UidSet, change: bytes, flags: Iterable[bytes], *, uid: bool = True
    ) -> bytes:
        """STORE; change: b"+FLAGS.SILENT"."""
        verb = b"UID STORE " if uid else b"STORE "
        return self.command(verb + numbers.format() + b" " + change + b" " + listed(flags))

    def search(self, program: bytes, *, uid: bool = True) -> bytes:
        """SEARCH; program: keys as they are written."""
        return self.command((b"UID SEARCH " if uid else b"SEARCH ") + program)

    def copy(
        self, numbers: SequenceSet | UidSet, mailbox: str, *, uid: bool = True, move: bool = False
    ) -> bytes:
        """COPY or MOVE."""
        verb = (b"UID " if uid else b"") + (b"MOVE " if move else b"COPY ")
        return self.command(verb + numbers.format() + b" ", self._name(mailbox))

    def expunge(self, uids: UidSet | None = None) -> bytes:
        """EXPUNGE, or UID EXPUNGE."""
        return self.command(b"EXPUNGE" if uids is None else b"UID EXPUNGE " + uids.format())

    def append(
        self,
        mailbox: str,
        size: int,
        flags: Iterable[bytes] = (),
        date: datetime.datetime | None = None,
        *,
        is_binary: bool = False,
    ) -> bytes:
        """APPEND of so many octets: give them with `more`, all of them."""
        tag = self._begin()
        self._put(b"APPEND ")
        self._put_argument(self._name(mailbox))
        when = b"" if date is None else b' "' + internal_date(date) + b'"'
        self._put(b" " + listed(flags) + when + (b" ~" if is_binary else b" "))
        self._put_head(size)
        self._upload, self._is_refused = size, False
        self._end_upload()
        return tag

    def more(self, data: bytes) -> None:
        """The next octets of the message; dropped once it was refused. Raises LocalFault for too many."""
        if self._is_refused:
            return
        if self._upload is None or len(data) > self._upload:
            raise LocalFault("more octets than APPEND announced")
        self._put(data)
        self._upload -= len(data)
        self._end_upload()

    def _end_upload(self) -> None:
        if self._upload == 0:
            self._upload = None
            self._put(_END)

    def idle(self) -> bytes:
        """IDLE; Challenged says that it has begun, `done` ends it."""
        self._challenging = tag = self.command(b"IDLE")
        return tag

    def done(self) -> None:
        """DONE."""
        self._put(b"DONE\r\n")

    def logout(self) -> bytes:
        """LOGOUT."""
        return self.command(b"LOGOUT")

    # --- writing -----------------------------------------------------------------------------------------

    def _name(self, mailbox: str) -> bytes:
        return _string(format_name(check_name(mailbox), is_utf8=self._is_utf8), is_utf8=self._is_utf8)

    def _begin(self) -> bytes:
        if self._upload is not None and not self._is_refused:
            raise LocalFault("the message of an APPEND is not complete")
        self._tags += 1
        self._tag = b"c%d" % self._tags
        self._put(self._tag + b" ")
        return self._tag

    def _put(self, data: bytes) -> None:
        if data:
            self._waiting.append(data)

    def _put_argument(self, part: bytes) -> None:
        if isinstance(part, _Argument):
            self._put_head(len(part))
        self._put(part)

    def _put_head(self, size: int) -> None:
        # RFC 7888 3 and 5.
        if self.can("LITERAL+") or (size <= 4096 and (self.can("LITERAL-") or self.can("IMAP4REV2"))):
            self._put(b"{%d+}\r\n" % size)
        else:
            self._put(b"{%d}\r\n" % size)
            self._waiting.append(_Leave(self._tag))

    # --- reading -----------------------------------------------------------------------------------------

    def _advance(self) -> bool:
        if self._streaming is not None:
            moved = self._stream(*self._streaming)
        elif self._keeping:
            moved = self._keep()
        else:
            moved = self._read_line()
        if not moved and self._has_ended:
            self._lose("the server closed the connection")
            return True
        return moved

    def _stream(self, number: int, item: bytes, size: int, left: int) -> bool:
        data = self._inbox.take_some(min(left, _PIECE))
        if not data:
            return False
        left -= len(data)
        self._events.append(LiteralPiece(number, item, size, data, left == 0))
        self._streaming = (number, item, size, left) if left else None
        return True

    def _keep(self) -> bool:
        data = self._inbox.take_some(self._keeping)
        self._text += data
        self._keeping -= len(data)
        return bool(data)

    def _read_line(self) -> bool:
        line = self._inbox.take_line(self._limits.response - (len(self._text) - self._kept))
        if line is None:
            return False
        if isinstance(line, LineFault):
            self._lose("the server does not speak IMAP: " + line.value)
            return True
        if STREAMED in line:
            self._lose("the server does not speak IMAP: NUL")
            return True
        self._text += line
        head = literal_head(line)
        if head is None:
            text = bytes(self._text)
            self._text.clear()
            self._kept = 0
            self._take(text)
        else:
            self._take_literal(head.size)
        return True

    def _take_literal(self, size: int) -> None:
        if size > self._limits.literal:
            found = fetch_item_before(self._text)
            if found is None:
                self._lose("the server sends a literal that is too large")
                return
            del self._text[self._text.rindex(b"{") :]
            self._text = self._text.removesuffix(b"~") + STREAMED
            self._streaming = (*found, size, size)
            return
        self._keeping = size
        self._kept += size
        if self._kept > self._limits.literals:
            self._lose("the server sends too large a response")

    def _take(self, text: bytes) -> None:
        try:
            if not self._is_greeted:
                self._greet(text)
            elif text.startswith(b"+"):
                self._go_on(text[1:-2].strip())
            else:
                self._note(parse_response(text))
        except BadSyntax as why:
            self._lose(f"the server does not speak IMAP: {why}")

    def _greet(self, text: bytes) -> None:
        if not text.startswith(b"* "):
            raise BadSyntax("a greeting is expected")
        told = parse_told(text[2:-2])
        self._is_greeted = True
        self._learn(capabilities_of(told))
        self._events.append(Greeted(told))
        if told.condition is Condition.BYE:
            self._lose(told.text)

    def _go_on(self, data: bytes) -> None:
        """RFC 9051 7.6: leave for a literal, a challenge, or that IDLE has begun."""
        if self._waiting and isinstance(self._waiting[0], _Leave):
            self._waiting.popleft()
        elif self._challenging is not None:
            self._events.append(Challenged(_decoded(data)))

    def _note(self, event: ClientEvent) -> None:
        if isinstance(event, CapabilityData):
            self._learn(event)
        elif isinstance(event, Completed | Remark):
            self._learn(capabilities_of(event.told))
        elif isinstance(event, OtherData) and event.name == b"ENABLED":
            told = {word.upper() for word in event.values if isinstance(word, bytes)}
            self._is_utf8 |= bool(told & {b"UTF8=ACCEPT", b"IMAP4REV2"})
        if isinstance(event, Completed):
            self._complete(event)
        self._events.append(event)

    def _complete(self, event: Completed) -> None:
        if event.tag == self._challenging:
            self._challenging = None
        first = self._waiting[0] if self._waiting else None
        if isinstance(first, _Leave) and first.tag == event.tag:
            # RFC 9051 4.3: refused before its literal: what was to follow is not sent.
            while self._waiting and self._waiting.popleft() is not _END:
                pass
            self._is_refused = self._upload is not None

    def _learn(self, told: CapabilityData | None) -> None:
        if told is not None:
            self.capabilities = told.words

    def _lose(self, why: str) -> None:
        if not self._is_over:
            self._is_over = True
            self._inbox.clear()
            self._events.append(Lost(why))


@dataclass(frozen=True, slots=True)
class _Leave:
    """What follows may be sent when the server says so to the command with this tag."""

    tag: bytes


_END: Final = b"\r\n"  # of a command; known by identity, for a literal may hold the same octets


class _Argument(bytes):
    """A string that must be a literal."""


def _string(octets: bytes, *, is_utf8: bool = False) -> bytes:
    """Quoted where that is possible, else a literal."""
    if len(octets) > 1000 or any(char in octets for char in b"\r\n\0") or not (is_utf8 or octets.isascii()):
        return _Argument(octets)
    return quoted(octets)


def _decoded(data: bytes) -> bytes:
    """A challenge; text that is no BASE64 (IDLE) as it stands."""
    try:
        return sasl.decode(data)
    except BadSyntax:
        return data
