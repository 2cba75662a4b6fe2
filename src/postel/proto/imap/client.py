"""The client's side of IMAP: commands out, what the server says in.

Implements  RFC 9051 2.2 (commands and responses), 7 (responses).
Gives       ImapClient, ClientLimits.
Not here    The commands: client_writer. SASL mechanisms: proto.sasl. Connections and TLS: whoever drives it.

    client = ImapClient()
    tag = client.login("ann", "secret")        # any number of commands may be given at once
    ... client.data_to_send(), client.receive(data), client.next_event() -> FetchData(...), Completed(tag, told)

Large literals of a FETCH response come as LiteralPiece events, so no message is ever held whole. Only LocalFault
escapes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from postel.mail import BadSyntax
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
from postel.proto.imap.client_writer import ClientWriter
from postel.proto.imap.codes import Condition
from postel.proto.imap.framing import Inbox, LineFault, literal_head
from postel.proto.imap.response_reader import capabilities_of, fetch_item_before, parse_response, parse_told

_PIECE: Final = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLimits:
    """Octets of one response without its literals, of one literal that is not streamed, of all of those together."""

    response: int = 16 * 1024 * 1024
    literal: int = 262144
    literals: int = 16 * 1024 * 1024


class ImapClient(ClientWriter):
    """One session. The first event is Greeted or Lost, the last one Lost."""

    def __init__(self, limits: ClientLimits | None = None, *, is_greeted: bool = False) -> None:
        super().__init__()
        self._limits = limits or ClientLimits()
        self._inbox = Inbox(self._limits.response + 1)
        self._events: deque[ClientEvent] = deque()
        self._text = bytearray()  # of the response on its way
        self._kept = 0  # octets of its literals
        self._keeping = 0  # octets of a literal that are still to come
        self._streaming: tuple[int, bytes, int, int] | None = None  # number, item, size, still to come
        self._is_greeted = is_greeted
        self._has_ended = False
        self._is_over = False

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

    @property
    def over(self) -> bool:
        """Whether the session has ended."""
        return self._is_over and not self._events

    def tls_started(self) -> None:
        """TLS stands: what the server said before is forgotten (RFC 9051 6.2.1)."""
        self._inbox.clear()
        self.capabilities = frozenset()

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
        if not self._may_go_on() and self._challenging is not None:
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
        self._drop_literal(event.tag)

    def _learn(self, told: CapabilityData | None) -> None:
        if told is not None:
            self.capabilities = told.words

    def _lose(self, why: str) -> None:
        if not self._is_over:
            self._is_over = True
            self._inbox.clear()
            self._events.append(Lost(why))


def _decoded(data: bytes) -> bytes:
    """A challenge; text that is no BASE64 (IDLE) as it stands."""
    try:
        return sasl.decode(data)
    except BadSyntax:
        return data
