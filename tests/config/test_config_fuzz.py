"""A short run of fuzz/config_file.py, so that the harness itself never rots."""

import runpy
from pathlib import Path


def test_a_hundred_spoilt_configurations_are_judged() -> None:
    harness = runpy.run_path(str(Path(__file__).parents[2] / "fuzz" / "config_file.py"))
    harness["main"](7, 100)
