"""Fields with a value and parameters: Content-Type, Content-Disposition, Content-Transfer-Encoding.

Implements  RFC 2045 5.1 (parameters), 5.2 (the default type), 6.1 (encodings), RFC 2183 2 (disposition), RFC 2231 3
            and 4 (continuations, character sets and languages in parameters), RFC 2046 5.1.5 (digests).
Gives       MediaType, Disposition, parse_media_type, parse_disposition, parse_transfer_encoding, parse_parameterized,
            sections_of, unquoted, format_parameter, PARAMETERS_LIMIT.

Reading never fails: what cannot be read is left out, and a type that is none is text/plain (RFC 2045 5.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from postel.message.charsets import decode_octets
from postel.message.encoded_words import decode_words

PARAMETERS_LIMIT: Final = 200  # of one field, pieces of continued ones included; more are not looked at
PIECE_ROOM: Final = 60  # octets of a value in one piece of a continued parameter

_NONE: Final[Mapping[str, str]] = MappingProxyType({})
# RFC 2045 5.1: a token is printable ASCII without tspecials. Others write more, so beyond ASCII is let through.
_TOKEN_CHARACTERS: Final = r'[^\s()<>@,;:\\"/\[\]?=]'
_TOKEN: Final = re.compile(rf"{_TOKEN_CHARACTERS}+")
_TYPE: Final = re.compile(rf"({_TOKEN_CHARACTERS}+)\s*/\s*({_TOKEN_CHARACTERS}+)")
# One pass over the field: a quoted string, a comment's edge, a semicolon, or a run of anything else.
_LEXEME: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|\\.|[();]|[^"();\\]+|\\', re.DOTALL)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
# RFC 2231 7: name, the number of a piece, and the star that says it is encoded.
_EXTENDED: Final = re.compile(r"([^*]+)(?:\*(\d{1,4}))?(\*)?")
_ATTRIBUTE_SAFE: Final = "!#$&+-.^_`{|}~"  # RFC 2231 7: attribute-char beyond letters and digits


@dataclass(frozen=True, slots=True)
class MediaType:
    """What a part is: RFC 2045 5. Type and subtype are in lower case, so are the names of parameters."""

    type: str
    subtype: str
    parameters: Mapping[str, str] = field(default_factory=lambda: _NONE)

    @property
    def name(self) -> str:
        """`text/plain`."""
        return f"{self.type}/{self.subtype}"

    @property
    def boundary(self) -> str:
        """The boundary of a multipart, without the blanks that RFC 2046 5.1.1 does not let it end in; "" without."""
        return self.parameters.get("boundary", "").rstrip() if self.type == "multipart" else ""


TEXT_PLAIN: Final = MediaType("text", "plain", MappingProxyType({"charset": "us-ascii"}))
MESSAGE: Final = MediaType("message", "rfc822")


@dataclass(frozen=True, slots=True)
class Disposition:
    """How a part is to be shown: RFC 2183. `kind` is in lower case, `inline` or `attachment` mostly."""

    kind: str
    parameters: Mapping[str, str] = field(default_factory=lambda: _NONE)

    @property
    def filename(self) -> str | None:
        """The suggested name: as a stranger gave it, so never a path to write to."""
        return self.parameters.get("filename")


def parse_media_type(value: str | None, default: MediaType = TEXT_PLAIN) -> MediaType:
    """A Content-Type's value. `default` without one; text/plain when it is no type (RFC 2045 5.2)."""
    if value is None:
        return default
    main, parameters = parse_parameterized(value)
    match = _TYPE.fullmatch(main)
    if match is None:
        return TEXT_PLAIN
    return MediaType(match[1].lower(), match[2].lower(), parameters)


def parse_disposition(value: str | None) -> Disposition | None:
    """A Content-Disposition's value. RFC 2183 2.8: unknown kinds are as good as `attachment`, and are kept."""
    if value is None:
        return None
    main, parameters = parse_parameterized(value)
    return Disposition(main.lower(), parameters) if _TOKEN.fullmatch(main) else None


def parse_transfer_encoding(value: str | None) -> str:
    """The encoding in lower case; `7bit` without one (RFC 2045 6.1), and "" for what is no token."""
    if value is None:
        return "7bit"
    main, _ = parse_parameterized(value)
    return main.lower() if _TOKEN.fullmatch(main) else ""


def parse_parameterized(value: str) -> tuple[str, Mapping[str, str]]:
    """What stands before the first semicolon, and the parameters behind it, decoded. Costs O(n).

    Of two parameters of one name the first counts. Encoded words in a parameter are wrong (RFC 2047 5), and so
    common that they are decoded.
    """
    main, *rest = sections_of(value)
    if not rest:
        return main, _NONE
    return main, MappingProxyType(_joined(rest[:PARAMETERS_LIMIT]))


def sections_of(value: str) -> list[str]:
    """The parts between semicolons, comments taken out (RFC 2045 5.1)."""
    sections: list[str] = []
    now: list[str] = []
    depth = 0
    for match in _LEXEME.finditer(value):
        lexeme = match.group()
        if lexeme == "(":
            depth += 1
        elif lexeme == ")":
            depth = max(depth - 1, 0)
        elif depth == 0 and lexeme == ";":
            sections.append("".join(now).strip())
            now = []
        elif depth == 0:
            now.append(lexeme)
    return [*sections, "".join(now).strip()]


def _joined(sections: list[str]) -> dict[str, str]:
    """RFC 2231 3: pieces of one parameter may stand in any order and are joined by their numbers."""
    whole: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for section in sections:
        name, equals, raw = section.partition("=")
        match = _EXTENDED.fullmatch(name.strip().lower())
        if not equals or match is None or not _TOKEN.fullmatch(match[1]):
            continue
        text, is_encoded = unquoted(raw.strip()), match[3] is not None
        if match[2] is not None:
            pieces.setdefault(match[1], {}).setdefault(int(match[2]), (text, is_encoded))
        elif is_encoded:
            pieces.setdefault(match[1], {}).setdefault(0, (text, True))
        else:
            whole.setdefault(match[1], decode_words(text))
    # RFC 2231 4.1 and common sense: the extended form says more than a plain one beside it.
    return whole | {name: _extended_value(found) for name, found in pieces.items() if 0 in found}


def _extended_value(pieces: Mapping[int, tuple[str, bool]]) -> str:
    """RFC 2231 4: the first piece names the character set, each says for itself whether it is encoded."""
    charset = "us-ascii"
    octets: list[bytes] = []
    for number in range(len(pieces)):
        if number not in pieces:
            break
        text, is_encoded = pieces[number]
        if number == 0 and is_encoded and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        octets.append(
            unquote_to_bytes(text.encode("utf-8", "replace"))
            if is_encoded
            else text.encode("utf-8", "replace")
        )
    return decode_octets(b"".join(octets), charset)


def unquoted(raw: str) -> str:
    """A parameter's value without its quotes, if it has any, and without what is behind the last of them."""
    if not raw.startswith('"'):
        return raw
    end = raw.rfind('"')
    return _QUOTED_PAIR.sub(r"\1", raw[1:end] if end else raw[1:])


def format_parameter(name: str, value: str, language: str = "") -> Iterator[str]:
    """The parameter as words for `compose_field`, each but the last with a semicolon between its pieces.

    A value that is ASCII and short is quoted; any other becomes RFC 2231's, in UTF-8, in pieces where it is long.
    """
    if value.isascii() and value.isprintable() and len(value) <= PIECE_ROOM:
        quoted = re.sub(r'(["\\])', r"\\\1", value)
        yield f'{name}="{quoted}"'
        return
    pieces = list(_percent_pieces(value))
    for number, piece in enumerate(pieces):
        start = f"utf-8'{language}'" if number == 0 else ""
        star = f"*{number}*" if len(pieces) > 1 else "*"
        yield f"{name}{star}={start}{piece}" + (";" if number < len(pieces) - 1 else "")


def _percent_pieces(value: str) -> Iterator[str]:
    """Percent-encoded, cut between characters."""
    now = ""
    for character in value:
        encoded = quote(character.encode("utf-8", "replace"), safe=_ATTRIBUTE_SAFE)
        if len(now) + len(encoded) > PIECE_ROOM:
            yield now
            now = ""
        now += encoded
    yield now
