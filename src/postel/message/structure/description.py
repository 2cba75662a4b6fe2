"""What a part's own fields say of it, in the octets in which they say it.

Implements  RFC 2045 5.1 (Content-Type), 6.1 (encodings), RFC 2183 2 (disposition), RFC 2231 3 (continuations),
            RFC 9051 7.5.2 (body parameters).
Gives       Described, describe_type, describe_disposition, encoding_of, written_encoding, render_parameters.
Not here    Their meaning, decoded: mime_fields, which is asked for whatever is unusual.

Most letters say what millions said before them: answers are remembered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias

from postel.message.mime_fields import (
    PARAMETERS_LIMIT,
    Disposition,
    MediaType,
    parse_disposition,
    parse_media_type,
    parse_transfer_encoding,
    sections_of,
    unquoted,
)
from postel.message.structure.head_fields import unfolded
from postel.message.structure.strings import NIL, nstring

Parameters: TypeAlias = tuple[tuple[bytes, bytes], ...]

CACHED_OCTETS: Final = 300  # longer values are not remembered
CACHED_VALUES: Final = 2000

_TOKEN: Final = rb"[!#$&+.0-9A-Z^_`a-z{|}~'-]++"
# What nearly all look like: ASCII, without comments, escapes, pieces and encodings.
_QTEXT: Final = rb'[^"\\\x00-\x1f\x7f-\xff]*+'
_PARAMETER: Final = rb";[ \t]*+(" + _TOKEN + rb")=(?:(" + _TOKEN + rb')|"(' + _QTEXT + rb')")[ \t]*+'
# The same without groups: within a possessive repeat they end in a SystemError of `re`, in Python 3.11 at least.
_UNGROUPED: Final = rb";[ \t]*+" + _TOKEN + rb"=(?:" + _TOKEN + rb'|"' + _QTEXT + rb'")[ \t]*+'
_USUAL: Final = re.compile(rb"(" + _TOKEN + rb")/(" + _TOKEN + rb")[ \t]*+((?:" + _UNGROUPED + rb")*+);?")
_PARAMETERS: Final = re.compile(_PARAMETER)
_PIECE: Final = re.compile(r"(.+?)\*(\d{1,4})(\*?)")


@dataclass(frozen=True)
class Described:
    """A Content-Type: `type` and `subtype` as written, `parameters` with pieces joined but not decoded, and `media`,
    which is what it means.
    """

    type: bytes
    subtype: bytes
    parameters: Parameters
    media: MediaType

    @property
    def charset(self) -> str:
        """Of a text; us-ascii where it says nothing (RFC 2045 5.2)."""
        return self.media.parameters.get("charset", "us-ascii")

    @cached_property
    def rendered(self) -> bytes:
        """Type, subtype and parameters, ready for the wire."""
        parameters = self.parameters
        if self.media.type == "text" and all(name != b"charset" for name, _ in parameters):
            parameters = (
                *parameters,
                (b"charset", b"us-ascii"),
            )  # RFC 2045 5.2: said, so that nobody guesses
        return b"%b %b %b" % (nstring(self.type), nstring(self.subtype), render_parameters(parameters))


def render_parameters(parameters: Parameters) -> bytes:
    """Names and values in turn; NIL when there are none."""
    if not parameters:
        return NIL
    return b"(" + b" ".join([nstring(text) for pair in parameters for text in pair]) + b")"


def describe_type(rest: bytes | None, default: MediaType) -> Described:
    """A Content-Type by what follows its colon; `default` without one."""
    if rest is None:
        return _default(default)
    return _cached_type(rest) if len(rest) <= CACHED_OCTETS else _describe_type(rest)


def _default(media: MediaType) -> Described:
    return Described(media.type.encode(), media.subtype.encode(), (), media)


def _describe_type(rest: bytes) -> Described:
    value = unfolded(rest)
    usual = _USUAL.fullmatch(value)
    if usual and b"=?" not in value:
        return _describe_usual(usual[1], usual[2], _PARAMETERS.findall(usual[3]))
    media = parse_media_type(value.decode("utf-8", "replace"))
    main, parameters = _parameterized(value)
    kind, slash, subtype = main.partition(b"/")
    kind, subtype = kind.strip(), subtype.strip()
    if not slash or f"{kind.decode('latin-1')}/{subtype.decode('latin-1')}".lower() != media.name:
        # RFC 2045 5.2: what is no type is text/plain.
        kind, subtype = media.type.encode(), media.subtype.encode()
    return Described(kind, subtype, parameters, media)


def _describe_usual(kind: bytes, subtype: bytes, found: list[tuple[bytes, bytes, bytes]]) -> Described:
    parameters: dict[bytes, bytes] = {}
    for name, token, quoted in found[:PARAMETERS_LIMIT]:
        parameters.setdefault(name.lower(), token or quoted)
    meant = {name.decode(): value.decode() for name, value in parameters.items()}
    media = MediaType(kind.decode().lower(), subtype.decode().lower(), MappingProxyType(meant))
    return Described(kind, subtype, tuple(parameters.items()), media)


_cached_type: Final = lru_cache(CACHED_VALUES)(_describe_type)


def describe_disposition(rest: bytes | None) -> tuple[bytes, Parameters, Disposition] | None:
    """A Content-Disposition: its kind and parameters as written, and what they mean. None for none."""
    if rest is None:
        return None
    return _cached_disposition(rest) if len(rest) <= CACHED_OCTETS else _describe_disposition(rest)


def _describe_disposition(rest: bytes) -> tuple[bytes, Parameters, Disposition] | None:
    value = unfolded(rest)
    meant = parse_disposition(value.decode("utf-8", "replace"))
    if meant is None:
        return None
    main, parameters = _parameterized(value)
    return main, parameters, meant


_cached_disposition: Final = lru_cache(CACHED_VALUES)(_describe_disposition)


@lru_cache(CACHED_VALUES)
def _cached_encoding(rest: bytes) -> str:
    return parse_transfer_encoding(unfolded(rest).decode("utf-8", "replace"))


def written_encoding(rest: bytes | None) -> bytes:
    """As it is written, but without comments and what is no part of it (RFC 2045 6.1); 7bit for none."""
    if rest is None:
        return b"7bit"
    return _cached_written(rest) if len(rest) <= CACHED_OCTETS else b"7bit"


@lru_cache(CACHED_VALUES)
def _cached_written(rest: bytes) -> bytes:
    main = sections_of(unfolded(rest).decode("latin-1"))[0]
    return "".join(main.split()).encode("latin-1") or b"7bit"


def encoding_of(rest: bytes | None) -> str:
    """The transfer encoding in lower case; 7bit without one (RFC 2045 6.1), "" for what is none."""
    if rest is None:
        return "7bit"
    return _cached_encoding(rest) if len(rest) <= CACHED_OCTETS else ""


def _parameterized(value: bytes) -> tuple[bytes, Parameters]:
    """What is before the first semicolon, and the parameters behind it."""
    main, *sections = sections_of(value.decode("latin-1"))
    found: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for section in sections[:PARAMETERS_LIMIT]:
        name, equals, raw = section.partition("=")
        name, text = name.strip().lower(), unquoted(raw.strip())
        if not name or not equals:
            continue
        if piece := _PIECE.fullmatch(name):
            pieces.setdefault(piece[1], []).append((int(piece[2]), bool(piece[3]), text))
        else:
            found.setdefault(name, text)
    for name, texts in pieces.items():
        found.setdefault(*_joined(name, texts))
    return main.encode("latin-1"), tuple((n.encode("latin-1"), t.encode("latin-1")) for n, t in found.items())


def _joined(name: str, pieces: list[tuple[int, bool, str]]) -> tuple[str, str]:
    """RFC 9051 7.5.2: pieces are put together; the name keeps its star when the value is still encoded."""
    pieces.sort(key=lambda piece: piece[0])
    is_encoded = any(encoded for _, encoded, _ in pieces)
    if not is_encoded:
        return name, "".join(text for _, _, text in pieces)
    said = [text if encoded else _percent(text) for _, encoded, text in pieces]
    return f"{name}*", "".join(said)


def _percent(text: str) -> str:
    """A piece that was plain, among others that are encoded."""
    return text.replace("%", "%25")
