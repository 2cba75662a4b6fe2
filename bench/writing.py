"""Where results go: a folder of each run, with a table as text and Markdown, all samples as JSON, and the plots.

Gives       write, RESULTS.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.contenders.contender import REPOSITORY
from bench.plots import as_svg
from bench.results import Results
from bench.rows import PLOTS
from bench.tables import as_markdown, as_text

RESULTS: Final = REPOSITORY / "bench/results"


def new_folder(parent: Path | None) -> Path:
    """One that is named by the time."""
    folder = (parent or RESULTS) / time.strftime("%Y-%m-%d-%H%M%S")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write(folder: Path, tables: Sequence[Results], command: str) -> None:
    """What there is so far; each call replaces what the one before wrote."""
    machine = describe_machine()
    about = ", ".join(f"{key} {value}" for key, value in machine.items())
    (folder / "table.txt").write_text("\n\n".join([f"$ {command}\n{about}", *map(as_text, tables)]) + "\n")
    head = f"# Measured\n\n`{command}`\n\n{about}\n"
    (folder / "table.md").write_text("\n".join([head, *map(as_markdown, tables)]))
    told = {"command": command, "machine": machine, "rows": [one.as_json() for one in tables]}
    (folder / "results.json").write_text(json.dumps(told, indent=1) + "\n")
    for results in tables:
        for plot in PLOTS.get(results.name, ()):
            if picture := as_svg(plot, results):
                (folder / f"{plot.name}.svg").write_text(picture)


def describe_machine() -> Mapping[str, Any]:
    """What figures depend on."""
    return {
        "processors": os.cpu_count(),
        "load average": f"{os.getloadavg()[0]:.1f}",
        "kernel": platform.release(),
        "Python": sys.version.split()[0],
    }
