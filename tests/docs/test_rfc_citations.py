"""Clauses that the source cites exist."""

from __future__ import annotations

import re

import pytest
from generators.rfcs import KNOWN, Citation, citations
from generators.source import ROOT, text_of

# "RFC" and a number, but not so that a citation is read from it: "RFC5321", "RFC 5321, 4.5", "RFC 5321 section 4".
# RFC822 is a name in programs: an item of IMAP, a class of X.509 libraries.
_ODD = re.compile(r"\bRFC(?!822)-?\d|\bRFC \d+,? (?:[Ss]ection|§)")


def test_citations_are_found() -> None:
    assert len(citations()) > 500
    assert any(citation.number == 5321 and "4.5.3.1" in citation.sections for citation in citations())


@pytest.mark.parametrize("number", sorted({citation.number for citation in citations()}))
def test_every_cited_rfc_is_known(number: int) -> None:
    assert number in KNOWN, f"add RFC {number} with its title to docs/rfc.toml"


def test_no_rfc_is_listed_that_is_not_cited() -> None:
    assert set(KNOWN) <= {citation.number for citation in citations()}


def test_every_cited_section_exists() -> None:
    wrong = [
        f"{citation.file}:{citation.line}: RFC {citation.number} {section}"
        for citation in citations()
        for section in citation.sections
        if (known := _sections(citation)) and section not in known
    ]
    assert wrong == []


def _sections(citation: Citation) -> list[str]:
    return KNOWN.get(citation.number, {}).get("sections", "").split()


def test_citations_have_one_form() -> None:
    odd = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in sorted(ROOT.rglob("*.py"))
        for match in _ODD.finditer(text_of(path))
    ]
    assert odd == []
