"""Index a content once, as it streams by.

Implements  RFC 9051 7.5.2 (ENVELOPE, BODYSTRUCTURE, BODY), RFC 5256 2 (sort keys), RFC 5957 3, RFC 8970 3.
Gives       ContentIndexer, index_content.
Not here    How it is kept: blob. Where the parts are: outline.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from postel.message.dates import parse_zoned_date
from postel.message.mime_index import MimeLimits
from postel.message.order.base_subject import base_subject
from postel.message.order.collation import casemap_unicode
from postel.message.search.addressed import with_addresses
from postel.message.search.folding import decode_field, fold
from postel.message.search.preview import preview_of
from postel.message.search.text import beginning_of_text
from postel.message.structure.addresses import Address
from postel.message.structure.blob import (
    HAS_ATTACHMENTS,
    HAS_LITERALS,
    HAS_OTHER_FORMS,
    KEPT_CODES,
    KEPT_OCTETS,
    LACKS_FIELDS,
    NEEDS_UTF8,
    Indexed,
    Keys,
    OtherForms,
    PartFacts,
    write_blob,
)
from postel.message.structure.body import render_structures
from postel.message.structure.description import describe_disposition
from postel.message.structure.envelope import Envelope, read_envelope
from postel.message.structure.head_fields import unfolded
from postel.message.structure.message_ids import message_ids, references_of
from postel.message.structure.outline import Kind, OutlinePart, OutlineReader

SEARCHED_OCTETS: Final = 64 * 1024  # of a field: of more only the beginning is a key
_LIGHT_BYTES: Final = 8 * 1024  # of headers: they are what `finish` reads
_PART_BYTES: Final = 256  # of a header: a part costs as much besides
# What is never offered for saving by itself, whatever its disposition says.
_SIGNATURES: Final = frozenset({"application/pgp-signature", "application/pkcs7-signature"})


class ContentIndexer:
    """Fed with a content, gives its blob. Raises nothing, whatever the content."""

    def __init__(self, limits: MimeLimits | None = None) -> None:
        self._outline = OutlineReader(limits)

    def feed(self, octets: bytes) -> None:
        """The next octets. Costs O(len(octets))."""
        self._outline.feed(octets)

    @property
    def is_light(self) -> bool:
        """Whether `finish` would cost little: a fraction of a millisecond, some if headers are made to be dear."""
        outline = self._outline
        return outline.head_bytes + _PART_BYTES * len(outline.parts) <= _LIGHT_BYTES

    def finish(self) -> bytes:
        """There are no more: the blob for IndexedContent."""
        parts = self._outline.finish()
        root = parts[0]
        fields = root.fields
        envelope = read_envelope(fields)
        structures = render_structures(parts)
        kept, flags = _kept_fields(root)
        facts = [_facts(part) for part in parts]
        other = _other_forms(parts)
        if any(part.is_attachment for part in facts):
            flags |= HAS_ATTACHMENTS
        if not root.head.isascii():
            flags |= NEEDS_UTF8
        if b"}\r\n" in envelope.rendered or b"}\r\n" in structures.body_structure:
            flags |= HAS_LITERALS
        sent_at, sent_day = _sent(fields)
        return write_blob(
            Indexed(
                size_bytes=self._outline.size_bytes,
                body_start=root.body_start,
                lines=self._outline.lines,
                flags=flags | (HAS_OTHER_FORMS if other else 0),
                envelope=envelope.rendered,
                body_structure=structures.body_structure,
                body=structures.body,
                kept=kept,
                preview=_preview(parts),
                keys=_keys(fields, envelope),
                parts=facts,
                other_forms=other,
                sent_at=sent_at,
                sent_day=sent_day,
            )
        )


def index_content(content: bytes, limits: MimeLimits | None = None) -> bytes:
    """The blob of a content that is in memory."""
    indexer = ContentIndexer(limits)
    indexer.feed(content)
    return indexer.finish()


def _kept_fields(root: OutlinePart) -> tuple[list[tuple[int, bytes]], int]:
    kept = [
        (code, raw if raw.endswith(b"\n") else raw + b"\r\n")
        for raw, name, _ in root.lines_of_head
        if name and (code := KEPT_CODES.get(name.lower())) is not None
    ]
    if sum(len(raw) for _, raw in kept) > KEPT_OCTETS:
        return [], LACKS_FIELDS
    return kept, 0


def _other_forms(parts: list[OutlinePart]) -> OtherForms | None:
    if not any(part.described and part.described.media.name == "message/global" for part in parts):
        return None
    found = render_structures(parts, knows_global=True)
    return OtherForms(found.body_structure, found.body)


def _facts(part: OutlinePart) -> PartFacts:
    described, fields = part.described, part.fields
    assert described is not None
    media = described.media
    disposition = describe_disposition(fields.get(b"content-disposition"))
    meant = disposition[2] if disposition else None
    filename = (meant.filename if meant else None) or media.parameters.get("name") or ""
    is_attachment = (
        part.kind is not Kind.MULTIPART
        and media.name not in _SIGNATURES
        and part.parent >= 0
        and (
            (meant is not None and meant.kind == "attachment")
            or (bool(filename) and media.type != "text" and b"content-id" not in fields)
            or (media.type == "message" and part.kind is Kind.MESSAGE)
        )
    )
    return PartFacts(
        part.parent,
        part.kind,
        part.start,
        part.body_start,
        part.end,
        part.lines,
        media.name,
        part.encoding,
        described.charset if media.type == "text" else "",
        filename,
        is_attachment,
    )


def _preview(parts: list[OutlinePart]) -> str:
    """Of the first part with something to read in it; what is plain goes first."""
    texts = [part for part in parts if part.sample]
    for part in sorted(texts, key=_is_marked_up):
        described = part.described
        assert described is not None and part.sample is not None
        text = beginning_of_text(part.sample, part.encoding, described.charset, is_html=_is_marked_up(part))
        if shown := preview_of(text):
            return shown
    return ""


def _is_marked_up(part: OutlinePart) -> bool:
    assert part.described is not None
    return part.described.media.subtype in ("html", "xhtml", "xml")


def _sent(fields: dict[bytes, bytes]) -> tuple[float | None, int | None]:
    """The instant, and the day as it was written: RFC 9051 6.4.4 SENTON disregards time and zone."""
    rest = fields.get(b"date")
    found = parse_zoned_date(unfolded(rest).decode("latin-1")) if rest else None
    if found is None:
        return None, None
    at, offset_s = found
    return at, (_EPOCH + timedelta(seconds=at + offset_s)).toordinal()


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _keys(fields: dict[bytes, bytes], envelope: Envelope) -> Keys:
    subject = _decoded(fields, b"subject")
    base, is_reply = base_subject(subject)
    senders, to, cc = envelope.of(b"from"), envelope.of(b"to"), envelope.of(b"cc")
    return Keys(
        subject=fold(subject),
        from_=_addressed(fields, b"from", senders),
        to=_addressed(fields, b"to", to),
        cc=_addressed(fields, b"cc", cc),
        bcc=_addressed(fields, b"bcc", envelope.of(b"bcc")),
        base_subject=casemap_unicode(base),
        is_reply=is_reply,
        sort_from=_mailbox(senders),
        sort_to=_mailbox(to),
        sort_cc=_mailbox(cc),
        display_from=_display(senders),
        display_to=_display(to),
        message_id=next(iter(message_ids(fields.get(b"message-id", b""))), ""),
        references=references_of(fields),
    )


def _decoded(fields: dict[bytes, bytes], name: bytes) -> str:
    rest = fields.get(name)
    return decode_field(rest[:SEARCHED_OCTETS]) if rest else ""


def _addressed(fields: dict[bytes, bytes], name: bytes, addresses: list[Address]) -> str:
    return fold(with_addresses(_decoded(fields, name), addresses)[:SEARCHED_OCTETS])


def _mailbox(addresses: list[Address]) -> str:
    """RFC 5256 3: addr-mailbox of the first address, whatever the structure says there (a group's name, too)."""
    return casemap_unicode(decode_field(addresses[0].mailbox or b"")) if addresses else ""


def _display(addresses: list[Address]) -> str:
    """RFC 5957 3: its name decoded, else mailbox@host. A group shows its name."""
    if not addresses:
        return ""
    first = addresses[0]
    if first.name or first.is_group_mark:
        return casemap_unicode(decode_field(first.name or first.mailbox or b""))
    return casemap_unicode(decode_field(b"%b@%b" % (first.mailbox or b"", first.host or b"")))
