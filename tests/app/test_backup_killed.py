"""A backup or a restore is killed at each of its steps: what is left is whole, or is found out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_wherever_a_backup_or_a_restore_is_killed_nothing_half_is_taken_for_whole(tmp_path: Path) -> None:
    program = Path(__file__).with_name("backup_killer.py")
    done = subprocess.run(
        [sys.executable, program, tmp_path], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert all(int(steps) > 15 for steps in done.stdout.split()), done.stdout
