"""The line between the supervisor and one worker: orders down, news up, and its end is the end of the other.

Gives       Link, linked_pair.

A message is a line of JSON; listening sockets may come along with it. The kernel closes the line when either process
ends, however it ends: so neither has to be told of the other's death.
"""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias

Message: TypeAlias = dict[str, Any]

_READ_LIMIT: Final = 65536
_SOCKETS_LIMIT: Final = 250  # that one message may carry: SCM_MAX_FD is 253


def linked_pair() -> tuple[Link, Link]:
    """Both ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    return Link(ours), Link(theirs)


class Link:
    """One end. Nothing here blocks or raises; what cannot be sent is lost with the other end."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._end.setblocking(False)
        self._octets = bytearray()
        self._sockets: deque[socket.socket] = deque()
        self.is_over = False

    def fileno(self) -> int:
        """For selectors."""
        return self._end.fileno()

    def send(self, message: Message, sockets: Sequence[socket.socket] = ()) -> None:
        """Send a message, and sockets with it."""
        line = json.dumps(message | {"sockets": len(sockets)}).encode() + b"\n"
        with suppress(OSError):
            socket.send_fds(self._end, [line], [each.fileno() for each in sockets])

    def receive(self) -> Iterator[tuple[Message, list[socket.socket]]]:
        """What has come by now, message by message."""
        self._read()
        *lines, rest = bytes(self._octets).split(b"\n")
        self._octets[:] = rest
        for line in lines:
            message: Message = json.loads(line)
            yield message, [self._sockets.popleft() for _ in range(message["sockets"])]

    def close(self) -> None:
        """Hang up."""
        self._end.close()

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while not self.is_over:
                try:
                    octets, numbers, _, _ = socket.recv_fds(self._end, _READ_LIMIT, _SOCKETS_LIMIT)
                except ConnectionError:
                    octets, numbers = b"", []
                self._sockets.extend(socket.socket(fileno=number) for number in numbers)
                self._octets += octets
                self.is_over = not octets
