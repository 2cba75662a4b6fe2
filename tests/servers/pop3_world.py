"""A whole POP3 service on memory streams and the fake clock: real store, contents and directory."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from smtp_world import CHEAP, PASSWORD, certificate

from postel import contents, directory, store
from postel.contents import Contents
from postel.database import SqliteDatabase
from postel.directory import Account, Directory, DirectoryOptions
from postel.mail import parse_domain, parse_mailbox
from postel.net import Endpoint, Stream
from postel.routing import IPNetwork
from postel.servers import Admission, AdmissionOptions, Pop3Parts, Pop3Service, Pop3ServiceOptions
from postel.store import MaildropLocks, Store, import_message
from postel.testing import FakeClock, InlineWorkers, MemoryNetwork
from postel.testing.transcript import parse_transcript
from postel.testing.transcript.service import Cut, play_service
from postel.tls import ClientTls

SERVER = Endpoint("192.0.2.1", 110)
HOSTNAME = parse_domain("pop.example.org")
EVERYWHERE: tuple[IPNetwork, ...] = ()


def trusting(**changes: Any) -> Pop3ServiceOptions:
    """Options that let clients log in without TLS."""
    from ipaddress import ip_network

    options = Pop3ServiceOptions(hostname=HOSTNAME, plaintext_login=(ip_network("192.0.2.0/24"),))
    return replace(options, **changes)


@dataclass
class World:
    """A service at 192.0.2.1:110 with the account kitt@example.org, and a client at 192.0.2.9."""

    service: Pop3Service
    parts: Pop3Parts
    contents: Contents
    clock: FakeClock
    internet: MemoryNetwork
    client: Any
    kitt: Account

    async def dial(self) -> Stream:
        stream: Stream = await self.client.dial(SERVER, timeout_s=10)
        return stream

    async def play(self, text: str, *, cut: Cut | None = None) -> dict[str, str]:
        """Act a transcript out; what it bound."""
        lines = [line.strip() for line in text.strip().splitlines()]
        transcript = parse_transcript("here", "title: here\n\n" + "\n".join(lines))
        return await play_service(transcript, await self.dial(), tls=ClientTls(verify=False), cut=cut)

    async def put(self, *messages: bytes) -> None:
        """Store messages for kitt."""
        for message in messages:

            async def chunks(message: bytes = message) -> AsyncIterator[bytes]:
                yield message

            database, box = self.parts.database, self.parts.store
            await import_message(box, database, self.contents, self.kitt.id, chunks(), internal_date_at=0.0)

    async def uids(self) -> list[int]:
        return [message.uid for message in (await self.parts.store.maildrop(self.kitt.id)).messages]


@asynccontextmanager
async def world(
    options: Pop3ServiceOptions | None = None,
    *,
    tls: bool = False,
    admission: AdmissionOptions | None = None,
    accounts: DirectoryOptions = CHEAP,
) -> AsyncIterator[World]:
    database = await SqliteDatabase.open(None, threaded=False)
    for room in (contents, directory, store):
        await database.migrate(room.MIGRATIONS)
    clock = FakeClock()
    all_contents = Contents(None, database, InlineWorkers())
    people = Directory(database, InlineWorkers(), clock, accounts)
    kitt = await people.add(parse_mailbox("kitt@example.org"), PASSWORD)
    numbers = itertools.count(1)
    parts = Pop3Parts(
        clock=clock,
        database=database,
        directory=people,
        store=Store(database, all_contents, clock, InlineWorkers()),
        locks=MaildropLocks(database, clock),
        admission=Admission(admission or AdmissionOptions()),
        new_session_id=lambda: f"s{next(numbers)}",
    )
    service = Pop3Service(options or trusting(), parts, certificate() if tls else None)
    internet = MemoryNetwork()
    await internet.host("pop.example.org", "192.0.2.1").listen(SERVER, service.handle)
    client = internet.host("client.example.org", "192.0.2.9")
    try:
        yield World(service, parts, all_contents, clock, internet, client, kitt)
        await service.stop(1.0)
        assert parts.admission.total == 0
        await parts.locks.close()
    finally:
        people.close()
        parts.store.changes.close()
        await all_contents.close()
        await database.close()
