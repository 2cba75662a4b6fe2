"""A short run of every fuzzer, so that none rots and what it once found stays found."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Final

import pytest
from harness import play

_FUZZ: Final = Path(__file__).parents[2] / "fuzz"
_FUZZERS: Final = sorted(file.stem for file in _FUZZ.glob("*.py") if file.stem != "harness")


@pytest.mark.slow
@pytest.mark.parametrize("name", _FUZZERS)
def test_nothing_but_documented_faults_escapes(name: str) -> None:
    fuzzer = runpy.run_path(str(_FUZZ / f"{name}.py"))
    play(fuzzer["one_input"], fuzzer["some_input"], seed=7, rounds=fuzzer.get("SHORT", 300))
