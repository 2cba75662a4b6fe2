"""Markdown from plain text.

Gives       table, code, prose, page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPAN = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(r"([<>*|\[\]])")


def page(title: str, *blocks: str) -> str:
    """A page with its title; blocks are parted by empty lines."""
    return "\n\n".join((f"# {title}", *(block.strip("\n") for block in blocks if block.strip()))) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. Cells are Markdown already: see `prose` and `code`."""
    lines = [_row(heads), _row(["---"] * len(heads)), *(_row(row) for row in rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("\n", " ") for cell in cells) + " |"


def code(text: object) -> str:
    """A code span, also within a table."""
    inner = str(text).replace("|", "\\|")
    return f"`` {inner} ``" if "`" in inner else f"`{inner}`" if inner else ""


def prose(text: str) -> str:
    """Text whose only markup is `code`: what else Markdown would take for markup is escaped."""
    parts = _SPAN.split(text)
    return "".join(part if n % 2 else _SPECIAL.sub(r"\\\1", part) for n, part in enumerate(parts))
