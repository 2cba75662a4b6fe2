"""The pages, their blocks, headings and links, for the tests of documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(
    r"(?P<run><!-- run -->\n)?^```(?P<language>[a-z{}]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
_HEADING = re.compile(r"^(#{1,6}) (.*)$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")
_CODE_SPAN = re.compile(r"`[^`\n]*`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    is_run: bool

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page that people read."""
    found = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    return sorted(path for path in found if "_build" not in path.parts)


def blocks(language: str) -> list[Block]:
    """The fenced blocks of one language, on all pages."""
    return [block for page in pages() for block in blocks_of(page) if block.language == language]


def blocks_of(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    text = page.read_text("utf-8")
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start("text")) + 1
        yield Block(page, line, match["language"], match["text"], match["run"] is not None)


def headings(page: Path) -> list[str]:
    """The headings, with their markup."""
    return [match.group(2) for match in _HEADING.finditer(_without_fences(page))]


def section(page: Path, heading: str) -> str:
    """What stands under a heading, up to the next one."""
    _, _, rest = page.read_text("utf-8").partition(f" {heading}\n")
    return re.split(r"^#{1,6} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def anchors(page: Path) -> set[str]:
    """The names that links may give after #."""
    seen: dict[str, int] = {}
    names = set()
    for heading in headings(page):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).strip().replace(" ", "-")
        number = seen.get(plain, -1) + 1
        seen[plain] = number
        names.add(f"{plain}-{number}" if number else plain)
    return names


def links(page: Path) -> list[str]:
    """The targets of all links within the project."""
    text = _CODE_SPAN.sub("", _without_fences(page))
    return [target for target in _LINK.findall(text) if not re.match(r"[a-z]+:", target)]


def _without_fences(page: Path) -> str:
    return _FENCE.sub("", page.read_text("utf-8"))
