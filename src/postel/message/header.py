"""The header section of a message, as bytes, without losing one of them.

Implements  RFC 5322 2.2 (fields, folding), 4.5 (obsolete: blanks before the colon); what follows neither is kept.
Gives       Field, HeaderBlock, HeadCollector, HEADER_LIMIT.
Not here    What a field means: addresses, dates, submission, trace.

Lines end in CRLF; a bare LF is understood too, since files and pipes have them. A bare CR is an octet like another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

HEADER_LIMIT: Final = 256 * 1024  # octets, ours: RFC 5322 names none, and nobody honest comes near

# RFC 5322 2.2: ftext is printable ASCII but the colon. 4.5: blanks may come before it.
_NAME: Final = re.compile(rb"([!-9;-~]+)[ \t]*:")
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_STARTS_BLANK: Final = re.compile(rb"\r?\n")
_BLANKS: Final = (b" ", b"\t")
_FOLD: Final = re.compile(rb"\r?\n(?=[ \t])")


@dataclass(frozen=True, slots=True)
class Field:
    """One header field with its folds and line end, or a line that is none (its name is then empty).

    raw     every octet, the last line end included.
    name    as written, without blanks; "" for what has no name.
    """

    raw: bytes
    name: str

    @classmethod
    def of(cls, raw: bytes) -> Field:
        """The field in `raw`, which is one line and its continuations."""
        match = _NAME.match(raw)
        return cls(raw, match.group(1).decode("ascii") if match else "")

    @property
    def is_malformed(self) -> bool:
        """Whether this is no header field at all."""
        return not self.name

    @property
    def raw_value(self) -> bytes:
        """What follows the colon, unfolded (RFC 5322 2.2.3), without blanks around it."""
        after = self.raw.partition(b":")[2] if self.name else self.raw
        return _FOLD.sub(b"", after).strip(b" \t\r\n")

    @property
    def value(self) -> str:
        """`raw_value` as text: UTF-8 (RFC 6532 3.1), what is not UTF-8 replaced by U+FFFD."""
        return self.raw_value.decode("utf-8", "replace")


@dataclass(frozen=True)
class HeaderBlock:
    """All fields in order. `raw + separator` are the octets parsed, up to the body."""

    fields: tuple[Field, ...]
    separator: bytes = b""

    @classmethod
    def parse(cls, head: bytes) -> HeaderBlock:
        """Parse up to the first empty line, or to the end; what follows (the body) is not looked at.

        Costs O(n). Raises nothing: lines that are no field are kept as malformed ones.
        """
        end, separator = _find_separator(head)
        return cls(tuple(Field.of(raw) for raw in _split_fields(head[:end])), separator)

    @property
    def raw(self) -> bytes:
        """The fields' octets, without the empty line."""
        return b"".join(field.raw for field in self.fields)

    @property
    def size_bytes(self) -> int:
        """Where the body begins."""
        return sum(len(field.raw) for field in self.fields) + len(self.separator)

    def named(self, name: str) -> tuple[Field, ...]:
        """The fields of that name, whatever its case, in order."""
        return self._by_name.get(name.lower(), ())

    def get(self, name: str) -> str | None:
        """The value of the first field of that name."""
        found = self.named(name)
        return found[0].value if found else None

    def all(self, name: str) -> tuple[str, ...]:
        """The values of all fields of that name, in order."""
        return tuple(field.value for field in self.named(name))

    def count(self, name: str) -> int:
        """How many fields have that name."""
        return len(self.named(name))

    def where(self, keeps: Callable[[Field], bool]) -> HeaderBlock:
        """The block of the fields that `keeps` says yes to."""
        return HeaderBlock(tuple(field for field in self.fields if keeps(field)), self.separator)

    @cached_property
    def _by_name(self) -> dict[str, tuple[Field, ...]]:
        found: dict[str, list[Field]] = {}
        for field in self.fields:
            if field.name:
                found.setdefault(field.name.lower(), []).append(field)
        return {name: tuple(fields) for name, fields in found.items()}


def _find_separator(head: bytes) -> tuple[int, bytes]:
    """Where the fields end, and the empty line there."""
    if first := _STARTS_BLANK.match(head):
        return 0, first.group()
    if blank := _BLANK_LINE.search(head):
        return blank.start() + 1, blank.group()[1:]
    return len(head), b""


def _split_fields(section: bytes) -> Iterator[bytes]:
    """Cut before every line that does not begin with a blank."""
    start = 0
    for line_end in re.finditer(rb"\n(?![ \t])", section):
        yield section[start : line_end.end()]
        start = line_end.end()
    if start < len(section):
        yield section[start:]


class HeadCollector:
    """Picks the header section, empty line included, out of content that streams by."""

    def __init__(self, limit: int = HEADER_LIMIT) -> None:
        self._limit = limit
        self._head = bytearray()
        self._is_finished = False
        self._is_over_limit = False
        self._is_missing = False

    @property
    def head(self) -> bytes:
        """What there is so far: at most `limit` octets; with the empty line once that was seen."""
        return bytes(self._head)

    @property
    def is_finished(self) -> bool:
        """Whether feeding more changes nothing: the empty line was seen, or the limit reached."""
        return self._is_finished

    @property
    def is_over_limit(self) -> bool:
        """Whether `limit` octets went by without an empty line: `head` is then only the beginning."""
        return self._is_over_limit

    @property
    def is_missing(self) -> bool:
        """Whether the content begins with a blank: it is all body, `head` is empty, and what is put on top must
        end in an empty line. Else its first lines would continue the last of the fields there, in our name.
        """
        return self._is_missing

    def feed(self, chunk: bytes) -> None:
        """Take the next octets of the content. Costs O(len(chunk)) until finished, then nothing."""
        if not self._head and chunk.startswith(_BLANKS):
            self._is_finished = self._is_missing = True
        if self._is_finished:
            return
        seen = len(self._head)
        # One octet more than the limit tells a head that fits exactly from one that goes on.
        self._head += chunk[: self._limit + 1 - seen]
        if end := self._end_of_head(seen):
            del self._head[end:]
            self._is_finished = True
        if len(self._head) > self._limit:
            del self._head[self._limit :]
            self._is_finished = self._is_over_limit = True

    def _end_of_head(self, seen: int) -> int:
        if seen < 2 and (first := _STARTS_BLANK.match(self._head)):
            return first.end()
        blank = _BLANK_LINE.search(self._head, max(0, seen - 2))
        return blank.end() if blank else 0
