"""INTERNALS.md says which test cuts each walk between two states: no walk is without one, and every test is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).parents[2]
_TEXT: Final = (_ROOT / "INTERNALS.md").read_text("utf-8")
_WALKS: Final = "| walk | by | in the same transaction |"
_CUTS: Final = "| walk | by | cut by |"


def rows(head: str) -> Iterator[list[str]]:
    """The rows of all tables with this head."""
    for table in _TEXT.split(head + "\n")[1:]:
        for line in table.splitlines()[1:]:
            if not line.startswith("|"):
                break
            yield [cell.strip() for cell in line.strip("|").split("|")]


CUT: Final = list(rows(_CUTS))


@pytest.mark.parametrize("row", list(rows(_WALKS)), ids=lambda row: f"{row[0]} by {row[1][:30]}")
def test_every_walk_is_cut(row: list[str]) -> None:
    walk, by = row[:2]
    assert [one for one in CUT if one[0] == walk and by.startswith(one[1]) and one[2]], (
        "no test cuts this walk"
    )


@pytest.mark.parametrize("row", CUT, ids=lambda row: f"{row[0]} by {row[1][:30]}")
def test_what_is_said_to_cut_a_walk_exists(row: list[str]) -> None:
    walk, by, tests = row
    assert any(one[0] == walk and one[1].startswith(by) for one in rows(_WALKS)), "there is no such walk"
    for file, scenario, function in re.findall(r"`(\w+\.py)(?:\[([^]]+)\])?(?:::(\w+))?`", tests):
        (path,) = (_ROOT / "tests").rglob(file)
        text = path.read_text("utf-8")
        assert not scenario or f'"{scenario}":' in text, scenario
        assert not function or re.search(rf"^(?:(?:async )?def )?{function}\b", text, re.MULTILINE), function
