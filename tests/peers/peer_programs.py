"""Other people's programs: whether they are here, and how they are run.

Where one is missing its tests are skipped, and the reason names the Debian package; under CI they fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn, TypeVar

import pytest

T = TypeVar("T")
REPOSITORY: Final = Path(__file__).resolve().parents[2]
PATIENCE_S: Final = 60.0  # the machine may be slow and shared
_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing(what: str) -> NoReturn:
    """This test cannot be run here. Under CI nothing may be skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}; nothing is skipped under CI")
    pytest.skip(what)


def program(name: str, package: str | None = None) -> str:
    """The path of a program that a Debian package brings."""
    found = shutil.which(name, path=_SYSTEM_PATH)
    return found or missing(f"no {name}: Debian package {package or name}, or tools/install-peers.sh")


def need_root(why: str) -> None:
    if os.geteuid() != 0:
        missing(f"only root can run this: {why}")


def run(
    *command: str | Path,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    status: int | None = 0,
) -> str:
    """Run a program to its end, and give what it said. `status` is what it must end with; None is anything."""
    done = subprocess.run(
        list(map(str, command)),
        input=stdin,
        cwd=folder,
        env={"PATH": _SYSTEM_PATH, "LANG": "C.UTF-8", **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE_S,
        check=False,
    )
    said = done.stdout.decode("utf-8", "replace")
    if status is not None and done.returncode != status:
        pytest.fail(f"{command[0]} ended with {done.returncode}, not {status}, and said:\n{said}")
    return said


def secret_file(path: Path, text: str) -> Path:
    """A file that nobody else may read, as programs demand of files with passwords."""
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def eventually(look: Callable[[], T], what: str, within_s: float = PATIENCE_S) -> T:
    """What `look` gives as soon as it is true."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"after {within_s:.0f} seconds still not: {what}")
        time.sleep(0.05)
    return found


@contextmanager
def public_folder(name: str) -> Iterator[Path]:
    """A folder that other users of this machine can reach, as servers that give up root need it."""
    folder = Path(tempfile.mkdtemp(prefix=f"postel-{name}-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
