"""Write the section numbers of RFCs into docs/rfc.toml: `python tools/rfc_sections.py DIRECTORY`.

DIRECTORY holds texts named rfc5321.txt and so on; rows without a text there stay as they are. A test compares
what the source cites with these numbers.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

TABLE = Path(__file__).parents[1] / "docs" / "rfc.toml"
# Headings of old texts are indented; a lone number so far in is a list item.
_HEADING = re.compile(
    r"^(?: {0,3}(?:Appendix )?(?P<whole>\d{1,2}|[A-Z])| {0,9}(?P<part>(?:\d{1,2}|[A-Z])(?:\.\d{1,2})+))[.:]?\s+\S"
)
_HEAD = """\
# The RFCs that the source cites: their titles, and their section numbers, against which a test checks every
# citation. tools/rfc_sections.py fills in the sections from the texts.
"""


def sections_of(text: str) -> list[str]:
    """The numbers of the headings. A numbered list item only passes for one where its number fits."""
    matches = (match for line in text.splitlines() if (match := _HEADING.match(line)))
    found = {match["whole"] or match["part"] for match in matches}
    return sorted((number for number in found if _fits(number, found)), key=_order)


def _fits(number: str, found: set[str]) -> bool:
    parent, _, last = number.rpartition(".")
    if not parent:
        return True
    before = f"{parent}.{int(last) - 1}"
    return parent in found and (int(last) <= 1 or before in found)


def _order(number: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (1000, part) for part in number.split(".")]


def main(directory: Path) -> None:
    """Rewrite the table."""
    rows = tomllib.loads(TABLE.read_text("utf-8"))
    lines = [_HEAD]
    for number, row in sorted(rows.items(), key=lambda item: int(item[0])):
        text = directory / f"rfc{number}.txt"
        sections = " ".join(sections_of(text.read_text("utf-8", "replace"))) if text.exists() else ""
        sections = sections or row.get("sections", "")
        lines.append(f'[{number}]\ntitle = "{row["title"]}"')
        lines += [f'sections = "{sections}"\n'] if sections else [""]
    TABLE.write_text("\n".join(lines).rstrip("\n") + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
