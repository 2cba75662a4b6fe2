"""How long one session's NOOP takes while others work, measured by a process of its own.

    python -m bench.load.beside PORT USER PASSWORD

Gives       Beside, waits_of. Asks until its input ends, then prints a line of JSON: what it waited each time, in ms.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.contenders.contender import REPOSITORY, environment
from bench.load.imap import Client

_REST_S = 0.002  # between two questions: it measures, and is no load


@dataclass(slots=True)
class Beside:
    """What another session waited for, in ms; empty until it is over."""

    waits_ms: list[float] = field(default_factory=list)


@contextmanager
def beside(port: int, user: str, password: str) -> Iterator[Beside]:
    """Another session asks NOOP after NOOP meanwhile."""
    command = [sys.executable, "-m", "bench.load.beside", str(port), user, password]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    told = Beside()
    try:
        process.stdout.readline()  # it has logged in, and begins
        yield told
    finally:
        out, _ = process.communicate(timeout=60)
        told.waits_ms = json.loads(out or b"[]")


def waits_of(client: Client) -> list[float]:
    """NOOP after NOOP until standard input ends: what each took, in ms."""
    waits: list[float] = []
    while not select.select([sys.stdin], [], [], _REST_S)[0]:
        began_s = time.perf_counter()
        client.ask(b"NOOP")
        waits.append((time.perf_counter() - began_s) * 1e3)
    return waits


if __name__ == "__main__":
    client = Client(int(sys.argv[1]))
    client.ask(f'LOGIN {sys.argv[2]} "{sys.argv[3]}"'.encode())
    client.ask(b"SELECT INBOX")
    print("begun", flush=True)
    print(json.dumps(waits_of(client)), flush=True)
