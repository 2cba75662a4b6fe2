"""A line between two programs that breaks after so many octets, each time anew.

Gives       BreakingLine.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final

PIECE: Final = 64 * 1024
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset, as a line that breaks


class BreakingLine:
    """Listens at a port of its own and passes connections on to another one.

    budget      octets from the caller after which a connection breaks.
    sent        octets that came from callers in all.
    calls       connections in all.
    """

    def __init__(self, address: str, port: int, budget: int) -> None:
        self._to = (address, port)
        self._listener = socket.create_server((address, 0))
        self.port: int = self._listener.getsockname()[1]
        self.budget = budget
        self.sent = 0
        self.calls = 0
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> BreakingLine:
        self._start(self._listen)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _start(self, work, *arguments: object) -> None:  # type: ignore[no-untyped-def]
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            self.calls += 1
            try:
                called = socket.create_connection(self._to)
            except OSError:
                caller.close()
                continue
            self._start(self._forward, caller, called)
            self._start(self._back, caller, called)

    def _forward(self, caller: socket.socket, called: socket.socket) -> None:
        left = self.budget
        with suppress(OSError):
            while left > 0 and (piece := caller.recv(min(PIECE, left))):
                called.sendall(piece)
                left -= len(piece)
                self.sent += len(piece)
        _break(caller, called)

    def _back(self, caller: socket.socket, called: socket.socket) -> None:
        with suppress(OSError):
            while piece := called.recv(PIECE):
                caller.sendall(piece)
        _break(caller, called)


def _break(caller: socket.socket, called: socket.socket) -> None:
    """The caller sees a reset at once. What was passed on arrives, however slow the machine is, and then the end."""
    with suppress(OSError):
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        caller.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        called.shutdown(socket.SHUT_WR)
    caller.close()
    called.close()
