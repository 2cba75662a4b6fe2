"""What is known of a content, as a few octets that are kept beside it.

Gives       IndexedContent, StaleIndex, Keys, PartFacts, write_blob, envelope_of, body_structure_of, kept_of,
            KEPT_NAMES.
Not here    Finding it out: indexer. What is made of it: sections.

    version, flags, numbers | ENVELOPE | BODYSTRUCTURE | BODY | kept fields | preview | keys | parts | other forms

The first three are ready for the wire, so answering is slicing. Of the others each is read when it is asked for.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Final

import msgspec

from postel.message.search.preview import PREVIEW_LENGTH
from postel.message.structure.outline import Kind
from postel.message.structure.strings import quote_utf8

VERSION: Final = 1

HAS_ATTACHMENTS: Final = 1
NEEDS_UTF8: Final = 2  # 8-bit octets are in its header
HAS_LITERALS: Final = 4  # in what is rendered
LACKS_FIELDS: Final = 8  # too long to be kept
HAS_OTHER_FORMS: Final = 16  # a client of RFC 9051 is told of a message/global in it

# version, flags; size, body_start, lines; where envelope, structure, body, kept, preview, keys and parts end; sent
_HEAD: Final = struct.Struct("<BBQQI7Idi")
_ENDS: Final = struct.Struct("<II")
_ENDS_AT: Final = 2 + 8 + 8 + 4
_COUNT: Final = struct.Struct("<H")

# Fields that clients ask for in lists of letters. A change of this needs another VERSION.
KEPT_NAMES: Final = (
    b"from", b"to", b"cc", b"bcc", b"subject", b"date", b"sender", b"reply-to", b"message-id", b"in-reply-to",
    b"references", b"content-type", b"content-description", b"mime-version", b"priority", b"x-priority",
    b"importance", b"newsgroups", b"lines", b"list-id", b"list-post", b"list-subscribe", b"list-unsubscribe",
    b"list-unsubscribe-post", b"resent-from", b"resent-to", b"resent-date", b"x-label", b"x-original-to",
    b"x-spam-flag", b"x-spam-status", b"disposition-notification-to", b"return-receipt-to", b"user-agent",
    b"x-mailer", b"content-transfer-encoding", b"x-uniform-type-identifier", b"x-universally-unique-identifier",
    b"autocrypt", b"organization", b"return-path", b"delivered-to", b"content-class", b"thread-index",
)  # fmt: skip
KEPT_CODES: Final[Mapping[bytes, int]] = {name: code for code, name in enumerate(KEPT_NAMES)}
KEPT_OCTETS: Final = 16 * 1024  # of all of them; of more none are kept


class StaleIndex(Exception):
    """The octets are not what this version writes: the content must be indexed again."""


class Keys(msgspec.Struct, array_like=True, frozen=True):
    """What a letter is searched, sorted and threaded by.

    subject, from_, to, cc, bcc     decoded and folded for search.
    base_subject, is_reply          RFC 5256 2.1, as casemap_unicode has it.
    sort_from, sort_to, sort_cc     mailbox of the first address (RFC 5256 3).
    display_from, display_to        how it is shown (RFC 5957 3).
    message_id, references          normalised (RFC 5256 3); "" without one.
    """

    subject: str = ""
    from_: str = ""
    to: str = ""
    cc: str = ""
    bcc: str = ""
    base_subject: str = ""
    is_reply: bool = False
    sort_from: str = ""
    sort_to: str = ""
    sort_cc: str = ""
    display_from: str = ""
    display_to: str = ""
    message_id: str = ""
    references: tuple[str, ...] = ()


class PartFacts(msgspec.Struct, array_like=True, frozen=True):
    """One part; `parent` is its place among the parts, -1 of the message itself. Offsets are those of the content."""

    parent: int
    kind: int
    start: int
    body_start: int
    end: int
    lines: int
    media: str
    encoding: str
    charset: str = ""
    filename: str = ""
    is_attachment: bool = False

    @property
    def is_multipart(self) -> bool:
        """Whether it has parts."""
        return self.kind == Kind.MULTIPART

    @property
    def is_message(self) -> bool:
        """Whether a message is in it that was looked into."""
        return self.kind == Kind.MESSAGE


class OtherForms(msgspec.Struct, array_like=True, frozen=True):
    """What clients of RFC 9051 are told instead."""

    body_structure: bytes
    body: bytes


_KEYS: Final = msgspec.msgpack.Decoder(Keys)
_PARTS: Final = msgspec.msgpack.Decoder(list[PartFacts])
_OTHER: Final = msgspec.msgpack.Decoder(OtherForms)
_ENCODER: Final = msgspec.msgpack.Encoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What the blob is made of."""

    size_bytes: int
    body_start: int
    lines: int
    flags: int
    envelope: bytes
    body_structure: bytes
    body: bytes
    kept: Sequence[tuple[int, bytes]]
    preview: str
    keys: Keys
    parts: list[PartFacts]
    other_forms: OtherForms | None
    sent_at: float | None
    sent_day: int | None


def write_blob(indexed: Indexed) -> bytes:
    """The octets to be kept."""
    pieces = [indexed.envelope, indexed.body_structure, indexed.body, _kept(indexed.kept)]
    pieces.append(indexed.preview.encode())
    pieces += [_ENCODER.encode(indexed.keys), _ENCODER.encode(indexed.parts)]
    ends: list[int] = []
    at = _HEAD.size
    for piece in pieces:
        at += len(piece)
        ends.append(at)
    head = _HEAD.pack(
        VERSION,
        indexed.flags,
        indexed.size_bytes,
        indexed.body_start,
        indexed.lines,
        *ends,
        math.nan if indexed.sent_at is None else indexed.sent_at,
        indexed.sent_day or 0,
    )
    other = _ENCODER.encode(indexed.other_forms) if indexed.other_forms else b""
    return b"".join([head, *pieces, other])


def _kept(fields: Sequence[tuple[int, bytes]]) -> bytes:
    """How many, the numbers of their names, their lengths, and all of their octets."""
    count = len(fields)
    return b"".join(
        [
            _COUNT.pack(count),
            bytes([code for code, _ in fields]),
            _lengths(count).pack(*[len(raw) for _, raw in fields]),
            *[raw for _, raw in fields],
        ]
    )


@lru_cache(100)
def _lengths(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}H")


def envelope_of(blob: bytes) -> bytes:
    """ENVELOPE, for a fetch of thousands. Raises StaleIndex."""
    if blob[:1] != b"\x01":
        raise StaleIndex
    (end,) = _END.unpack_from(blob, _ENDS_AT)
    return blob[_HEAD.size : end]


def body_structure_of(blob: bytes) -> bytes:
    """BODYSTRUCTURE, for a fetch of thousands, as RFC 3501 has it. Raises StaleIndex."""
    if blob[:1] != b"\x01":
        raise StaleIndex
    start, end = _ENDS.unpack_from(blob, _ENDS_AT)
    return blob[start:end]


_END: Final = struct.Struct("<I")
_KEPT_AT: Final = _ENDS_AT + 2 * _END.size  # what says where the third piece ends, and the kept fields begin


def kept_of(blob: bytes, codes: frozenset[int]) -> bytes | None:
    """The kept fields whose names have these numbers, for a fetch of thousands; None: not all were kept.

    Raises StaleIndex.
    """
    try:
        if blob[0] != VERSION:
            raise StaleIndex
        if blob[1] & LACKS_FIELDS:
            return None
        (at,) = _END.unpack_from(blob, _KEPT_AT)
        count = blob[at] + 256 * blob[at + 1]
        names_end = at + 2 + count
        lengths = _lengths(count).unpack_from(blob, names_end)
    except (struct.error, IndexError) as error:
        raise StaleIndex from error
    at = names_end + 2 * count
    runs = _runs(blob[names_end - count : names_end], codes)
    if len(runs) == 1:
        start, stop = runs[0]
        at += sum(lengths[:start])
        return blob[at : at + sum(lengths[start:stop])]
    ends = tuple(accumulate(lengths, initial=at))
    return b"".join([blob[ends[start] : ends[stop]] for start, stop in runs])


@lru_cache(2000)
def _runs(named: bytes, codes: frozenset[int]) -> tuple[tuple[int, int], ...]:
    """Where the wanted ones are among the fields of these names: first and one behind the last, side by side."""
    runs: list[tuple[int, int]] = []
    for place, code in enumerate(named):
        if code in codes:
            if runs and runs[-1][1] == place:
                runs[-1] = (runs[-1][0], place + 1)
            else:
                runs.append((place, place + 1))
    return tuple(runs)


class IndexedContent:
    """A blob, read. Offsets and sizes are those of the content, without what a copy has in front of it."""

    def __init__(self, blob: bytes) -> None:
        """Raises StaleIndex."""
        try:
            head = _HEAD.unpack_from(blob)
        except struct.error as error:
            raise StaleIndex from error
        if head[0] != VERSION:
            raise StaleIndex
        self._blob = blob
        _, self.flags, self.size_bytes, self.body_start, self.lines, *ends, sent_at, sent_day = head
        self._ends: list[int] = ends
        self.sent_at: float | None = None if sent_at != sent_at else sent_at
        self.sent_day: int | None = sent_day or None
        if ends[-1] > len(blob):
            raise StaleIndex

    @classmethod
    def read(cls, blob: bytes) -> IndexedContent:
        """The blob, read. Raises StaleIndex when it is another version's, or none."""
        return cls(blob)

    @property
    def has_attachments(self) -> bool:
        """Whether a part is there to be saved rather than shown."""
        return bool(self.flags & HAS_ATTACHMENTS)

    @property
    def needs_utf8(self) -> bool:
        """Whether its header has octets above 127 (RFC 6855)."""
        return bool(self.flags & NEEDS_UTF8)

    def envelope(self, *, utf8: bool = False) -> bytes:
        """ENVELOPE. `utf8`: with UTF-8 in quoted strings (RFC 6855 3), else 8-bit octets are in literals."""
        return self._form(self._blob[_HEAD.size : self._ends[0]], utf8)

    def body_structure(self, *, rev2: bool = False, utf8: bool = False) -> bytes:
        """BODYSTRUCTURE. `rev2`: for a client that knows what is in a message/global."""
        if rev2 and self._other_forms:
            return self._form(self._other_forms.body_structure, utf8)
        return self._form(self._blob[self._ends[0] : self._ends[1]], utf8)

    def body(self, *, rev2: bool = False, utf8: bool = False) -> bytes:
        """BODY: the structure without what RFC 9051 7.5.2 calls extension data."""
        if rev2 and self._other_forms:
            return self._form(self._other_forms.body, utf8)
        return self._form(self._blob[self._ends[1] : self._ends[2]], utf8)

    def _form(self, rendered: bytes, utf8: bool) -> bytes:
        return quote_utf8(rendered) if utf8 and self.flags & HAS_LITERALS else rendered

    def kept(self, codes: Container[int]) -> list[bytes]:
        """The kept fields whose names have these numbers, in the order of the header. Raises StaleIndex."""
        blob, at = self._blob, self._ends[2]
        try:
            (count,) = _COUNT.unpack_from(blob, at)
            lengths = _lengths(count).unpack_from(blob, at + 2 + count)
        except struct.error as error:
            raise StaleIndex from error
        named = blob[at + 2 : at + 2 + count]
        at += 2 + 3 * count
        found = []
        for code, length in zip(named, lengths, strict=True):
            if code in codes:
                found.append(blob[at : at + length])
            at += length
        return found

    @property
    def preview(self) -> str:
        """RFC 8970 3; "" when there is nothing to read."""
        return self._blob[self._ends[3] : self._ends[4]].decode("utf-8", "replace")[:PREVIEW_LENGTH]

    @cached_property
    def keys(self) -> Keys:
        """What it is searched, sorted and threaded by. Raises StaleIndex."""
        try:
            return _KEYS.decode(self._blob[self._ends[4] : self._ends[5]])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StaleIndex from error

    @cached_property
    def parts(self) -> list[PartFacts]:
        """All parts in the order of the content, the message itself first. Raises StaleIndex."""
        try:
            found = _PARTS.decode(self._blob[self._ends[5] : self._ends[6]])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StaleIndex from error
        if not found or any(not -1 <= part.parent < at for at, part in enumerate(found)):
            raise StaleIndex
        return found

    @cached_property
    def children(self) -> list[list[int]]:
        """For each part the places of those in it."""
        found: list[list[int]] = [[] for _ in self.parts]
        for at, part in enumerate(self.parts):
            if part.parent >= 0:
                found[part.parent].append(at)
        return found

    @cached_property
    def _other_forms(self) -> OtherForms | None:
        if not self.flags & HAS_OTHER_FORMS:
            return None
        try:
            return _OTHER.decode(self._blob[self._ends[6] :])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StaleIndex from error
