"""A child process whose lines are read while it runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import pytest
from peer_programs import PATIENCE_S


class ChildProcess:
    """A process in a group of its own. `lines` are what it has said so far, on both its outputs."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = Path(command[0]).name
        self.lines: list[str] = []
        self._said = threading.Condition()
        self._process = subprocess.Popen(
            list(map(str, command)),
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def _read(self, output: IO[bytes]) -> None:
        with output:
            for line in output:
                with self._said:
                    self.lines.append(line.decode("utf-8", "replace").rstrip())
                    self._said.notify_all()
        with self._said:
            self._said.notify_all()

    def wait_for(
        self, is_wanted: Callable[[str], bool], what: str, *, since: int = 0, within_s: float = PATIENCE_S
    ) -> str:
        """The first line from `lines[since]` on that is wanted."""
        deadline = time.monotonic() + within_s
        with self._said:
            while True:
                for line in self.lines[since:]:
                    if is_wanted(line):
                        return line
                since = len(self.lines)
                left = deadline - time.monotonic()
                if left < 0 or not self._reader.is_alive():
                    pytest.fail(f"{self.name} did not say {what}; it said:\n" + "\n".join(self.lines[-200:]))
                self._said.wait(min(left, 1.0))

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """Ask it to end; its status. Nothing is left of it."""
        if self.is_running:
            self.signal(signal.SIGTERM)
        try:
            return self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{self.name} did not end; it said:\n" + "\n".join(self.lines[-200:]))
        finally:
            self.kill()

    def kill(self) -> None:
        """End the whole group at this instant."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
