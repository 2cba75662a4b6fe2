from pathlib import Path

import pytest
from cli_kit import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.make(tmp_path)
