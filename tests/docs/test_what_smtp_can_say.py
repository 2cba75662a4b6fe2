"""Every reply and every status in the source is one that the standards know, and is on the page."""

from __future__ import annotations

import re

import pytest
from docs_kit import DOCS, section
from generators.rfcs import KNOWN
from generators.statuses import Use, uses

from postel.mail import STATUSES, meaning_of
from postel.proto.smtp import CODES, COMMANDS, SEQUENCES

PAGE = DOCS / "reference" / "smtp.md"
USES = uses()


def places(use: Use) -> str:
    return f"{use.room}:{use.line} {use.code or ''} {use.status or ''}"


def test_the_source_was_read() -> None:
    assert len([use for use in USES if use.code is not None]) > 80


@pytest.mark.parametrize("use", USES, ids=places)
def test_a_reply_is_one_that_the_standards_know(use: Use) -> None:
    if use.code is not None:
        assert use.code in CODES, "a code that no standard of ours defines"
    if use.status is not None:
        assert meaning_of(use.status) is not None, "RFC 5248: a status that is not registered"
        if use.code is not None:
            assert use.status.klass == use.code // 100, "RFC 2034 4: the class contradicts the code"


def _first_cells(title: str) -> list[str]:
    return re.findall(r"^\| ([\d.]+) \|", section(PAGE, title), re.MULTILINE)


def test_every_code_and_every_status_is_on_the_page_with_its_meaning() -> None:
    assert _first_cells("Reply codes") == [str(n) for n in sorted({u.code for u in USES if u.code} | {334})]
    statuses = {use.status for use in USES if use.status is not None}
    assert set(_first_cells("Enhanced status codes")) == set(map(str, statuses))
    assert "| |" not in section(PAGE, "Enhanced status codes").replace("|  |", "")


def test_every_command_has_its_answers() -> None:
    assert {str(row.verb) for row in COMMANDS} <= set(SEQUENCES)
    for verb, row in SEQUENCES.items():
        assert row.success | row.intermediate | row.error <= set(CODES), verb
        assert all(code < 400 for code in row.positive)
        assert all(code >= 400 for code in row.error)


def test_the_tables_cite_clauses_that_exist() -> None:
    cited = [row.rfc for row in SEQUENCES.values()] + [row.rfc for row in CODES.values()]
    cited += [row.rfc for row in STATUSES.values()]
    for clause in cited:
        number, _, part = clause.partition(" ")
        sections = KNOWN.get(int(number), {}).get("sections", "").split()
        assert not part or not sections or part in sections, clause
