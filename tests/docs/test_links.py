"""Links between pages lead somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from docs_kit import DOCS, ROOT, anchors, links, pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_resolves(page: Path) -> None:
    for target in links(page):
        name, _, anchor = target.partition("#")
        found = (page.parent / name).resolve() if name else page
        assert found.exists(), f"{target}: there is no such file"
        if anchor:
            assert anchor in anchors(found), f"{target}: there is no such heading"


def test_every_page_of_the_site_is_in_its_table_of_contents() -> None:
    index = (DOCS / "index.md").read_text("utf-8").split()
    missing = [
        name
        for page in pages()
        if page.is_relative_to(DOCS)
        and page.name != "index.md"
        and (name := str(page.relative_to(DOCS).with_suffix(""))) not in index
    ]
    assert missing == []
