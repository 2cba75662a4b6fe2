"""What must be known of content beside its octets, counted as it comes.

Gives       Marks.
"""

from __future__ import annotations

from postel.checkpoints.rows import Progress
from postel.proto.smtp import SmtpLimits, has_longer_line


class Marks:
    """Of content from its start, or from where a line begins on."""

    __slots__ = ("_has_long_lines", "_is_8bit", "_line_start", "_long", "size_bytes")

    def __init__(self, begin: Progress, limits: SmtpLimits) -> None:
        self.size_bytes = self._line_start = begin.octets
        self._is_8bit = begin.is_8bit
        self._has_long_lines = begin.has_long_lines
        self._long = limits.text_line

    def add(self, piece: bytes) -> None:
        """The next octets."""
        self._is_8bit = self._is_8bit or not piece.isascii()
        open_octets = self.size_bytes - self._line_start
        self._has_long_lines = self._has_long_lines or has_longer_line(piece, self._long, open_octets)
        last_lf = piece.rfind(b"\n")
        if last_lf >= 0:
            self._line_start = self.size_bytes + last_lf + 1
        self.size_bytes += len(piece)

    @property
    def progress(self) -> Progress:
        """Up to the last line that has begun. What is beyond it may count already: it will come again."""
        return Progress(self._line_start, self._is_8bit, self._has_long_lines)
