"""A short run of fuzz/smtp_client.py, so that the harness itself never rots."""

import runpy
from pathlib import Path


def test_a_hundred_hostile_servers() -> None:
    harness = runpy.run_path(str(Path(__file__).parents[3] / "fuzz" / "smtp_client.py"))
    harness["main"](seed=1, rounds=100)
