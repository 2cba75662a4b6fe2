"""SMTP servers in a thread of their own: one that says what a script says, and our own machine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from postel.proto import NEED_DATA, PAUSED
from postel.proto.smtp import Auth, AuthResponse, ServerOptions, SmtpServer
from postel.proto.smtp.replies import LOGGED_IN

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
CLOSE = b""  # in place of a reply: hang up


@dataclass(slots=True)
class Served:
    """Where it listens, and the lines it has heard."""

    port: int = 0
    lines: list[str] = field(default_factory=list)


@contextmanager
def scripted(greeting: bytes, replies: Mapping[str, bytes]) -> Iterator[Served]:
    """Answers each verb as the script has it; content ends at a lone dot and is answered as `.`."""
    served = Served()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while line := (await reader.readline()).decode("latin-1").rstrip("\r\n"):
            served.lines.append(line)
            reply = replies.get(line.split(" ")[0].upper(), b"500 5.5.1 what?\r\n")
            if reply == CLOSE:
                return
            writer.write(reply)
            if reply.startswith(b"354"):
                while (text := await reader.readline()) not in (b".\r\n", b""):
                    served.lines.append(text.decode("latin-1").rstrip("\r\n"))
                writer.write(replies["."])
            if line == "QUIT":
                return

    with in_thread(serve, served):
        yield served


@contextmanager
def machine(options: ServerOptions) -> Iterator[Served]:
    """Our own machine, which says yes to everything, logins included."""
    served = Served()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk, asked = SmtpServer(options), 0
        while not talk.over:
            event = talk.next_event()
            if event is NEED_DATA or event is PAUSED:
                writer.write(talk.data_to_send())
                talk.receive(await reader.read(65536))
            elif isinstance(event, Auth) and event.initial is None:
                talk.challenge(b"Username:")
                asked = 1
            elif isinstance(event, AuthResponse) and asked == 1:
                talk.challenge(b"Password:")
                asked = 2
            elif isinstance(event, Auth | AuthResponse):
                talk.answer(LOGGED_IN)
            else:
                talk.answer(None)
        writer.write(talk.data_to_send())

    with in_thread(serve, served):
        yield served


@contextmanager
def in_thread(serve: Serve, served: Served) -> Iterator[None]:
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has seen enough
        finally:
            writer.close()

    async def run() -> None:
        is_over = asyncio.Event()
        server = await asyncio.start_server(session, "127.0.0.1", 0)
        served.port = server.sockets[0].getsockname()[1]
        started.set_result((asyncio.get_running_loop(), is_over))
        await is_over.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    loop, is_over = started.result(60)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(is_over.set)
        thread.join(60)
