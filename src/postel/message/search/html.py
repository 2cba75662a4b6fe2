"""The text of HTML, piece by piece: what a reader sees, roughly, without what a browser needs.

Implements  as much of HTML as search and previews need: tags, comments, style and script, character references.
Gives       HtmlText.

Nothing fails: what is no tag is text. What is held back is at most HELD characters of one.
"""

from __future__ import annotations

import html
import re
from typing import Final

HELD: Final = 2048

_SILENT: Final = frozenset({"style", "script", "title", "template"})
# Elements that stand within a word; all others part words.
_INLINE: Final = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "mark", "q", "s",
     "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr"}
)  # fmt: skip
_TAG: Final = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:-]*+)")
_BLANKS: Final = re.compile(r"[ \t\r\n\f]+")
_REFERENCE: Final = re.compile(r"&[#a-zA-Z0-9]{0,31}\Z")
_COMMENT: Final = "<!--"
_STARTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/!?")


class HtmlText:
    """Markup in, text out; each run of blanks is one space."""

    def __init__(self) -> None:
        self._rest = ""
        self._until = ""  # what ends that which is not shown; "" while in text
        self._ends_blank = True

    def feed(self, text: str) -> str:
        """The next characters. Costs O(len(text))."""
        return self._scan(self._rest + text, is_last=False)

    def finish(self) -> str:
        """There are no more."""
        return self._scan(self._rest, is_last=True)

    def _scan(self, text: str, *, is_last: bool) -> str:
        out: list[str] = []
        at = 0
        while at >= 0:
            at = self._skip(text, at) if self._until else self._read(text, at, out, is_last)
        return self._tidied("".join(out))

    def _skip(self, text: str, at: int) -> int:
        """Over what is not shown; -1 when its end has not come."""
        if self._until == ">" or self._until == "-->":
            end = text.find(self._until, at)
        else:
            found = re.compile(re.escape(self._until), re.IGNORECASE).search(text, at)
            end = found.start() if found else -1
        if end < 0:
            self._rest = text[max(at, len(text) - len(self._until) + 1) :]
            return -1
        end += 0 if self._until.startswith("</") else len(self._until)
        self._until = ""
        return end

    def _read(self, text: str, at: int, out: list[str], is_last: bool) -> int:
        """Text and one tag after it; -1 when more is needed."""
        tag = text.find("<", at)
        if tag < 0:
            end = len(text)
            if not is_last and (reference := _REFERENCE.search(text, max(at, end - 32))):
                end = reference.start()
            out.append(html.unescape(text[at:end]))
            self._rest = text[end:]
            return -1
        out.append(html.unescape(text[at:tag]))
        if text.startswith(_COMMENT, tag):
            self._until = "-->"
            return tag + len(_COMMENT)
        if _is_cut(text, tag) and not is_last:
            self._rest = text[tag:]
            return -1
        if text[tag + 1 : tag + 2] not in _STARTERS:
            out.append("<")
            return tag + 1
        return self._tag(text, tag, out, is_last)

    def _tag(self, text: str, tag: int, out: list[str], is_last: bool) -> int:
        end = text.find(">", tag)
        if end < 0 and not is_last and len(text) - tag <= HELD:
            self._rest = text[tag:]
            return -1
        match = _TAG.match(text, tag)
        name = match[1].lower() if match else ""
        if name not in _INLINE:
            out.append(" ")
        if end < 0:
            self._until = ">"
            return tag + 1
        if name in _SILENT and text[tag + 1] != "/":
            self._until = f"</{name}"
        return end + 1

    def _tidied(self, text: str) -> str:
        text = _BLANKS.sub(" ", text)
        if self._ends_blank and text.startswith(" "):
            text = text[1:]
        if text:
            self._ends_blank = text.endswith(" ")
        return text


def _is_cut(text: str, tag: int) -> bool:
    """Whether nobody can say yet if a comment, a tag or neither begins."""
    return len(text) - tag < len(_COMMENT) and _COMMENT.startswith(text[tag:])
