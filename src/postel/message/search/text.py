"""The text of a part as people search it: decoded, without markup, folded; fed in pieces of any size.

Implements  RFC 9051 6.4.4 (BODY, TEXT: of text/*, decoded), RFC 2045 6 (encodings), RFC 2046 4.1.2 (charset).
Gives       TextStream, plain_text.
"""

from __future__ import annotations

import codecs
from typing import Final

from postel.message.charsets import known_codec
from postel.message.decoders import Identity, decoder_for
from postel.message.search.folding import fold
from postel.message.search.html import HtmlText

HELD: Final = 64  # characters: what may combine with the next ones is folded with them


class TextStream:
    """Octets of a body in, its text out."""

    def __init__(self, encoding: str, charset: str, *, is_html: bool = False, is_folded: bool = True) -> None:
        """`encoding` in lower case; what is in one that we do not know is taken as it stands (RFC 2049 2 (2))."""
        codec = known_codec(charset) or "utf-8"
        self._octets = decoder_for(encoding) or Identity()
        self._characters = codecs.getincrementaldecoder("utf-8" if codec == "ascii" else codec)("replace")
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
        """Cut where the next character cannot change what is folded: before an ASCII one."""
        if not self._is_folded:
            return text
        text = self._held + text
        at = _last_ascii(text)
        self._held = text[at:]
        return fold(text[:at])


def _last_ascii(text: str) -> int:
    """The place of the last ASCII character, near the end; if there is none, all is let through but for one."""
    for at in range(len(text) - 1, max(len(text) - HELD, 0) - 1, -1):
        if text[at] < "\x80":
            return at
    return max(len(text) - 1, 0)


def plain_text(octets: bytes, encoding: str, charset: str, *, is_html: bool = False) -> str:
    """All the text of a body at once, not folded."""
    stream = TextStream(encoding, charset, is_html=is_html, is_folded=False)
    return stream.feed(octets) + stream.finish()
