"""A real server whose disk is full, or that has no file handles, or no memory: it says so, and goes on when that ends.

The disk is a small file system made for the test, or, where nobody lets us mount one, a limit on the size of files.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest
from served import LOGIN, Line, Serve, Served, add_account, configuration, eventually, letters, pop3

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

RULES: Final = '[[domain]]\nname = "example.org"\n[limits]\nreserve = "0"\n' + LOGIN
AL: Final = "al@example.org"
LARGE: Final = 400_000
DISK_BYTES: Final = 24 * 1024 * 1024
BUSY: Final = {"421", "451", "452", ""}


def attempt(port: int, name: str, size: int) -> str:
    """Send a letter: "250", or the code of the first reply that says no; "" when the server hangs up."""
    with suppress(OSError):
        line = Line(port)
        replies = [line.reply()]
        for command in ("EHLO c.example", "MAIL FROM:<x@example.net>", f"RCPT TO:<{AL}>", "DATA"):
            if not replies[-1].startswith("2"):
                break
            replies.append(line.ask(command))
        if replies[-1].startswith("3"):
            line.send(f"Subject: {name}", "", *("x" * 70 for _ in range(size // 72)), "end")
            replies.append(line.ask("."))
        line.close()
        return replies[-1][:3]
    return ""


class Disk:
    """Where the data are."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._ballast = data / "ballast"

    def fill(self, served: Served) -> None:
        with suppress(OSError), self._ballast.open("wb", buffering=0) as file:
            for block in (1 << 16, 1 << 10, 1):
                with suppress(OSError):
                    while True:
                        file.write(bytes(block))

    def free(self, served: Served) -> None:
        self._ballast.unlink()


class LimitedFiles(Disk):
    """No file grows beyond what the log has now: EFBIG."""

    def fill(self, served: Served) -> None:
        limit = max(path.stat().st_size for path in self._data.rglob("*") if path.is_file())
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def free(self, served: Served) -> None:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, unlimited)


@contextmanager
def small_disk(data: Path) -> Iterator[Disk]:
    data.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "tmpfs", str(data)]
    may_mount = os.geteuid() == 0 and shutil.which("mount") is not None
    if not may_mount or subprocess.run(mounting, capture_output=True, check=False).returncode:
        yield LimitedFiles(data)
        return
    try:
        yield Disk(data)
    finally:
        subprocess.run(["umount", "-l", str(data)], check=True)


def test_a_full_disk_is_452_and_nothing_is_lost(serve: Serve, folder: Path) -> None:
    with small_disk(folder / "data") as disk:
        served = serve(configuration("smtp", "pop3", rules=RULES)).ready()
        add_account(folder, AL)
        port, taken = served.port("smtp"), 0
        for number in range(3):
            assert attempt(port, f"before {number}", LARGE) == "250"
            taken += 1
        for kind in ("small", "large"):
            reader = pop3(served.port("pop3"), AL)
            disk.fill(served)
            codes = [attempt(port, kind, LARGE if kind == "large" else 2000) for _ in range(40)]
            assert set(codes) <= {"250", "452"}, codes
            assert codes[-1] == "452"
            taken += codes.count("250")
            assert attempt(port, "large", LARGE) == "452"
            assert reader.ask("DELE 1").startswith("+OK")
            taken -= reader.ask("QUIT").startswith("+OK")
            disk.free(served)
            eventually(lambda: attempt(port, "after", LARGE) == "250", "there is room, and it is seen")
            taken += 1
        wait_for_letters(served, taken)
        served.kill()


def wait_for_letters(served: Served, number: int) -> None:
    eventually(lambda: letters(served.port("pop3"), AL) == number, f"exactly {number} letters")


def test_without_file_handles_some_wait_and_nothing_is_lost(serve: Serve, folder: Path) -> None:
    limit = 90
    served = serve(
        configuration("smtp", "pop3", rules=RULES),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)),
    ).ready()
    add_account(folder, AL)
    port, taken = served.port("smtp"), 0
    crowd = [Line(port) for _ in range(limit)]
    for _ in range(5):
        code = attempt_in_time(crowd, served)
        assert code in {"250", *BUSY}
        taken += code == "250"
    for one in crowd:
        one.close()
    eventually(lambda: attempt(port, "after", LARGE) == "250", "it serves again")
    wait_for_letters(served, taken + 1)
    served.kill()


def attempt_in_time(crowd: list[Line], served: Served) -> str:
    """By one of those who were let in: a large letter wants a file."""
    line = crowd.pop(0)
    reply = line.reply()
    for command in ("EHLO c.example", "MAIL FROM:<x@example.net>", f"RCPT TO:<{AL}>", "DATA"):
        if not reply.startswith("2"):
            return reply[:3]
        reply = line.ask(command)
    line.send("Subject: x", "", *("x" * 70 for _ in range(LARGE // 72)))
    reply = line.ask(".")
    crowd.append(Line(served.port("smtp")))  # no place becomes free
    line.close()
    return reply[:3]


def test_without_memory_it_says_so_and_goes_on_when_there_is_some(serve: Serve, folder: Path) -> None:
    served = serve(configuration("smtp", "pop3", rules=RULES)).ready()
    add_account(folder, AL)
    port, pid = served.port("smtp"), served.process.pid
    taken = attempt(port, "before", LARGE) == "250"
    for more in (1 << 20, 1 << 18, 0):
        resource.prlimit(pid, resource.RLIMIT_AS, (address_space(pid) + more, resource.RLIM_INFINITY))
        codes = [attempt(port, "without", size) for size in (1000, LARGE, 4 * LARGE)]
        assert set(codes) <= {"250", *BUSY}, codes
        taken += codes.count("250")
    resource.prlimit(pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    eventually(lambda: attempt(port, "after", LARGE) == "250", "it serves again")
    assert served.process.poll() is None
    wait_for_letters(served, taken + 1)
    served.kill()


def address_space(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    return pages * resource.getpagesize()
