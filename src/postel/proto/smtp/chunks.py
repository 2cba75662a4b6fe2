"""Read the content that BDAT brings: octets by count, in which nothing but the count is an end.

Implements  RFC 3030 2 (chunks), 3 (BINARYMIME), RFC 5321 2.3.8 (CR and LF never alone, but in binary content).
Gives       ChunkReader, RefusedChunk.
Not here    The BDAT line and its replies: server, arguments. What is common with DATA: content.

The invariant: exactly as many octets as BDAT announced are taken off the buffer, whatever is in them and whatever
is wrong with them; so no octet of a chunk is ever read as a command, and none of a command as content.

A CR at the end of what came waits for its LF, be it in the next chunk: a piece never cuts a CRLF, so that content
is the same however its chunks were cut.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.smtp.content import ContentReader, ContentTrouble
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.limits import SmtpLimits
from postel.proto.smtp.states import State


@dataclass(slots=True)
class RefusedChunk:
    """A BDAT that is refused: RFC 3030 2 has its octets go by before that is said.

    refused, line   what to say, and to which line.
    left            octets that are still to come.
    back_to         where the session stands afterwards.
    """

    refused: CommandRefused
    line: bytes
    left: int
    is_last: bool
    back_to: State

    def swallow(self, buffer: bytearray) -> bool:
        """Take what there is off the buffer; whether that was all of it."""
        taken = min(self.left, len(buffer))
        del buffer[:taken]
        self.left -= taken
        return not self.left


class ChunkReader(ContentReader):
    """The content of one transaction, chunk by chunk.

    chunk_bytes   the size of the present chunk.
    is_last       whether the present chunk is the last one.
    """

    __slots__ = ("_cr", "_is_binary", "_left", "chunk_bytes", "is_last")

    def __init__(self, limits: SmtpLimits, *, is_binary: bool) -> None:
        super().__init__(limits)
        self._is_binary = is_binary
        self._left = 0
        self._cr = False  # a CR waits for what follows it
        self.chunk_bytes = 0
        self.is_last = False

    def begin(self, size_bytes: int, *, is_last: bool) -> None:
        """BDAT has announced the next chunk. What goes over the limit is condemned before it comes."""
        self.chunk_bytes = self._left = size_bytes
        self.is_last = is_last
        self.is_done = False
        if self.trouble is None and self.size_bytes + self._cr + size_bytes > self._limits.message_size:
            self.trouble = ContentTrouble.TOO_BIG

    def would_be_endless(self, size_bytes: int) -> bool:
        """Whether a chunk is so large that it is not even swallowed."""
        return self._taken + size_bytes > self._limits.message_size + self._limits.overrun

    @property
    def is_complete(self) -> bool:
        """Whether no more content follows."""
        return self.is_done and self.is_last

    def _take(self, buffer: bytearray) -> bytes:
        piece = bytes(buffer[: self._left])
        del buffer[: len(piece)]
        self._left -= len(piece)
        self.is_done = not self._left
        if self._cr and (piece or self.is_complete):
            piece, self._cr = b"\r" + piece, False
        if piece.endswith(b"\r") and not self.is_complete:
            piece, self._cr = piece[:-1], True
        return piece

    def _trouble_in(self, raw: bytes, piece: bytes) -> ContentTrouble | None:
        # RFC 3030 3: all octets of binary content are kept as they are; it has no lines that could be too long.
        if not self._is_binary:
            return super()._trouble_in(raw, piece)
        return None

    def _keep_count(self, raw: bytes, piece: bytes) -> None:
        if not self._is_binary:
            super()._keep_count(raw, piece)
            return
        self.size_bytes += len(piece)
        self.is_8bit = self.is_8bit or not piece.isascii()
