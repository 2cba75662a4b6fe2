"""A long queue, quickly: its messages are accepted by the queue's own code, many in each commit.

    python -m bench.load.backlog CONFIG MESSAGES DESTINATIONS

Of the destinations every second one lives, every fourth refuses connections, and every fourth is silent.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from postel.app import Bench, open_bench, real_edges
from postel.config import load
from postel.contents import Sealed
from postel.mail import Envelope, Recipient, parse_forward_path, parse_reverse_path
from postel.queue import NewMessage, Origin

_TOGETHER: Final = 2000
_KINDS: Final = ("living", "refused", "living", "silent")
_CONTENT: Final = b"From: kitt@free.example\r\nSubject: waiting\r\n\r\n" + (b"x" * 76 + b"\r\n") * 6
_SENDER: Final = parse_reverse_path("<>")  # so that dead destinations cost no reports


def destination(number: int) -> str:
    """The domain of that number."""
    return f"d{number}.{_KINDS[number % len(_KINDS)]}.example"


def _message(bench: Bench, number: int, destinations: int) -> NewMessage:
    path = parse_forward_path(f"<ann@{destination(number % destinations)}>")
    return NewMessage(
        queue_id=bench.queue.next_id(),
        envelope=Envelope(_SENDER, (Recipient(path),)),
        content=Sealed(_CONTENT),
        received_at=bench.edges.clock.now(),
        origin=Origin(protocol="local"),
    )


async def fill(config: Path, messages: int, destinations: int) -> None:
    """Queue so many messages; no server may run on the data directory."""
    bench = await open_bench(load(config, {}), real_edges())
    try:
        for first in range(0, messages, _TOGETHER):
            numbers = range(first, min(first + _TOGETHER, messages))
            await asyncio.gather(*(bench.queue.accept(_message(bench, n, destinations)) for n in numbers))
    finally:
        await bench.close()


def main() -> None:
    import uvloop

    config, messages, destinations = sys.argv[1:]
    uvloop.run(fill(Path(config), int(messages), int(destinations)))


if __name__ == "__main__":
    main()
