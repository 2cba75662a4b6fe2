"""A terminal of our own, on which a program for people is used: what it shows, and what is typed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from peer_programs import PATIENCE_S

_AGAIN_S: Final = 15.0
_SIZE: Final = struct.pack("HHHH", 40, 120, 0, 0)  # lines and columns
_CONTROLS: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[()][A-Z0-9]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[=>78])"
)


class Screen:
    """`text` is what was shown since the last answer, without the controls."""

    def __init__(self, command: list[str | Path], environment: Mapping[str, str]) -> None:
        self._master, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, _SIZE)
        self._octets = b""
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *map(str, command)],  # a session of its own, and this is its terminal
            env={**os.environ, "TERM": "xterm", "LANG": "C.UTF-8", **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)

    @property
    def text(self) -> str:
        return _CONTROLS.sub("", self._octets.decode("utf-8", "replace"))

    def wait_for(self, text: str) -> None:
        """Until `text` is shown."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.text:
            if not self._read(deadline):
                pytest.fail(f"it did not show {text!r}, but:\n{self.text[-4000:]}")

    def answer(self, question: str, keys: str) -> None:
        """Type when the question has been shown since the last time something was typed."""
        self.wait_for(question)
        self.type(keys)

    def type(self, keys: str) -> None:
        """Type at once."""
        self._octets = b""
        os.write(self._master, keys.encode())

    def press(self, key: str, until: str) -> None:
        """Type until `until` is shown: some programs throw away what was typed before they listen."""
        for _ in range(int(PATIENCE_S / _AGAIN_S)):
            self.type(key)
            again = time.monotonic() + _AGAIN_S
            while until not in self.text and self._read(again):
                pass
            if until in self.text:
                return
        pytest.fail(f"it did not show {until!r} for {key!r}, but:\n{self.text[-4000:]}")

    def wait_for_end(self) -> int:
        """Its status."""
        deadline = time.monotonic() + PATIENCE_S
        while self._read(deadline):
            pass
        try:
            return self._process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            pytest.fail(f"it did not end, but showed:\n{self.text[-4000:]}")

    def close(self) -> None:
        """Nothing of it is left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._master)

    def _read(self, deadline: float) -> bool:
        """Whether it goes on."""
        while time.monotonic() < deadline:
            if not select.select([self._master], [], [], 0.2)[0]:
                continue
            try:
                octets = os.read(self._master, 65536)
            except OSError:  # EIO: nobody has the other side any more
                return False
            self._octets += octets
            return bool(octets)
        return False


@contextmanager
def screen(*command: str | Path, environment: Mapping[str, str]) -> Iterator[Screen]:
    """A program that is ended in any case."""
    made = Screen(list(command), environment)
    try:
        yield made
    finally:
        made.close()
