"""Encoded words, for showing a subject to a person.

Implements  RFC 2047 2 (encoded words), 6.2 (blanks between two of them are not shown), 4.1 and 4.2 (B and Q).
Gives       decode_words.

Decoding never fails: what is not well-formed, or in a character set that we do not know, is shown as it stands.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final, NamedTuple

from postel.message.charsets import known_codec

_ENCODED_WORD: Final = re.compile(
    r"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z-]{1,40})?\?([BbQq])\?([!->@-~]*)\?="
)


def decode_words(text: str) -> str:
    """The text with its encoded words decoded. Costs O(n)."""
    if "=?" not in text:
        return text
    out: list[str] = []
    run: list[_Word] = []
    at = 0
    for match in _ENCODED_WORD.finditer(text):
        gap = text[at : match.start()]
        word = _Word(match.group(), *_octets_of(match))
        # RFC 2047 6.2: blanks between two of them are not shown.
        is_next = bool(run and run[-1].codec and word.codec) and not gap.strip(" \t")
        if not is_next or run[-1].codec != word.codec:
            out += [_decoded(run), "" if is_next else gap]
            run = []
        run.append(word)
        at = match.end()
    return "".join([*out, _decoded(run), text[at:]])


class _Word(NamedTuple):
    """One encoded word; `codec` is None for one that cannot be decoded."""

    raw: str
    codec: str | None
    octets: bytes


def _decoded(run: list[_Word]) -> str:
    """Words of one character set: together, since many programs cut in the middle of a character, else one by one."""
    if not run:
        return ""
    together = _decode(run[0].codec, b"".join([word.octets for word in run]))
    if together is not None:
        return together
    return "".join(_shown(word) for word in run)


def _shown(word: _Word) -> str:
    alone = _decode(word.codec, word.octets)
    return word.raw if alone is None else alone


def _decode(codec: str | None, octets: bytes) -> str | None:
    if codec is None:
        return None
    try:
        return octets.decode(codec)
    except ValueError:
        return None


def _octets_of(match: re.Match[str]) -> tuple[str | None, bytes]:
    charset, encoding, inner = match.groups()
    try:
        return known_codec(charset), _from_b(inner) if encoding in "Bb" else _from_q(inner)
    except ValueError:
        return None, b""


def _from_b(inner: str) -> bytes:
    return base64.b64decode(inner + "=" * (-len(inner) % 4), validate=True)


def _from_q(inner: str) -> bytes:
    return binascii.a2b_qp(inner.encode("ascii"), header=True)
