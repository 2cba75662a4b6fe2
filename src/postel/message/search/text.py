"""The text of a part as people search it: decoded, without markup, folded; fed in pieces of any size.

Implements  RFC 9051 6.4.4 (BODY, TEXT: of text/*, decoded), RFC 2045 6 (encodings), RFC 2046 4.1.2 (charset).
Gives       TextStream, beginning_of_text.
"""

from __future__ import annotations

import codecs
import unicodedata
from typing import Final

from postel.message.charsets import decode_octets, known_codec
from postel.message.decoders import Identity, decode_content, decoder_for
from postel.message.mime_reader import IDENTITIES
from postel.message.search.folding import fold
from postel.message.search.html import HtmlText

# The marks of big-endian and of little-endian.
_BYTE_ORDERS: Final = {
    "utf-16": (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE),
    "utf-32": (codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE),
}
BEGINNING: Final = 400
HTML_PIECE: Final = 1024
HELD: Final = 64  # characters: what may combine with the next ones is folded with them


class TextStream:
    """Octets of a body in, its text out."""

    def __init__(self, encoding: str, charset: str, *, is_html: bool = False, is_folded: bool = True) -> None:
        """`encoding` in lower case; what is in one that we do not know is taken as it stands (RFC 2049 2 (2))."""
        self._octets = decoder_for(encoding) or Identity()
        self._characters = _characters(known_codec(charset) or "utf-8")
        self._html = HtmlText() if is_html else None
        self._is_folded = is_folded
        self._held = ""

    def feed(self, octets: bytes) -> str:
        """The next octets. Costs O(len(octets))."""
        return self._shown(self._characters.decode(self._octets.feed(octets)))

    def finish(self) -> str:
        """There are no more: what was held back."""
        text = self._shown(self._characters.decode(self._octets.finish(), True))
        if self._html:
            text += self._fold(self._html.finish())
        held, self._held = self._held, ""
        return text + fold(held)

    def _shown(self, text: str) -> str:
        return self._fold(self._html.feed(text) if self._html else text)

    def _fold(self, text: str) -> str:
        """Cut where what follows cannot change what is before: at a character that combines with none before it."""
        if not self._is_folded:
            return text
        text = self._held + text
        at = _last_beginning(text)
        self._held = text[at:]
        return fold(text[:at])


def _characters(codec: str) -> codecs.IncrementalDecoder:
    if codec in _BYTE_ORDERS:
        return _InByteOrder(codec)
    return codecs.getincrementaldecoder("utf-8" if codec == "ascii" else codec)("replace")


class _InByteOrder(codecs.IncrementalDecoder):
    """UTF-16 and UTF-32: RFC 2781 4.3: what has no byte order mark is big-endian. Python's own would fail."""

    def __init__(self, codec: str) -> None:
        super().__init__("replace")
        self._codec = codec
        self._begin = b""
        self._decoder: codecs.IncrementalDecoder | None = None

    def decode(self, octets: bytes, final: bool = False) -> str:  # type: ignore[override]
        """The next octets."""
        if self._decoder is None:
            octets = self._begin + octets
            marks = _BYTE_ORDERS[self._codec]
            if len(octets) < len(marks[0]) and not final:
                self._begin = octets
                return ""
            is_little = octets.startswith(marks[1])
            if octets.startswith(marks):
                octets = octets[len(marks[0]) :]
            order = "le" if is_little else "be"
            self._decoder = codecs.getincrementaldecoder(f"{self._codec}-{order}")("replace")
        return self._decoder.decode(octets, final)


def _last_beginning(text: str) -> int:
    """The place of the last such character, near the end; all but one is let through if it is too far off."""
    for at in range(len(text) - 1, max(len(text) - HELD, 0) - 1, -1):
        if _begins_anew(text[at]):
            return at
    return len(text) - 1 if len(text) > HELD else 0


def _begins_anew(character: str) -> bool:
    """Whether normalising never joins it to one before: no mark, no modifier, no end of a Hangul syllable."""
    if character < "\x80":
        return True
    is_jamo = "\u1160" <= character <= "\u11ff" or "\uffa0" <= character <= "\uffdc"
    category = unicodedata.category(character)
    return category[0] in "LNPSZ" and category != "Lm" and not is_jamo


def beginning_of_text(octets: bytes, encoding: str, charset: str, *, is_html: bool = False) -> str:
    """What a body says first, not folded: of one without markup all, of HTML some BEGINNING characters."""
    text = decode_octets(octets if encoding in IDENTITIES else decode_content(octets, encoding), charset)
    if not is_html:
        return text
    reader, found = HtmlText(), ""
    for start in range(0, len(text), HTML_PIECE):
        found += reader.feed(text[start : start + HTML_PIECE])
        if len(found) > BEGINNING:
            return found
    return found + reader.finish()
