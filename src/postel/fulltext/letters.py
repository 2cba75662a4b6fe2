"""What is kept of a letter so that texts can be found in it.

Implements  RFC 9051 6.4.4 (FROM, SUBJECT ...: fields; BODY: the body; TEXT: both).
Gives       Field, Place, LetterText, pack, unpack, TEXT_LIMIT.
Not here    How text is decoded and folded: message. Needles are folded by whoever asks.
"""

from __future__ import annotations

import enum
import sys
from dataclasses import dataclass
from typing import Final

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT_LIMIT: Final = 1_000_000  # characters of a letter that are kept
_LEVEL: Final = 3
_BETWEEN: Final = "\0"  # in no folded text: decoders replace NUL


class Field(enum.StrEnum):
    """Header fields that have a column of their own."""

    SUBJECT = "subject"
    FROM = "from_"
    TO = "to_"
    CC = "cc"
    BCC = "bcc"


class Place(enum.Enum):
    """Where in a letter a text is looked for."""

    BODY = "body"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class LetterText:
    """A letter as people search it, folded.

    fields      the values of the fields that have a column; missing ones have no entry.
    header      all fields, as text.
    body        all text of its parts.
    """

    fields: dict[Field, str]
    header: str
    body: str

    @property
    def size(self) -> int:
        """Characters."""
        return len(self.header) + len(self.body)

    @property
    def is_whole(self) -> bool:
        """Whether all of it is kept: what is not found in the rest of another is not known to be missing."""
        return self.size <= TEXT_LIMIT


def pack(text: LetterText) -> bytes:
    """What is stored of header and body."""
    header = text.header.replace(_BETWEEN, " ")[:TEXT_LIMIT]
    body = text.body.replace(_BETWEEN, " ")[: TEXT_LIMIT - len(header)]
    return zstd.compress(f"{header}{_BETWEEN}{body}".encode("utf-8", "replace"), _LEVEL)


def unpack(packed: bytes) -> tuple[bytes, bytes]:
    """Header and body as UTF-8: needles are looked for as octets, which is the same and faster."""
    header, _, body = zstd.decompress(packed).partition(b"\0")
    return header, body


def indexed_text(text: LetterText) -> str:
    """What goes into the index of pieces."""
    return f"{text.header}\n{text.body}"[:TEXT_LIMIT]
