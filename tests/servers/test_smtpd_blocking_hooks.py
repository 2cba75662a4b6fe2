"""A hook that blocks its thread, among sessions of a real server on a real loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from smtp_world import SMTP, hook_file, world

from postel.hooks import HookFiles, HookOptions, ThreadOptions, ThreadRunner
from postel.net import Endpoint, Stream, TcpNetwork
from postel.servers import SmtpService

pytestmark = [pytest.mark.real_time, pytest.mark.slow]

BLOCKING = """
import os, time
async def rcpt(facts: Rcpt):
    if facts.mailbox.local_part.folded == "bob":
        while os.path.exists({held!r}):
            time.sleep(0.01)
async def content(facts: Content):
    sizes = [len(piece) async for piece in facts.read()]
    return add_header("X-Size", str(sum(sizes)))
"""


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Endpoint]:
    """A service on a real port, whose hook blocks as long as there is a file `held`."""
    (folder / "held").touch()
    runner = ThreadRunner(ThreadOptions(ping_s=0.1))
    async with world(listening=False, folder=folder) as w:
        w.parts = replace(
            w.parts,
            hooks=HookFiles([hook_file(folder, BLOCKING.format(held=str(folder / "held")))]),
            hook_options=HookOptions(timeout_s=1.0),
            hook_runner=runner,
        )
        w.service = SmtpService(SMTP, w.parts)
        listener = await TcpNetwork().listen(Endpoint("127.0.0.1", 0), w.service.handle)
        yield listener.endpoint
        await listener.close()
        await w.service.stop(1.0)
    await runner.close()


class Client:
    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    async def say(self, line: str) -> str:
        await self.stream.write(line.encode() + b"\r\n")
        return (await self.stream.read(60)).decode()

    async def send(self, to: str) -> str:
        """The reply to the recipient, or, when that was taken, to the content."""
        await self.say("MAIL FROM:<kitt@free.example>")
        reply = await self.say(f"RCPT TO:<{to}>")
        if not reply.startswith("250"):
            await self.say("RSET")
            return reply
        await self.say("DATA")
        return await self.say("Subject: hello\r\n\r\nHello\r\n.")


async def connect(to: Endpoint) -> Client:
    client = Client(await TcpNetwork().dial(to, timeout_s=60))
    await client.stream.read(60)
    await client.say("EHLO client.example")
    return client


async def test_mail_behind_a_blocking_hook_is_deferred_and_everything_else_goes_on(tmp_path: Path) -> None:
    async with served(tmp_path) as endpoint:
        first, second = await connect(endpoint), await connect(endpoint)
        blocked = asyncio.create_task(first.send("bob@example.org"))
        replies = 0
        while not blocked.done():
            assert (await second.say("NOOP")).startswith("250")
            replies += 1
            await asyncio.wait({blocked}, timeout=0.02)
        assert replies > 2
        assert (await blocked).startswith("451 4.7.1 ")
        assert (await second.send("ann@example.org")).startswith("250 2.0.0 queued as")
        (tmp_path / "held").unlink()  # until here a fresh thread has judged: the other one is still blocked
        assert (await first.send("ann@example.org")).startswith("250 2.0.0 queued as")
        for client in (first, second):
            await client.say("QUIT")
            await client.stream.close()
