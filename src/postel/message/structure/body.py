"""The body structure of a message, from its outline.

Implements  RFC 9051 7.5.2 and RFC 3501 7.4.2 (BODY, BODYSTRUCTURE), RFC 2046 5.1.1, RFC 9051 9 (message/global).
Gives       Structures, render_structures.

What no grammar has words for gets the nearest thing that a client can use:

    a multipart in which no part was found          one with an empty text in it
    a message/rfc822 that could not be looked into  one without a word in its envelope, and an empty text in it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from postel.message.structure.description import (
    Described,
    describe_disposition,
    render_parameters,
    written_encoding,
)
from postel.message.structure.envelope import EMPTY_ENVELOPE, read_envelope
from postel.message.structure.head_fields import unfolded
from postel.message.structure.outline import Kind, OutlinePart
from postel.message.structure.strings import NIL, nstring

_EMPTY_TEXT: Final = b'"text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0'
_PLACEMENT_FIELDS: Final = frozenset({b"content-disposition", b"content-language", b"content-location"})


@dataclass(frozen=True, slots=True)
class Structures:
    """Both forms, ready for the wire."""

    body: bytes
    body_structure: bytes


_NOTHING: Final = Structures(b"(" + _EMPTY_TEXT + b")", b"(" + _EMPTY_TEXT + b" NIL NIL NIL NIL)")


def render_structures(parts: list[OutlinePart], *, knows_global: bool = False) -> Structures:
    """Of the message that the parts make up. Costs O(n), whatever the nesting.

    knows_global    whether the client knows that a message/global has a message in it (RFC 9051 9, media-message);
                    in RFC 3501 only message/rfc822 has.
    """
    done: list[Structures | None] = [None] * len(parts)
    inside: list[list[int]] = [[] for _ in parts]
    for at in range(len(parts) - 1, -1, -1):  # what is inside comes later in the list
        part = parts[at]
        children = [found for child in reversed(inside[at]) if (found := done[child])]
        for child in inside[at]:
            done[child] = None
        done[at] = _render(part, children, parts[at + 1] if part.kind is Kind.MESSAGE else None, knows_global)
        if part.parent >= 0:
            inside[part.parent].append(at)
    whole = done[0]
    assert whole is not None
    return whole


def _render(
    part: OutlinePart, children: list[Structures], message: OutlinePart | None, knows_global: bool
) -> Structures:
    if _described(part).media.type == "multipart":
        return _multipart(part, children)
    described, fields = _described(part), part.fields
    base = b"%b %b %b %b %d" % (
        described.rendered,
        nstring(_of(fields, b"content-id")),
        nstring(_of(fields, b"content-description")),
        nstring(written_encoding(fields.get(b"content-transfer-encoding"))),
        part.end - part.body_start,
    )
    extension = _extension(fields)
    if described.media.type == "text":
        base += b" %d" % part.lines
    elif described.media.name == "message/rfc822" or (
        knows_global and described.media.name == "message/global"
    ):
        return _message(part, base, extension, children, message)
    return Structures(b"(" + base + b")", b"(" + base + extension + b")")


def _multipart(part: OutlinePart, children: list[Structures]) -> Structures:
    described = _described(part)
    subtype = nstring(described.subtype)
    children = children or [_NOTHING]  # the grammar wants one at least
    inner = b"".join([child.body_structure for child in children])
    extension = _placement(part.fields)
    return Structures(
        b"(%b %b)" % (b"".join([child.body for child in children]), subtype),
        b"(%b %b %b%b)" % (inner, subtype, render_parameters(described.parameters), extension),
    )


def _message(
    part: OutlinePart, base: bytes, extension: bytes, children: list[Structures], message: OutlinePart | None
) -> Structures:
    """RFC 9051 7.5.2: with the envelope, the structure and the lines of the message in it."""
    inner = children[0] if children else _NOTHING
    envelope = read_envelope(message.fields).rendered if message else EMPTY_ENVELOPE
    start = b"(%b %b " % (base, envelope)
    return Structures(
        b"%b%b %d)" % (start, inner.body, part.lines),
        b"%b%b %d%b)" % (start, inner.body_structure, part.lines, extension),
    )


def _described(part: OutlinePart) -> Described:
    assert part.described is not None
    return part.described


def _extension(fields: dict[bytes, bytes]) -> bytes:
    """MD5, disposition, language, location."""
    return b" " + nstring(_of(fields, b"content-md5")) + _placement(fields)


def _placement(fields: dict[bytes, bytes]) -> bytes:
    """Disposition, language, location: what a multipart has, too."""
    if _PLACEMENT_FIELDS.isdisjoint(fields):
        return b" NIL NIL NIL"
    return b" %b %b %b" % (
        _disposition(fields.get(b"content-disposition")),
        _languages(fields.get(b"content-language")),
        nstring(_of(fields, b"content-location")),
    )


def _disposition(rest: bytes | None) -> bytes:
    found = describe_disposition(rest)
    if found is None:
        return NIL
    kind, parameters, _ = found
    return b"(%b %b)" % (nstring(kind), render_parameters(parameters))


def _languages(rest: bytes | None) -> bytes:
    """RFC 3282 2: tags between commas."""
    tags = [tag for tag in (part.strip() for part in unfolded(rest or b"").split(b",")) if tag]
    if not tags:
        return NIL
    return b"(" + b" ".join([nstring(tag) for tag in tags]) + b")"


def _of(fields: dict[bytes, bytes], name: bytes) -> bytes | None:
    rest = fields.get(name)
    return None if rest is None else unfolded(rest)
