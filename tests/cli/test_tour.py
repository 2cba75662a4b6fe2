import subprocess
import sys

import pytest


@pytest.mark.slow
def test_the_tour_ends_with_one_whole_letter() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "postel", "tour"], capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Three servers, three trace fields, one letter, whole, once." in done.stdout
    assert "Return-Path: <frito@drag.net>" in done.stdout
