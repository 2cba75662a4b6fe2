"""IMAP and submission over the same mailboxes, and a client of the latter that speaks line by line."""

import base64
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import imap_world
from smtp_world import HOSTNAME, PASSWORD, SUBMISSION, lane_of, no_agents, routing_table

from postel import queue
from postel.net import Endpoint, Stream
from postel.queue import Queue, QueueOptions
from postel.servers.admission import Admission, AdmissionOptions
from postel.servers.smtpd import SmtpService
from postel.servers.smtpd_options import ServiceOptions, SmtpParts

PORT = Endpoint("192.0.2.2", 587)
OPTIONS = replace(SUBMISSION, plaintext_login=(ip_network("192.0.2.0/24"),), own_from=False)
_RECEIVED = re.compile(rb"Received: .*\r\n(?:[ \t].*\r\n)*")
LETTER = imap_world.LETTER


class Submitter:
    """Speaks SMTP: a command, or several, and their replies."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._buffer = b""

    async def reply(self) -> str:
        """The next reply; the lines of a long one joined."""
        lines = []
        while True:
            while b"\r\n" not in self._buffer:
                data = await self.stream.read(1000)
                assert data, "the server closed"
                self._buffer += data
            line, _, self._buffer = self._buffer.partition(b"\r\n")
            lines.append(line.decode())
            if lines[-1][3:4] != "-":
                return "\n".join(lines)

    async def say(self, *commands: str | bytes) -> list[str]:
        """All commands in one go; a reply for each. Octets get no CRLF."""
        await self.stream.write(b"".join(_octets(command) for command in commands))
        return [await self.reply() for _ in commands]

    async def begin(self, sender: str = "kitt@example.org", parameters: str = "") -> None:
        """MAIL and RCPT."""
        replies = await self.say(f"MAIL FROM:<{sender}>{parameters}", "RCPT TO:<bob@free.example>")
        assert [reply[:3] for reply in replies] == ["250", "250"], replies


def _octets(command: str | bytes) -> bytes:
    return command if isinstance(command, bytes) else command.encode() + b"\r\n"


class World:
    """An IMAP world with a submission service on port 587 beside it."""

    port = PORT

    def __init__(self, mail: imap_world.World, parts: SmtpParts, service: SmtpService) -> None:
        self.mail = mail
        self.parts = parts
        self.service = service

    async def submitter(self, name: str = "kitt@example.org") -> Submitter:
        """A client that is logged in."""
        client = Submitter(await self.mail.client.dial(PORT, timeout_s=10))
        proof = base64.b64encode(f"\0{name}\0{PASSWORD}".encode()).decode()
        assert (await client.reply()).startswith("220")
        await client.say("EHLO client.example.org")
        assert (await client.say(f"AUTH PLAIN {proof}"))[0].startswith("235")
        return client

    async def url(self, access: str, rest: str = "INBOX/;UID=1", name: str = "kitt@example.org") -> str:
        """An authorized URL of a mailbox of `name`, as GENURLAUTH makes it."""
        client = await self.mail.login(name, mailbox=None)
        rump = f"imap://{name.replace('@', '%40')}@{HOSTNAME.ascii}/{rest};URLAUTH={access}"
        line = (await client.ok(f'GENURLAUTH "{rump}" INTERNAL')).only("GENURLAUTH")
        return line.split('"')[1]

    async def submitted(self) -> list[bytes]:
        """The contents in the queue, without the trace field."""
        found = []
        for entry in await self.parts.queue.list():
            reader = await self.parts.contents.reader(entry.message.content_id)
            octets = b"".join([piece async for piece in reader.chunks()])
            trace = _RECEIVED.match(octets)
            assert trace is not None
            found.append(octets[trace.end() :])
        return found


@asynccontextmanager
async def world(options: ServiceOptions = OPTIONS, **changes: Any) -> AsyncIterator[World]:
    """Both services, with one host name."""
    async with imap_world.world(hostname=HOSTNAME) as mail:
        rooms = mail.parts
        await rooms.database.migrate(queue.MIGRATIONS)

        async def answer(question: Any) -> Any:
            return await rooms.directory.find(question.address) is not None

        waiting = Queue(
            rooms.database,
            rooms.contents,
            rooms.clock,
            QueueOptions(hostname=HOSTNAME.ascii),
            lane_of,
            no_agents,
            rng=random.Random(1),
        )
        parts = SmtpParts(
            clock=rooms.clock,
            queue=waiting,
            contents=rooms.contents,
            directory=rooms.directory,
            admission=Admission(AdmissionOptions()),
            table=routing_table(),
            answer=answer,
            store=rooms.store,
        )
        service = SmtpService(replace(options, **changes), parts, None)
        await mail.internet.host("submit.example.org", "192.0.2.2").listen(PORT, service.handle)
        yield World(mail, parts, service)
        await service.stop(1.0)
