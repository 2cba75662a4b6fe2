"""The structure of a message: what its parts are and where they lie, without their octets.

Implements  RFC 2045, RFC 2046, as far as a structure needs them; RFC 9051 6.4.5.1 (section numbers).
Gives       Part, Stretch, MimeIndex, MimeLimits.
Not here    Making one: mime_reader. Undoing encodings: decoders.

All offsets are octets from the start of the content, so any part, header or body can be fetched by itself:

    content[part.start:part.body_start]     its header, with the empty line
    content[part.body_start:part.end]       its body, still encoded, without the CRLF that belongs to the boundary
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postel.message.body_facts import BodyFacts
from postel.message.header import Field
from postel.message.mime_fields import Disposition, MediaType


@dataclass(frozen=True, slots=True, kw_only=True)
class MimeLimits:
    """What an index is made of at most, all ours. What is beyond is not looked into, and the index says so.

    depth           how deep parts may nest.
    parts           parts of one message, all levels.
    header_bytes    octets of one part's header that are looked at.
    kept_bytes      octets of all header fields that the index keeps.
    """

    depth: int = 100
    parts: int = 10_000
    header_bytes: int = 256 * 1024
    kept_bytes: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stretch:
    """Octets of a multipart that are in no part: RFC 2046 5.1.1 has them ignored."""

    start: int
    end: int
    facts: BodyFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A message, or a part of one.

    start, body_start, end  where its header begins, its body begins, and its body ends.
    media_type          what it is, by its header or by default.
    encoding            its transfer encoding in lower case; "" when it names none that could be one.
    disposition         how it wants to be shown; None without a word about it.
    fields              the header fields that the reader was asked to keep: those that describe the content.
    is_header_ascii     whether there is no octet above 127 in its header.
    lines               line ends in its body.
    facts               what its body's octets are; of a multipart or message, nothing: ask its children.
    children            the parts of a multipart; the one message in a message/rfc822 or message/global.
    preamble, epilogue  of a multipart.
    """

    start: int
    body_start: int
    end: int
    media_type: MediaType
    encoding: str
    disposition: Disposition | None
    fields: tuple[Field, ...]
    is_header_ascii: bool
    lines: int
    facts: BodyFacts
    children: tuple[Part, ...] = ()
    preamble: Stretch | None = None
    epilogue: Stretch | None = None

    @property
    def size_bytes(self) -> int:
        """Of the body, as it is encoded."""
        return self.end - self.body_start

    @property
    def is_leaf(self) -> bool:
        """Whether nothing is inside. A multipart in which no boundary was found is a leaf, too."""
        return not self.children

    @property
    def is_multipart(self) -> bool:
        """Whether it has parts."""
        return bool(self.children) and self.media_type.type == "multipart"

    @property
    def is_message(self) -> bool:
        """Whether it holds a message that was looked into."""
        return bool(self.children) and self.media_type.type == "message"

    @property
    def filename(self) -> str | None:
        """What the part calls itself: by its disposition, or by the `name` of its type, as is still common."""
        named = self.disposition.filename if self.disposition else None
        return named or self.media_type.parameters.get("name")

    def get(self, name: str) -> str | None:
        """The value of the first of the kept fields of that name, whatever its case."""
        return next((field.value for field in self.fields if field.name.lower() == name.lower()), None)

    def walk(self) -> Iterator[Part]:
        """The part and all within it, in the order of the content."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.children))


@dataclass(frozen=True, slots=True)
class MimeIndex:
    """The structure of a whole message.

    is_whole    whether all of it was looked at: False when a limit was met.
    is_loose    whether headers or boundaries have a NUL, or a CR or LF that is alone: bodies say so themselves.
    """

    root: Part
    is_whole: bool = True
    is_loose: bool = False

    @property
    def size_bytes(self) -> int:
        """Of the content."""
        return self.root.end

    def walk(self) -> Iterator[Part]:
        """All parts in the order of the content, the message itself first."""
        return self.root.walk()

    def section(self, *numbers: int) -> Part | None:
        """The part that IMAP calls by these numbers; None when there is none. No numbers: the message itself.

        RFC 9051 6.4.5.1: a message that is no multipart has the one part 1, its body; the numbers after those of a
        message/rfc822 are those of the message in it.
        """
        part, is_body = self.root, False
        for number in numbers:
            if is_body and not part.children:
                return None
            message = part.children[0] if part.is_message and is_body else part
            if message.is_multipart:
                if not 1 <= number <= len(message.children):
                    return None
                part = message.children[number - 1]
            elif number == 1:
                part = message
            else:
                return None
            is_body = True
        return part
