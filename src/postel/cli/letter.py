"""A message as programs hand it to sendmail: lines that end somehow, a header section that may lack much.

Implements  RFC 5321 2.3.8 (lines end in CRLF), RFC 6409 8 (what a submission lacks is added), RFC 5322 3.6.3 (Bcc).
Gives       Letter, Author, read_letter, UntilDot.
Not here    Whom it is for, and how it is sent on: cli.sendmail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.utils import formataddr
from itertools import chain
from typing import Final

from postel.mail import Mailbox
from postel.message import (
    HeadCollector,
    HeaderBlock,
    SubmissionFacts,
    complete_submission,
    compose_field,
    without_blind_copies,
)
from postel.store import LineEnds

_END: Final = b"\r\n.\r\n"
_ENVELOPE_LINES: Final = (b"From ", b">From ")  # what mailbox files put before a message


class UntilDot:
    """Passes content on up to a line with a single dot. Lines end in CRLF."""

    def __init__(self) -> None:
        self.is_over = False
        self._held = b"\r\n"  # as if a line had ended just before: the first may be the dot
        self._unspoken = 2  # octets of that, which nobody wrote

    def feed(self, chunk: bytes) -> bytes:
        """The next octets that are content for certain; none after the dot."""
        if self.is_over:
            return b""
        data = self._held + chunk
        end = data.find(_END)
        if end >= 0:
            self.is_over = True
            return self._spoken(data[: end + 2])
        held = next((n for n in range(len(_END) - 1, 0, -1) if data.endswith(_END[:n])), 0)
        self._held = data[len(data) - held :]
        return self._spoken(data[: len(data) - held])

    def end(self) -> bytes:
        """What was held back, when no dot came."""
        return b"" if self.is_over else self._spoken(self._held)

    def _spoken(self, data: bytes) -> bytes:
        cut = min(self._unspoken, len(data))
        self._unspoken -= cut
        return data[cut:]


@dataclass(frozen=True, slots=True)
class Letter:
    """A header section, and the body behind it, which is read once."""

    header: HeaderBlock
    body: Iterator[bytes]

    def completed(self, author: Author) -> Iterator[bytes]:
        """What to send on: with the fields that were missing, without blind copies."""
        header = without_blind_copies(self.header)
        facts = SubmissionFacts(
            account=author.mailbox if header.count("From") else None,
            hostname=author.hostname,
            queue_id=author.unique,
            submitted_at=author.written_at,
        )
        added = complete_submission(header, facts)
        if not header.count("From"):
            added = compose_field("From", [author.named]) + added
        yield added + header.raw + b"\r\n"
        yield from self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who hands a message in: what its missing fields are made of.

    full_name   may be empty.
    unique      text for the Message-ID.
    """

    mailbox: Mailbox
    full_name: str
    hostname: str
    unique: str
    written_at: float

    @property
    def named(self) -> str:
        """As it stands in From."""
        if not self.full_name or not self.mailbox.is_ascii:
            return f"<{self.mailbox}>"
        return formataddr((self.full_name, str(self.mailbox)))


def read_letter(chunks: Iterable[bytes], *, dot_ends: bool) -> Letter:
    """Read the header section of what comes, and leave the body to be read."""
    pieces = _normalised(chunks, dot_ends)
    collector, begun = HeadCollector(), bytearray()
    for piece in pieces:
        begun += piece
        collector.feed(piece)
        if collector.is_finished:
            break
    head, rest = collector.head, bytes(begun[len(collector.head) :])
    if head.startswith(_ENVELOPE_LINES):
        head = head.partition(b"\r\n")[2]
    header, body = _split(head)
    return Letter(header, chain([body + rest], pieces))


def _split(head: bytes) -> tuple[HeaderBlock, bytes]:
    """The fields, and what comes before the blank line but is none: there the body begins already."""
    found = HeaderBlock.parse(head)
    wrong = next((n for n, one in enumerate(found.fields) if one.is_malformed), None)
    if wrong is None:
        return HeaderBlock(found.fields), b""
    header = HeaderBlock(found.fields[:wrong])
    return header, head[header.size_bytes :]


def _normalised(chunks: Iterable[bytes], dot_ends: bool) -> Iterator[bytes]:
    """The content with its line ends made right, up to the dot that ends it, if one does."""
    ends, dot = LineEnds(), UntilDot()
    for chunk in chunks:
        made = ends.feed(chunk)
        yield dot.feed(made) if dot_ends else made
        if dot.is_over:
            return
    last = ends.end()
    yield dot.feed(last) + dot.end() if dot_ends else last
