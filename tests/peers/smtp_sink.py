"""A mail server that takes everything, in a thread: as little as a sending server can do with."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from peer_programs import PATIENCE_S

_LINE_LIMIT: Final = 1 << 20
_REPLIES: Final = {b"EHLO": b"250-sink.example\r\n250 8BITMIME", b"QUIT": b"221 bye", b"DATA": b"354 go on"}


@dataclass(slots=True)
class Sink:
    """`taken` has every content that was taken, once for each recipient, before its 250 went out."""

    port: int
    taken: list[tuple[str, bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client was killed
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients: list[str] = []
        writer.write(b"220 sink.example\r\n")
        while (line := await reader.readuntil(b"\r\n")) != b"QUIT\r\n":
            verb = line[:4].upper()
            if verb == b"MAIL":
                recipients = []
            elif verb == b"RCPT":
                recipients.append(line.partition(b"<")[2].partition(b">")[0].decode())
            writer.write(_REPLIES.get(verb, b"250 yes") + b"\r\n")
            if verb == b"DATA":
                content = await reader.readuntil(b"\r\n.\r\n")
                plain = re.sub(rb"(?m)^\.", b"", content.removesuffix(b".\r\n"))
                self.taken += [(recipient, plain) for recipient in recipients]
                writer.write(b"250 taken\r\n")
            await writer.drain()
        writer.write(b"221 bye\r\n")


@contextmanager
def smtp_sink() -> Iterator[Sink]:
    """A sink on a free port of 127.0.0.1."""
    is_over = asyncio.Event()
    started: Future[tuple[asyncio.AbstractEventLoop, Sink]] = Future()

    async def serve() -> None:
        sink = Sink(0)
        server = await asyncio.start_server(sink.serve, "127.0.0.1", 0, limit=_LINE_LIMIT)
        sink.port = server.sockets[0].getsockname()[1]
        started.set_result((asyncio.get_running_loop(), sink))
        await is_over.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    loop, sink = started.result(PATIENCE_S)
    try:
        yield sink
    finally:
        loop.call_soon_threadsafe(is_over.set)
        thread.join(PATIENCE_S)
