"""A root directory for a program that has its files' places compiled in: it looks nowhere else for them.

Gives       copy_programs, write_users, make_null.
Used by     the measurements, and the tests that speak with real mail servers.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path


def copy_programs(root: Path, programs: Mapping[str, Path]) -> None:
    """Programs by the path they get in `root`, and the libraries they are linked with."""
    copies = {name: str(source) for name, source in programs.items()}
    for source in programs.values():
        said = subprocess.run(["/usr/bin/ldd", source], check=True, capture_output=True, text=True).stdout
        copies |= {path: path for path in re.findall(r"(/\S+) \(0x", said)}
    for name, path in copies.items():
        target = root / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        target.chmod(0o755)


def write_users(root: Path, users: Mapping[str, int], homes: Mapping[str, str] | None = None) -> None:
    """Root, and these users, each with a group of its name and number."""
    homes = homes or {}
    lines = [
        f"{name}:x:{number}:{number}::{homes.get(name, '/')}:/bin/sh\n" for name, number in users.items()
    ]
    etc = root / "etc"
    etc.mkdir(parents=True, exist_ok=True)
    (etc / "passwd").write_text("root:x:0:0::/root:/bin/sh\n" + "".join(lines))
    groups = "".join(f"{name}:x:{number}:\n" for name, number in users.items())
    (etc / "group").write_text("root:x:0:\nmail:x:8:\n" + groups)


def make_null(root: Path) -> None:
    """The device; or, where nobody may make or use one, an empty file, which does as well for little output."""
    path = root / "dev/null"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        path.open("wb").close()
    except PermissionError:
        path.unlink(missing_ok=True)
        path.touch()
    path.chmod(0o666)
