"""A short run of fuzz/pop3_server.py, so that the harness itself never rots."""

import runpy
from pathlib import Path


def test_two_hundred_broken_sessions_break_nothing() -> None:
    harness = runpy.run_path(str(Path(__file__).parents[3] / "fuzz" / "pop3_server.py"))
    harness["rounds"](7, 200)
