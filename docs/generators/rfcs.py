"""The page of RFCs: what is cited where in the source, and what COMPATIBILITY.md says of it.

Gives       rfc_page, Citation, citations, KNOWN.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from generators.markdown import page, prose, table
from generators.source import ROOT, room_of, text_of

DOCS = Path(__file__).parents[1]
COMPATIBILITY = DOCS.parent / "COMPATIBILITY.md"

SECTION = r"(?:\d+|[A-Z])(?:\.\d+)*"
_CITATION = re.compile(
    rf"RFC (?P<number>\d{{3,5}})(?: (?P<sections>{SECTION}(?:(?:, (?:and )?| and | to ){SECTION})*)(?![\w-]))?"
)
_MENTION = re.compile(r"\b\d{3,5}\b")

KNOWN: dict[int, dict[str, str]] = {
    int(number): row for number, row in tomllib.loads((DOCS / "rfc.toml").read_text("utf-8")).items()
}

INTRODUCTION = """\
The standards that the source cites, from the comments and docstrings that cite them. The clause stands beside the
code that obeys it, so the quickest way to a rule is to search the source for it:

```sh
grep -rn "RFC 5321 4.5.3.1" src
```

*Features* are the lines of [compatibility](compatibility.md) that name the RFC, each with its answer."""


@dataclass(frozen=True, slots=True)
class Citation:
    """One place that cites an RFC. `sections` is empty where the RFC as a whole is meant."""

    number: int
    sections: tuple[str, ...]
    file: str
    line: int


@cache
def citations() -> tuple[Citation, ...]:
    """All of them, by file and line."""
    return tuple(found for path in sorted(ROOT.rglob("*.py")) for found in _citations_in(path))


def _citations_in(path: Path) -> Iterator[Citation]:
    for number, line in enumerate(text_of(path).splitlines(), 1):
        for match in _CITATION.finditer(line):
            sections = re.findall(SECTION, match["sections"] or "")
            yield Citation(int(match["number"]), tuple(sections), str(path.relative_to(ROOT)), number)


def rfc_page() -> str:
    """One row an RFC."""
    numbers = sorted({citation.number for citation in citations()})
    rows = [_row(number) for number in numbers]
    return page("RFC index", INTRODUCTION, table(("RFC", "title", "cited in", "clauses", "features"), rows))


def _row(number: int) -> tuple[str, ...]:
    here = [citation for citation in citations() if citation.number == number]
    rooms = sorted({room_of(ROOT / citation.file) for citation in here})
    sections = sorted({section for citation in here for section in citation.sections}, key=_order)
    return (
        f"[{number}](https://www.rfc-editor.org/rfc/rfc{number})",
        prose(KNOWN.get(number, {}).get("title", "")),
        ", ".join(rooms),
        ", ".join(sections),
        prose("; ".join(_features(number))),
    )


def _order(section: str) -> list[tuple[int, str]]:
    parts = section.split(".")
    return [(int(part), "") if part.isdecimal() else (1000, part) for part in parts]


def _features(number: int) -> Iterator[str]:
    for feature, rfcs, answer in compatibility_rows():
        if str(number) in _MENTION.findall(rfcs):
            yield f"{feature.replace('`', '')}: {answer}"


@cache
def compatibility_rows() -> tuple[tuple[str, str, str], ...]:
    """Feature, RFC and answer of each line of COMPATIBILITY.md."""
    rows = []
    for line in COMPATIBILITY.read_text("utf-8").splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and cells[2] in ("yes", "no", "partly"):
            rows.append((cells[0], cells[1], cells[2]))
    return tuple(rows)
