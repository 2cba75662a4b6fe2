"""Text as encoded words, and lines that are not too long for them.

Implements  RFC 2047 2 (75 octets a word, 76 a line), 4.1 and 4.2 (B and Q), 5 (where they may stand), RFC 2231 5
            (languages), RFC 5322 2.2.3 (folding).
Gives       WordEncoder, fold_field.
Not here    Decoding: encoded_words.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

WORD_LENGTH: Final = 75
LINE_LENGTH: Final = 76

# RFC 2047 5 (3): these may stand for themselves in a phrase, so they may anywhere.
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_WORD_OR_BLANKS: Final = re.compile(r"[ \t]+|[^ \t]+")
_FOLDABLE: Final = re.compile(rb"[ \t]*[^ \t]+|[ \t]+\Z")


@dataclass(frozen=True, slots=True)
class WordEncoder:
    """Encodes text in one character set.

    charset     as encoded words name it.
    codec       Python's name of it.
    language    a tag for the language of the text, as `de`; "" says nothing.
    """

    charset: str = "utf-8"
    codec: str = "utf-8"
    language: str = ""

    def encode(self, text: str) -> str:
        """The whole text as encoded words, joined by blanks that a reader does not see (RFC 2047 6.2)."""
        octets = text.encode(self.codec, "replace")
        escaped = sum(octet not in _PLAIN and octet != 32 for octet in octets)
        # Three digits an escape, against four for three octets.
        is_q = len(octets) + 2 * escaped <= (len(octets) + 2) // 3 * 4
        return " ".join(self._q_words(text) if is_q else self._b_words(text))

    def encode_where_needed(self, text: str) -> str:
        """The words that are not ASCII as encoded words, with the blanks between them; the rest as it is."""
        pieces: list[str] = []
        run: list[str] = []
        for match in _WORD_OR_BLANKS.finditer(text):
            piece = match.group()
            if piece.isascii() and not piece.isspace():
                self._end_run(pieces, run)
                pieces.append(piece)
            else:
                run.append(piece)
        self._end_run(pieces, run)
        return "".join(pieces)

    def _end_run(self, pieces: list[str], run: list[str]) -> None:
        """Blanks around a run are those of the field; within it they are part of the text."""
        text = "".join(run)
        run.clear()
        inner = text.strip(" \t")
        if not inner:
            pieces.append(text)
            return
        before, _, after = text.partition(inner)
        pieces += [before, self.encode(inner), after]

    def _words(self, name: str, room: int, costs: Iterator[tuple[str, int]]) -> Iterator[str]:
        """Text in pieces that fit, cut between characters (RFC 2047 5: each word is whole characters)."""
        now, size = "", 0
        for character, cost in costs:
            if size + cost > room and now:
                yield now
                now, size = "", 0
            now, size = now + character, size + cost
        if now:
            yield now

    def _start(self, name: str) -> str:
        return f"=?{self.charset}*{self.language}?{name}?" if self.language else f"=?{self.charset}?{name}?"

    def _q_words(self, text: str) -> Iterator[str]:
        start = self._start("q")
        costs = ((c, len(self._q(c))) for c in text)
        for piece in self._words("q", WORD_LENGTH - len(start) - 2, costs):
            yield f"{start}{self._q(piece)}?="

    def _b_words(self, text: str) -> Iterator[str]:
        start = self._start("b")
        room = (WORD_LENGTH - len(start) - 2) // 4 * 3
        costs = ((c, len(c.encode(self.codec, "replace"))) for c in text)
        for piece in self._words("b", room, costs):
            yield f"{start}{base64.b64encode(piece.encode(self.codec, 'replace')).decode()}?="

    def _q(self, text: str) -> str:
        octets = text.encode(self.codec, "replace")
        return "".join(chr(o) if o in _PLAIN else "_" if o == 32 else f"={o:02X}" for o in octets)


def fold_field(name: str, value: str) -> bytes:
    """A field whose lines are short where its blanks allow it, with its CRLF.

    A fold goes before a blank that is there anyway, so unfolding gives exactly `value` (RFC 5322 2.2.3).
    """
    begun = f"{name}:".encode()
    lines, line = [], begun
    for match in _FOLDABLE.finditer(f" {value}".encode("utf-8", "replace")):
        piece = match.group()
        if line != begun and piece.strip() and len(line) + len(piece) > LINE_LENGTH:
            lines.append(line)
            line = piece
        else:
            line += piece
    return b"\r\n".join([*lines, line]) + b"\r\n"
