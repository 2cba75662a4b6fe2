"""One command from the octets that were received: which literals are let in, and which are swallowed.

Implements  RFC 9051 2.2.1 (tags, continuation), 4.3 (literals), RFC 7888 4 and 5 (non-synchronising literals: what is
            refused is read and thrown away, or the session ends), RFC 7889 4 (TOOBIG before the literal).
Gives       Intake; what it finds: Whole, Piece, Rejected, Hopeless.
Not here    Answers and states: server.

A command is read line by line. Where a line announces a literal, `judge` (the server) decides: an argument is kept
with the command, a message streams out as Pieces, anything else is Rejected. Rejected comes when the command's
octets are gone, or when the peer waits for our leave to send more; the answer to it may then be said.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from postel.proto.imap.codes import BAD, TOOBIG, Result
from postel.proto.imap.fault import Refused
from postel.proto.imap.framing import TAG_LIMIT, Inbox, LineFault, LiteralHead, literal_head, tag_of
from postel.proto.imap.limits import ImapLimits

LITERAL_MINUS: Final = 4096  # RFC 7888 5: octets of the largest non-synchronising literal under LITERAL-
_CHUNK: Final = 65536


class Fate(enum.Enum):
    """What becomes of a literal."""

    ARGUMENT = enum.auto()  # kept with the command
    MESSAGE = enum.auto()  # streams to the shell, when `begin_message` says so


@dataclass(frozen=True, slots=True)
class Whole:
    """The command's octets, from its tag or from behind the last message literal to its end."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """Octets of a message; is_last: the literal ends with them."""

    data: bytes
    is_last: bool


@dataclass(frozen=True, slots=True)
class Rejected:
    """The command is refused, and nothing of it is left. tag: None where none can be read."""

    tag: bytes | None
    result: Result


@dataclass(frozen=True, slots=True)
class Hopeless:
    """There is no going on with this peer."""

    why: str


Found: TypeAlias = Whole | Piece | Rejected | Hopeless
Judge: TypeAlias = Callable[[bytearray, LiteralHead], Fate]

LINE_FAULTS: Final = {
    LineFault.TOO_LONG: BAD.saying("The command is too long"),
    LineFault.BARE_NEWLINE: BAD.saying("Lines end in CRLF, and nowhere else is a CR or LF"),
}


class Intake:
    """Commands, one after the other."""

    def __init__(self, limits: ImapLimits) -> None:
        self.limits = limits
        self.is_logged_in = False
        self.literal_plus = True
        self.inbox = Inbox(limits.endless_line)
        self._text = bytearray()  # of the command in hand
        self._literals = 0  # octets of its literals that are arguments
        self._keeping = 0  # octets of such a literal that are still to come
        self._swallowing = 0  # octets of a refused literal that are still to come
        self._message: LiteralHead | None = None  # a message that waits for its leave
        self._streaming: int | None = None  # octets of a message that are still to come
        self._refusal: Rejected | None = None
        self.leave: Callable[[], None] = lambda: None
        """Tells the peer that it may send its literal."""

    @property
    def is_between_commands(self) -> bool:
        """Whether nothing of a command was read yet."""
        return not self._text and self._refusal is None and self._message is None and self._streaming is None

    @property
    def awaits_message(self) -> bool:
        """Whether a message's literal waits for `begin_message`."""
        return self._message is not None

    def next(self, judge: Judge) -> Found | None:
        """What comes next; None: more octets are needed."""
        while True:
            if self._swallowing:
                self._swallowing -= len(self.inbox.take_some(self._swallowing))
                if self._swallowing:
                    return None
            elif self._streaming is not None:
                return self._piece()
            elif self._keeping:
                if not self._keep():
                    return None
            else:
                found = self._line(judge)
                if not isinstance(found, bool):
                    return found
                if not found or self._message is not None:
                    return None

    # --- what the server says ----------------------------------------------------------------------------

    def begin_message(self) -> None:
        """Let the message come whose literal was announced."""
        assert self._message is not None
        if self._message.is_sync:
            self.leave()
        self._streaming, self._message = self._message.size, None
        self._text.clear()
        self._literals = 0

    def refuse(self, tag: bytes | None, result: Result) -> Rejected | None:
        """The command in hand, half read, is refused. What is to be said now; None: later, by `next`."""
        rejected = Rejected(tag, result)
        head, self._message = self._message, None
        self._text.clear()
        self._literals = 0
        if head is None:
            self._swallowing += self._keeping + (self._streaming or 0)
            self._keeping, self._streaming = 0, None
            self._refusal = rejected
            return None
        return self._reject_at(rejected, head)

    def _reject_at(self, rejected: Rejected, head: LiteralHead) -> Rejected | None:
        """At a literal: who waits for our leave can be told now, who does not has sent it already."""
        self._text.clear()
        if head.is_sync:
            self._refusal = None
            return rejected
        self._refusal = rejected
        self._swallowing = head.size
        return None

    # --- reading -----------------------------------------------------------------------------------------

    def _piece(self) -> Piece | None:
        assert self._streaming is not None
        data = self.inbox.take_some(min(self._streaming, _CHUNK))
        if not data and self._streaming:
            return None
        self._streaming -= len(data)
        is_last = self._streaming == 0
        if is_last:
            self._streaming = None
        return Piece(data, is_last)

    def _keep(self) -> bool:
        data = self.inbox.take_some(self._keeping)
        self._text += data
        self._keeping -= len(data)
        return not self._keeping

    def _line(self, judge: Judge) -> Found | bool:
        """A whole command or its end; True: go on; False: more octets are needed."""
        limits = self.limits
        most = limits.command if self.is_logged_in else limits.command_before_login
        line = self.inbox.take_line(most - (len(self._text) - self._literals))
        if line is None:
            return False
        if line is LineFault.ENDLESS:
            return Hopeless("A line without end")
        if isinstance(line, LineFault):
            return self._fault(line)
        head = literal_head(line)
        if self._refusal is not None:
            return self._after_refusal(self._refusal, head)
        self._text += line
        if head is None:
            text = bytes(self._text)
            self._text.clear()
            self._literals = 0
            return Whole(text)
        return self._literal(judge, head)

    def _fault(self, fault: LineFault) -> Found | bool:
        begin = bytes(self._text[:TAG_LIMIT]) + self.inbox.begin
        rejected = self._refusal or Rejected(tag_of(begin), LINE_FAULTS[fault])
        return self._after_refusal(rejected, self.inbox.last_head)

    def _after_refusal(self, rejected: Rejected, head: LiteralHead | None) -> Found | bool:
        if head is None:
            self._refusal = None
            self._text.clear()
            self._literals = 0
            return rejected
        if not head.is_sync and head.size > self._swallow_limit:
            return Hopeless("A literal too large to be read past")
        return self._reject_at(rejected, head) or True

    def _literal(self, judge: Judge, head: LiteralHead) -> Found | bool:
        try:
            self._check_kind(head)
            fate = judge(self._text, head)
            if fate is Fate.ARGUMENT:
                self._check_size(head)
        except Refused as refused:
            self._literals = 0
            return self._after_refusal(Rejected(tag_of(self._text), refused.result), head)
        if fate is Fate.MESSAGE:
            self._message = head
            return True
        if head.is_sync:
            self.leave()
        self._keeping = head.size
        self._literals += head.size
        return True

    def _check_kind(self, head: LiteralHead) -> None:
        # RFC 7888 5: a LITERAL- client must not.
        if not head.is_sync and not self.literal_plus and head.size > LITERAL_MINUS:
            raise Refused(BAD.saying("A non-synchronizing literal has at most 4096 octets", TOOBIG))

    def _check_size(self, head: LiteralHead) -> None:
        limits = self.limits
        one, together = limits.literal, limits.literals
        if not self.is_logged_in:
            one, together = limits.login_literal, 2 * limits.login_literal
        if head.size > one or self._literals + head.size > together:
            raise Refused(BAD.saying("The literal is too large", TOOBIG))

    @property
    def _swallow_limit(self) -> int:
        return self.limits.swallow if self.is_logged_in else self.limits.literal
