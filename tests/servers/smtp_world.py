"""A whole SMTP service on memory streams and the fake clock: real queue, contents, directory and policy."""

import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from postel import contents, directory, queue
from postel.contents import Contents
from postel.database import SqliteDatabase, Transaction
from postel.directory import Directory, DirectoryOptions, PasswordOptions, ScramOptions
from postel.hooks import HookFile, HookFiles
from postel.mail import Mailbox, parse_domain, parse_mailbox
from postel.net import Endpoint, Stream
from postel.queue import DeliveryAgent, Queue, QueueEntry, QueueOptions
from postel.routing import AccountQuestion, FirstAccountQuestion, OurDomain, RoutingTable, parse_alias
from postel.routing.patterns import parse_pattern
from postel.routing.table import RelayDomain, RelayNetwork
from postel.servers import Room
from postel.servers.admission import Admission, AdmissionOptions
from postel.servers.smtpd import SmtpService
from postel.servers.smtpd_options import Service, ServiceOptions, SmtpParts
from postel.testing import FakeClock, InlineWorkers, MemoryNetwork
from postel.testing.transcript import parse_transcript
from postel.testing.transcript.service import Cut, play_service
from postel.tls import CertificateFiles, ClientTls, ServerTls, self_signed, start_client

CONTENTS = "(SELECT id FROM content UNION SELECT content_id FROM content_alone)"
HOSTNAME = parse_domain("mx.example.org")
SMTP = ServiceOptions(hostname=HOSTNAME)
SUBMISSION = replace(SMTP, service=Service.SUBMISSION)
CHEAP = DirectoryOptions(
    passwords=PasswordOptions(memory_kib=8, passes=1), scram=ScramOptions(iterations=4096)
)
SUBMISSIONS = replace(SMTP, service=Service.SUBMISSIONS)
PASSWORD = "correct horse"
PLAIN_ANN = "AGFubkBleGFtcGxlLm9yZwBjb3JyZWN0IGhvcnNl"  # \0ann@example.org\0correct horse


HELLO = """
    S 220 mx.example.org ESMTP Postel
    C EHLO client.example.net
    S 250-mx.example.org
    S 250-PIPELINING
    S 250-SIZE 50000000
    S 250-8BITMIME
    S 250-SMTPUTF8
    S 250-ENHANCEDSTATUSCODES
    S 250-DSN
    S 250-CHUNKING
    S 250-BINARYMIME
    S 250-PRDR
    S 250-LIMITS RCPTMAX=1000
    S 250 HELP
"""
# Where a login is offered: to trusted networks, and under TLS, where REQUIRETLS is too.
SECURE_HELLO = """
    C EHLO client.example.net
    S 250-mx.example.org
    S 250-PIPELINING
    S 250-SIZE 50000000
    S 250-8BITMIME
    S 250-SMTPUTF8
    S 250-ENHANCEDSTATUSCODES
    S 250-AUTH ...
    S 250-DSN
    S 250-CHUNKING
    S 250-BINARYMIME
    S 250-PRDR
    S 250-LIMITS RCPTMAX=1000
    S 250 HELP
"""
TLS_HELLO = SECURE_HELLO.replace("S 250 HELP", "S 250-REQUIRETLS\n    S 250 HELP")
STARTTLS = (
    HELLO.replace("S 250-DSN", "S 250-STARTTLS\n    S 250-DSN")
    + """
    C STARTTLS
    S 220 2.0.0 ...
    ...TLS
    """
    + TLS_HELLO
)
LOGIN = f"""
    C AUTH PLAIN {PLAIN_ANN}
    S 235 2.7.0 ...
"""


@lru_cache(maxsize=1)
def certificate() -> ServerTls:
    """Made once a test run: keys take their time."""
    made = self_signed("mx.example.org", Path(mkdtemp()), FakeClock().now())
    return ServerTls(CertificateFiles(*made))


class NoAgent:
    async def deliver(self, jobs: Any) -> None:
        raise AssertionError("nothing is delivered here")


def no_agents(lane: str) -> DeliveryAgent:
    return NoAgent()


def routing_table(**changes: Any) -> RoutingTable:
    org = parse_domain("example.org")
    aliases = dict(
        parse_alias(name, to, org)
        for name, to in {
            "sales": ["ann@example.org", "bob@example.org"],
            "ann.alias": ["ann@example.org"],
            "mixed": ["ann@example.org", "kitt@free.example"],
        }.items()
    )
    facts: dict[str, Any] = {
        "hostname": HOSTNAME,
        "domains": (OurDomain(org, aliases),),
        "relay_domains": (RelayDomain(parse_pattern("backup.example")),),
        "relay_networks": (),
        "postmaster": parse_mailbox("ann@example.org"),
    }
    return RoutingTable(**(facts | changes))


class Events(logging.Handler):
    """What the service told the log."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append((record.event, record.fields))  # type: ignore[attr-defined]

    def __getitem__(self, name: str) -> list[dict[str, Any]]:
        return [fields for event, fields in self.seen if event == name]

    def only(self, name: str) -> dict[str, Any]:
        [fields] = self[name]
        return fields


class World:
    """One service with the accounts ann@ and bob@example.org."""

    def __init__(self, database: SqliteDatabase, parts: SmtpParts, service: SmtpService) -> None:
        self.database = database
        self.parts = parts
        self.log = Events()
        self.endpoint = Endpoint("192.0.2.1", 25)
        self.expected_faults: list[dict[str, Any]] = []
        self.service = service
        self.internet = MemoryNetwork()
        self.mx = self.internet.host("mx.example.org", "192.0.2.1", "2001:db8::1")
        self.client = self.internet.host("client.example.net", "192.0.2.9", "2001:db8::9")

    async def dial(self) -> Stream:
        return await self.client.dial(self.endpoint, timeout_s=10)

    async def dial_tls(self) -> Stream:
        return await start_client(await self.dial(), ClientTls(verify=False), server_name=None, timeout_s=10)

    async def play(
        self, text: str, *, cut: Cut | None = None, stream: Stream | None = None
    ) -> dict[str, str]:
        """Act a transcript out; what it bound."""
        lines = [line.strip() for line in text.strip().splitlines()]
        transcript = parse_transcript("here", "title: here\n\n" + "\n".join(lines))
        return await play_service(
            transcript, stream or await self.dial(), tls=ClientTls(verify=False), cut=cut
        )

    async def queued(self) -> list[QueueEntry]:
        return list(await self.parts.queue.list())

    async def content(self, number: int = 0) -> bytes:
        async def work(tx: Transaction) -> list[int]:
            return [row[0] for row in await tx.fetch_all(f"SELECT id FROM {CONTENTS} ORDER BY id")]

        ids = await self.database.read(work)
        reader = await self.parts.contents.reader(ids[number])
        return b"".join([chunk async for chunk in reader.chunks()])

    async def count(self, table: str) -> int:
        async def work(tx: Transaction) -> int:
            where = CONTENTS if table == "content" else table
            row = await tx.fetch_one(f"SELECT count(*) FROM {where}")
            return row[0] if row else 0

        return await self.database.read(work)


@asynccontextmanager
async def world(
    options: ServiceOptions = SMTP,
    *,
    hooks: str | None = None,
    folder: Path | None = None,
    tls: bool | ServerTls = False,
    admission: AdmissionOptions | None = None,
    relay_networks: tuple[Any, ...] = (),
    listening: bool = True,
    room: Room | None = None,
    **table: Any,
) -> AsyncIterator[World]:
    """A service listening at 192.0.2.1:25 (whichever it is); `folder` for large content and hooks."""
    database = await SqliteDatabase.open(None, threaded=False)
    for tables in (contents, queue, directory):
        await database.migrate(tables.MIGRATIONS)
    clock = FakeClock()
    inline_limit = 1000 if folder else 1 << 20
    stored = Contents(folder, database, InlineWorkers(), inline_limit)
    accounts = Directory(database, InlineWorkers(), clock, CHEAP)
    for name in ("ann", "bob"):
        await accounts.add(parse_mailbox(f"{name}@example.org"), PASSWORD)
    if relay_networks:
        table["relay_networks"] = tuple(RelayNetwork(network) for network in relay_networks)

    async def answer(question: AccountQuestion | FirstAccountQuestion) -> Any:
        if isinstance(question, AccountQuestion):
            return await accounts.find(question.address) is not None
        return None

    parts = SmtpParts(
        clock=clock,
        queue=Queue(
            database,
            stored,
            clock,
            QueueOptions(hostname=HOSTNAME.ascii),
            lane_of,
            no_agents,
            rng=random.Random(1),
        ),
        contents=stored,
        directory=accounts,
        admission=Admission(admission or AdmissionOptions()),
        table=routing_table(**table),
        answer=answer,
        hooks=HookFiles([hook_file(folder, hooks)] if hooks and folder else ()),
        room=room or Room(),
    )
    shown = certificate() if tls is True else tls or None
    service = SmtpService(options, parts, shown)
    made = World(database, parts, service)
    if listening:
        for host in ("192.0.2.1", "2001:db8::1"):
            await made.mx.listen(Endpoint(host, 25), service.handle)
    voice = logging.getLogger("postel.smtpd")
    voice.addHandler(made.log)
    level = voice.level
    voice.setLevel(logging.DEBUG)
    try:
        yield made
        await service.stop(1.0)
        assert parts.admission.total == 0
        assert made.log["session_failed"] == made.expected_faults
    finally:
        voice.removeHandler(made.log)
        voice.setLevel(level)
        accounts.close()
        await stored.close()
        await database.close()


def lane_of(mailbox: Mailbox) -> str:
    return "local"


def hook_file(folder: Path, text: str) -> HookFile:
    path = folder / "policy.py"
    path.write_text("import asyncio\nfrom postel.hooks import *\n" + text)
    return HookFile.load(path)
