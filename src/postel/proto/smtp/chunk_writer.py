"""Cut content into the chunks of BDAT.

Implements  RFC 3030 2 (chunks of a size that a failure is not too dear at), 3 (binary content goes as it is),
            RFC 5321 2.3.8 (all other content has lines that end in CRLF).
Gives       ChunkWriter.
Not here    How many chunks may be under way: client.
"""

from __future__ import annotations

from typing import Final

CHUNK_BYTES: Final = 256 * 1024


class ChunkWriter:
    """Pieces of content in, BDAT commands with their octets out. Pieces may be cut anywhere.

    is_refused    whether the server has refused a chunk: then no more are written.
    """

    __slots__ = ("_gathered", "_is_binary", "_is_line_open", "_owes_cr", "is_refused")

    def __init__(self, *, is_binary: bool) -> None:
        self._gathered = bytearray()
        self._is_binary = is_binary
        self._is_line_open = False
        self._owes_cr = False  # a CR at the end of a piece waits here for its LF
        self.is_refused = False

    def write(self, piece: bytes) -> bytes:
        """A chunk, when enough has come for one; else b""."""
        if self.is_refused:
            return b""
        self._gathered += piece if self._is_binary else self._lines(piece)
        if len(self._gathered) < CHUNK_BYTES:
            return b""
        chunk = b"BDAT %d\r\n" % len(self._gathered) + self._gathered
        self._gathered.clear()
        return chunk

    def end(self) -> bytes:
        """The last chunk, which may have no octets."""
        if self._is_line_open or self._owes_cr:
            self._gathered += b"\r\n"
        return b"BDAT %d LAST\r\n" % len(self._gathered) + self._gathered

    def _lines(self, piece: bytes) -> bytes:
        """What stands alone of CR and LF is repaired, as for DATA."""
        if self._owes_cr:
            piece = b"\r" + piece
        self._owes_cr = piece.endswith(b"\r")
        if self._owes_cr:
            piece = piece[:-1]
        pairs = piece.count(b"\r\n")
        if piece.count(b"\n") != pairs or piece.count(b"\r") != pairs:
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
        if piece:
            self._is_line_open = not piece.endswith(b"\r\n")
        return piece
