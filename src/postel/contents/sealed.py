"""A content that is complete and, where it is large, already on disk.

Gives       Sealed.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.contents.files import DraftFile


@dataclass(frozen=True, slots=True)
class Sealed:
    """What `keep` stores: `data`, then the octets of `file`. Made by Draft.seal."""

    data: bytes
    file: DraftFile | None = None
    file_bytes: int = 0

    @property
    def size_bytes(self) -> int:
        """Of the whole content."""
        return len(self.data) + self.file_bytes
