"""Counts of what this process does while a block runs: no clock, so nobody else on the machine can change them.

Gives       Work, Counter.
"""

from __future__ import annotations

import sys
from asyncio import Handle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

import apsw

import postel

_OURS: Final = str(Path(postel.__file__).parent)
_NOT_OURS: Final = str(Path(postel.__file__).parent / "testing")
_TURN: Final = Handle._run.__code__  # asyncio has no other place where each callback goes by


@dataclass(slots=True)
class Work:
    """instructions     of the Python virtual machine, in code of ours.
    calls            of functions of ours, coroutines that go on included.
    turns            callbacks that the event loop runs.
    statements       of SQL, on connections that were opened while it was hearing them.
    """

    instructions: float = 0
    calls: float = 0
    turns: float = 0
    statements: float = 0


class Counter:
    """Counts into `work` while it is counting."""

    def __init__(self) -> None:
        self.work = Work()
        self._is_counting = False

    @contextmanager
    def counting(self) -> Iterator[None]:
        """What this thread does meanwhile counts."""
        before = sys.gettrace()
        self._is_counting = True
        sys.settrace(self._called)
        try:
            yield
        finally:
            sys.settrace(before)
            self._is_counting = False

    @contextmanager
    def hearing_statements(self) -> Iterator[None]:
        """Connections that are opened meanwhile tell their statements."""
        apsw.connection_hooks.append(self._opened)
        try:
            yield
        finally:
            apsw.connection_hooks.remove(self._opened)

    def _opened(self, connection: apsw.Connection) -> None:
        connection.exec_trace = self._stated

    def _stated(self, *_: object) -> bool:
        self.work.statements += self._is_counting
        return True

    def _called(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code is _TURN:
            self.work.turns += 1
        if not code.co_filename.startswith(_OURS) or code.co_filename.startswith(_NOT_OURS):
            return None
        self.work.calls += 1
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._went_on

    def _went_on(self, frame: FrameType, event: str, argument: Any) -> Any:
        self.work.instructions += event == "opcode"
        return self._went_on
