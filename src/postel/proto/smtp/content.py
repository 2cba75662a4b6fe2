r"""Read mail data: find its end, undo dot-stuffing, refuse what smuggles.

Implements  RFC 5321 4.1.1.4 (end of mail data), 4.5.2 (transparency), 2.3.8 (CR and LF never alone),
            4.5.3.1.6 (text lines), 4.5.3.1.7 (message content), RFC 1870 3 (how size is counted).
Gives       ContentReader, what both ways of sending content have in common; DataReader, the way of DATA;
            ContentTrouble.
Not here    The way of BDAT: chunks. Replies: server. Header fields: message.

The invariant: only CR LF . CR LF ends the content of DATA. What comes before it is either given, octet for octet and
dot-unstuffed, or, from the first trouble on, swallowed; trouble never ends the content.

Every octet is looked at a fixed number of times by the byte-string primitives, never one by one. What may be
the beginning of `\r\n.\r\n` stays in the buffer until its next octets come, so a piece never cuts a CRLF, nor
a dot from the CRLF before it.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from typing import Final

from postel.proto.smtp.limits import SmtpLimits
from postel.proto.smtp.resumption import Resumption

END_OF_DATA: Final = b"\r\n.\r\n"
_PREFIXES: Final = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")


class ContentTrouble(enum.StrEnum):
    """Why a message cannot be taken."""

    BARE_NEWLINE = "a CR or LF stands alone"
    LINE_TOO_LONG = "a line is too long"
    TOO_BIG = "the message is too big"


class ContentReader(ABC):
    """One message's content, taken off the front of a buffer: counted, and looked through for trouble.

    size_bytes       of what was given so far.
    is_8bit          an octet above 127 was among it.
    has_long_lines   a line longer than SmtpLimits.text_line was among it.
    trouble          set once, at the first trouble; nothing is given from then on.
    is_done          what had begun was taken off the buffer to its end: the mail data, or the chunk.
    is_endless       more was swallowed than SmtpLimits.overrun allows: hang up.
    """

    __slots__ = (
        "_limits",
        "_open_line",
        "_taken",
        "has_long_lines",
        "is_8bit",
        "is_done",
        "size_bytes",
        "trouble",
    )

    def __init__(self, limits: SmtpLimits) -> None:
        self._limits = limits
        self._open_line = 0  # octets of the last line given, while it has no LF
        self._taken = 0  # octets off the buffer, whatever became of them
        self.size_bytes = 0
        self.is_8bit = False
        self.has_long_lines = False
        self.trouble: ContentTrouble | None = None
        self.is_done = False

    @property
    def is_complete(self) -> bool:
        """Whether no more content follows."""
        return self.is_done

    def go_on(self, at: Resumption) -> None:
        """Count on from an interrupted transaction, whose content ends with a whole line (RFC 1845 3)."""
        self.size_bytes = at.offset
        self.is_8bit = at.is_8bit
        self.has_long_lines = at.has_long_lines

    @property
    def is_endless(self) -> bool:
        """Whether there is no use in swallowing on."""
        if self.trouble is None:
            return False
        return self._taken > self._limits.message_size + self._limits.overrun

    def read(self, buffer: bytearray) -> bytes:
        """Take what can be told off `buffer` and give its content; b"": see is_done and trouble."""
        raw = self._take(buffer)
        if not raw:
            return b""
        self._taken += len(raw)
        if self.trouble is not None:
            return b""
        if self.size_bytes + len(raw) <= self._limits.message_size:
            open_line = plain_end(raw, self._limits.text_line, self._open_line)
            if open_line is not None:
                return self._keep_plain(raw, open_line)
        piece = self._unstuffed(raw)
        if self._trouble_in(raw, piece) is not None:
            self.trouble = self._first_trouble(raw)
            return b""
        self._keep_count(raw, piece)
        return piece

    def _keep_plain(self, raw: bytes, open_line: int) -> bytes:
        """Note what was given: lines as most mail has them, of which there is nothing else to say."""
        self._open_line = open_line
        self.size_bytes += len(raw)
        self.is_8bit = self.is_8bit or not raw.isascii()
        return raw

    @abstractmethod
    def _take(self, buffer: bytearray) -> bytes:
        """The octets, as they came, that can be told from what follows them."""

    def _unstuffed(self, raw: bytes) -> bytes:
        """The content in them."""
        return raw

    def _held_back(self, buffer: bytes | bytearray) -> int:
        """How many octets at the end cannot be judged before more come."""
        return buffer.endswith(b"\r")

    def _trouble_in(self, raw: bytes, piece: bytes) -> ContentTrouble | None:
        """What is wrong with the next octets, as they came and unstuffed."""
        pairs = raw.count(b"\r\n")
        if raw.count(b"\n") != pairs or raw.count(b"\r") != pairs:
            return ContentTrouble.BARE_NEWLINE
        if self.size_bytes + len(piece) > self._limits.message_size:
            return ContentTrouble.TOO_BIG
        if has_longer_line(piece, self._limits.text_line_accepted, self._open_line):
            return ContentTrouble.LINE_TOO_LONG
        return None

    def _first_trouble(self, raw: bytes) -> ContentTrouble | None:
        """The trouble that comes first, so that which one it is does not depend on how the octets were cut.

        Trouble never goes away by more octets, so the shortest beginning that has some is found by halving.
        """
        good, bad = 0, len(raw)
        first = self._trouble_in(raw, self._unstuffed(raw))
        while bad - good > 1:
            middle = (good + bad) // 2
            beginning = raw[: middle - self._held_back(raw[:middle])]
            trouble = self._trouble_in(beginning, self._unstuffed(beginning))
            if trouble is None:
                good = middle
            else:
                bad, first = middle, trouble
        return first

    def _keep_count(self, raw: bytes, piece: bytes) -> None:
        """Note what was given."""
        self.size_bytes += len(piece)
        self.is_8bit = self.is_8bit or not piece.isascii()
        self.has_long_lines = self.has_long_lines or has_longer_line(
            piece, self._limits.text_line, self._open_line
        )
        last_lf = piece.rfind(b"\n")
        self._open_line = len(piece) - last_lf - 1 + (self._open_line if last_lf < 0 else 0)


class DataReader(ContentReader):
    """Content after DATA: dot-stuffed, and ended by CRLF . CRLF."""

    __slots__ = ("_skip",)

    def __init__(self, limits: SmtpLimits, buffer: bytearray) -> None:
        super().__init__(limits)
        # The CRLF that ended DATA counts for the content: "." right after it ends an empty message.
        buffer[:0] = b"\r\n"
        self._skip = 2

    def _take(self, buffer: bytearray) -> bytes:
        end = buffer.find(END_OF_DATA)
        if end >= 0:
            self.is_done = True
            piece = bytes(buffer[: end + 2])
            del buffer[: end + 5]
            return piece
        stop = len(buffer) - self._held_back(buffer)
        piece = bytes(buffer[:stop])
        del buffer[:stop]
        return piece

    def _unstuffed(self, raw: bytes) -> bytes:
        piece = raw.replace(b"\r\n.", b"\r\n") if b"\r\n." in raw else raw  # RFC 5321 4.5.2
        return piece[self._skip :] if self._skip else piece

    def _keep_count(self, raw: bytes, piece: bytes) -> None:
        self._skip = 0
        super()._keep_count(raw, piece)

    def _keep_plain(self, raw: bytes, open_line: int) -> bytes:
        skip, self._skip = self._skip, 0
        return super()._keep_plain(raw[skip:] if skip else raw, open_line)

    def _held_back(self, buffer: bytes | bytearray) -> int:
        """How many octets at the end may be the beginning of the end of mail data."""
        for prefix in _PREFIXES:
            if buffer.endswith(prefix):
                return len(prefix)
        return 0


def plain_end(raw: bytes, longest: int, already: int) -> int | None:
    """How long the last line is that has no end yet, where every line that ends does so in CRLF, none is longer than
    `longest` octets with it, `already` octets of the first having come before, and none begins with a dot. Else None.

    Splitting costs a third of what looking for each of these things does.
    """
    lines = raw.splitlines()
    lengths = list(map(len, lines))
    without_ends = sum(lengths)
    lengths[0] += already
    is_ended = raw.endswith(b"\r\n")
    if not is_ended and raw.endswith((b"\r", b"\n")):
        return None
    is_plain = (
        without_ends + 2 * (len(lines) if is_ended else len(lines) - 1) == len(raw)
        and max(lengths) + 2 <= longest
        and b"." not in [line[:1] for line in lines]
    )
    if not is_plain:
        return None
    return 0 if is_ended else lengths[-1]


def has_longer_line(piece: bytes, limit: int, already: int = 0) -> bool:
    """Whether a line in `piece` has more than `limit` octets, LF included, `already` octets of the first
    line having come before.

    It jumps from LF to the last LF within `limit`, so it looks at two places per `limit` octets.
    """
    start, end = 0, max(0, limit - already)
    while end <= len(piece):
        last_lf = piece.rfind(b"\n", start, end)
        if last_lf < 0:
            return True
        start = last_lf + 1
        end = start + limit
    return False
