"""A short run of fuzz/mime.py, so that the harness itself never rots."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest


@pytest.mark.slow
def test_any_octets_are_indexed_and_converted_or_refused() -> None:
    harness = runpy.run_path(str(Path(__file__).parents[2] / "fuzz" / "mime.py"))
    harness["rounds"](0, 300)
