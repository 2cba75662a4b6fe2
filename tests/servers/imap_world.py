"""A whole IMAP service on memory streams and the fake clock: real store, contents, directory and text index."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Any

from smtp_world import CHEAP, PASSWORD, certificate

from imap_crowd import Wire
from postel import contents, directory, store
from postel.contents import Contents
from postel.database import SqliteDatabase, Transaction
from postel.directory import Account, Directory
from postel.fulltext import Filler, FullText
from postel.mail import parse_domain, parse_mailbox
from postel.net import Endpoint, Stream
from postel.servers import Admission, AdmissionOptions, ImapParts, ImapService, ImapServiceOptions
from postel.store import INBOX, MailboxName, Quota, Store, import_message
from postel.testing import FakeClock, InlineWorkers, MemoryNetwork

SERVER = Endpoint("192.0.2.1", 143)
LETTER = (
    b"From: Ann <ann@example.net>\r\nTo: kitt@example.org\r\nSubject: =?utf-8?q?H=C3=A4llo?= there\r\n"
    b"Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@example.net>\r\n\r\nHow are you?\r\n"
)


@dataclass
class Reply:
    """What a command came to: its tagged line, without the tag, and the untagged lines before it."""

    tagged: str
    lines: list[str] = field(default_factory=list)

    def only(self, start: str) -> str:
        """The one untagged line that begins like this, without its star."""
        found = [line for line in self.lines if line.startswith(start)]
        assert len(found) == 1, self.lines
        return found[0]


class Client:
    """Speaks IMAP, one command after the other. Lines are latin-1, so every octet is seen."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._wire = Wire(lambda: stream.read(1000), stream.write, lambda: None)
        self._tags = itertools.count(1)

    async def line(self) -> str:
        """The next line with its literals, without its CRLF. Raises Cut."""
        return await self._wire.line()

    async def send(self, octets: bytes) -> None:
        await self.stream.write(octets)

    async def cmd(self, command: str | bytes) -> Reply:
        """Send a command, and hear its result."""
        octets = command.encode() if isinstance(command, str) else command
        tag = f"t{next(self._tags)}"
        await self.send(tag.encode() + b" " + octets + b"\r\n")
        lines: list[str] = []
        while True:
            line = await self.line()
            if line.startswith(f"{tag} "):
                return Reply(line.removeprefix(f"{tag} "), lines)
            lines.append(line.removeprefix("* "))

    async def last_words(self, command: str | bytes) -> Reply:
        """The same, where a BYE in place of the result is one."""
        octets = command.encode() if isinstance(command, str) else command
        tag = f"t{next(self._tags)}"
        await self.send(tag.encode() + b" " + octets + b"\r\n")
        lines: list[str] = []
        while True:
            line = await self.line()
            if line.startswith((f"{tag} ", "* BYE")):
                return Reply(line.removeprefix("* ").removeprefix(f"{tag} "), lines)
            lines.append(line.removeprefix("* "))

    async def ok(self, command: str | bytes) -> Reply:
        """The same, for a command that must succeed."""
        reply = await self.cmd(command)
        assert reply.tagged.startswith("OK"), (command, reply)
        return reply

    async def append(self, letter: bytes = LETTER, mailbox: str = "INBOX", options: str = "") -> Reply:
        head = f"APPEND {mailbox} {options}{{{len(letter)}+}}\r\n"
        return await self.ok(head.encode() + letter)


@dataclass
class World:
    """A service at 192.0.2.1:143 with the accounts kitt@example.org and ann@example.org."""

    service: ImapService
    parts: ImapParts
    internet: MemoryNetwork
    client: Any
    kitt: Account
    ann: Account
    filler: Filler

    async def dial(self) -> Client:
        """A client that has heard the greeting."""
        client = Client(await self.client.dial(SERVER, timeout_s=10))
        assert (await client.line()).startswith("* OK")
        return client

    async def login(self, name: str = "kitt@example.org", mailbox: str | None = "INBOX") -> Client:
        """A client that is logged in and has selected a mailbox."""
        client = await self.dial()
        await client.ok(f'LOGIN {name} "{PASSWORD}"')
        if mailbox is not None:
            await client.ok(f'SELECT "{mailbox}"')
        return client

    async def put(self, *letters: bytes, account: Account | None = None, name: MailboxName = INBOX) -> None:
        """Deliver letters."""
        for letter in letters:

            async def chunks(letter: bytes = letter) -> AsyncIterator[bytes]:
                yield letter

            parts = self.parts
            owner = account or self.kitt
            await import_message(
                parts.store,
                parts.database,
                parts.contents,
                owner.id,
                chunks(),
                internal_date_at=parts.clock.now(),
                name=name,
            )


@asynccontextmanager
async def world(*, tls: bool = False, **changes: Any) -> AsyncIterator[World]:
    database = await SqliteDatabase.open(None, threaded=False)
    for room in (contents, directory, store):
        await database.migrate(room.MIGRATIONS)
    clock, workers = FakeClock(), InlineWorkers()
    kept = Contents(None, database, workers)
    people = Directory(database, workers, clock, CHEAP)
    kitt = await people.add(parse_mailbox("kitt@example.org"), PASSWORD)
    ann = await people.add(parse_mailbox("ann@example.org"), PASSWORD)
    numbers = itertools.count(1)

    async def quota_of(tx: Transaction, account_id: int) -> Quota:
        return Quota(*await people.quota_in(tx, account_id))

    boxes = Store(database, kept, clock, workers, quota_of=quota_of)
    texts = FullText(None, workers)
    parts = ImapParts(
        clock=clock,
        workers=workers,
        database=database,
        contents=kept,
        directory=people,
        store=boxes,
        fulltext=texts,
        admission=Admission(AdmissionOptions()),
        new_session_id=lambda: f"s{next(numbers)}",
    )
    options = ImapServiceOptions(
        hostname=parse_domain("imap.example.org"), plaintext_login=(ip_network("192.0.2.0/24"),)
    )
    service = ImapService(replace(options, **changes), parts, certificate() if tls else None)
    internet = MemoryNetwork()
    await internet.host("imap.example.org", "192.0.2.1").listen(SERVER, service.handle)
    client = internet.host("client.example.org", "192.0.2.9")
    filler = Filler(texts, boxes, kept, database, workers)
    try:
        yield World(service, parts, internet, client, kitt, ann, filler)
        await service.stop(1.0)
        assert parts.admission.total == 0
    finally:
        await filler.close()
        await texts.close()
        people.close()
        boxes.changes.close()
        await kept.close()
        await database.close()
