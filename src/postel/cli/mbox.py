"""mbox files, read and written in pieces, however large they are.

Implements  RFC 4155 (the default mbox format, its separator line), the quoting known as mboxrd and mboxo.
Gives       Quoting, split_mbox -> MboxMessage; MboxWriter.

A message begins behind a line `From somebody Thu Jan  1 00:00:00 2026` that follows an empty line, or begins the
file; the empty line before the next one is no part of it. A line of the message that begins with `From `, after any
number of `>`, is written with one `>` more (mboxrd), so that reading gives back exactly what was written.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Final

PIECE_BYTES: Final = 64 * 1024  # the most of a line that is held
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_DATE: Final = re.compile(
    rb"\b(?P<month>[A-Za-z]{3})\s+(?P<day>\d{1,2})\s+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
    rb"(?P<zones>(?:\s+[A-Za-z0-9+-]+){0,2}?)\s+(?P<year>\d{4})\b(?P<after>\s+[+-]\d{4})?"
)
_ZONE: Final = re.compile(rb"([+-])(\d{2})(\d{2})")
_ONE_WORD: Final = re.compile(rb"From \S*\s*")
_QUOTED: Final = re.compile(rb">+From ")
_TO_QUOTE: Final = re.compile(rb"^(>*From )", re.MULTILINE)
_BLANK: Final = (b"\n", b"\r\n")


class Quoting(enum.StrEnum):
    """How the writer of a file kept lines that begin with `From ` apart from separators."""

    MBOXRD = "mboxrd"  # `>From ` from `From `, `>>From ` from `>From `, and so on
    MBOXO = "mboxo"  # `>From ` from `From `, and nothing else
    NONE = "none"  # not at all


@dataclass(frozen=True, slots=True)
class MboxMessage:
    """One message; its pieces must be read before the next message is asked for.

    came_at     what the separator line says; None where it says nothing.
    """

    came_at: float | None
    pieces: Iterator[bytes]


class NotMbox(Exception):
    """The file does not begin as a mbox does."""


def split_mbox(file: IO[bytes], quoting: Quoting = Quoting.MBOXRD) -> Iterator[MboxMessage]:
    """The messages of a file. Raises NotMbox, OSError. Pieces that are not read are skipped."""
    reader = _Reader(file, quoting)
    while (separator := reader.separator) is not None:
        pieces = reader.message()
        yield MboxMessage(parse_separator_date(separator), pieces)
        for _ in pieces:
            pass


class _Reader:
    """Goes through the file once. `separator` is the line that the next message stands behind."""

    def __init__(self, file: IO[bytes], quoting: Quoting) -> None:
        self._file = file
        self._quoting = quoting
        first = file.readline(PIECE_BYTES)
        while first in _BLANK:
            first = file.readline(PIECE_BYTES)
        if first and not first.startswith(b"From "):
            raise NotMbox("a mbox file begins with a line `From …`")
        self.separator: bytes | None = first or None

    def message(self) -> Iterator[bytes]:
        """The pieces of the message behind the separator, to the next separator or the end."""
        gathered = bytearray()
        for line in self._lines():
            gathered += line
            if len(gathered) >= PIECE_BYTES:
                yield bytes(gathered)
                gathered.clear()
        if gathered:
            yield bytes(gathered)

    def _lines(self) -> Iterator[bytes]:
        self._skip_line(self.separator or b"")
        self.separator = None
        held, is_line_start = b"", True
        while line := self._file.readline(PIECE_BYTES):
            if held and _is_separator(line):
                self.separator = line
                return  # the empty line that was held is the writer's
            if held:
                yield held
            is_blank = is_line_start and line in _BLANK
            held = line if is_blank else b""
            if not is_blank:
                yield self._unquoted(line) if is_line_start else line
            is_line_start = line.endswith(b"\n")

    def _skip_line(self, begun: bytes) -> None:
        while begun and not begun.endswith(b"\n"):
            begun = self._file.readline(PIECE_BYTES)

    def _unquoted(self, line: bytes) -> bytes:
        match self._quoting:
            case Quoting.MBOXRD:
                return line[1:] if _QUOTED.match(line) else line
            case Quoting.MBOXO:
                return line[1:] if line.startswith(b">From ") else line
            case Quoting.NONE:
                return line


def _is_separator(line: bytes) -> bool:
    """Whether a line behind an empty one is a separator: writers that quote nothing make that a question."""
    return line.startswith(b"From ") and bool(_DATE.search(line) or _ONE_WORD.fullmatch(line))


def parse_separator_date(line: bytes) -> float | None:
    """The instant in a separator line, which is in UTC where it names no zone (RFC 4155)."""
    match = _DATE.search(line)
    if match is None or (month := match["month"].decode().lower()) not in _MONTHS:
        return None
    try:
        at = datetime(
            int(match["year"]),
            _MONTHS.index(month) + 1,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            min(int(match["second"] or 0), 59),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return (at - _zone((match["zones"] or b"") + (match["after"] or b""))).timestamp()


def _zone(text: bytes) -> timedelta:
    match = _ZONE.search(text)
    if match is None:
        return timedelta(0)
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -offset if match[1] == b"-" else offset


class MboxWriter:
    """Writes messages in mboxrd form. Their lines end in LF."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._held = b""  # the beginning of a line, which may yet need quoting
        self._is_line_start = True

    def begin(self, reverse_path: str, came_at: float) -> None:
        """A message begins. A reverse path that is empty is written as MAILER-DAEMON."""
        word = re.sub(r"\s+", "", reverse_path) or "MAILER-DAEMON"
        date = datetime.fromtimestamp(came_at, UTC)
        day, month = _DAYS[date.weekday()], _MONTHS[date.month - 1].capitalize()
        came = f"{day} {month} {date.day:2d} {date:%H:%M:%S} {date.year:04d}"
        self._file.write(f"From {word} {came}\n".encode("utf-8", "replace"))

    def write(self, piece: bytes) -> None:
        """The next octets of the message."""
        data = self._held + piece
        end = data.rfind(b"\n") + 1
        if len(data) - end > PIECE_BYTES:
            end = len(data)  # a long line is not held: its beginning is here, or has gone out
        self._held = data[end:]
        self._put(data[:end])

    def end(self) -> None:
        """The message is complete."""
        self._put(self._held)
        self._held = b""
        self._file.write(b"\n" if self._is_line_start else b"\n\n")
        self._is_line_start = True

    def _put(self, text: bytes) -> None:
        if not text:
            return
        begun = b""
        if not self._is_line_start:  # what comes first belongs to a line that has gone out in part
            begun, newline, text = text.partition(b"\n")
            begun += newline
        self._file.write(begun + _TO_QUOTE.sub(rb">\1", text))
        self._is_line_start = (begun + text).endswith(b"\n")
