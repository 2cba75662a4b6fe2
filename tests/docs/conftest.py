"""Lets the tests of this directory import `generate` and `generators` from docs/."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
