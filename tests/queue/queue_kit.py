"""A queue on an in-memory database, with agents that do as they are told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeAlias

from postel import contents as contents_room
from postel.contents import Contents
from postel.database import SqliteDatabase
from postel.mail import (
    NO_PARAMETERS,
    Envelope,
    ForwardPath,
    Mailbox,
    Parameters,
    Recipient,
    Reply,
    ReversePath,
    Status,
    parse_mailbox,
)
from postel.queue import (
    MIGRATIONS,
    AtOnce,
    Delivered,
    Job,
    Jobs,
    Listener,
    NewMessage,
    Origin,
    Outcome,
    Queue,
    QueueId,
    QueueOptions,
    Relayed,
)
from postel.testing import FakeClock, InlineWorkers

OK = Reply(250, Status(2, 0, 0), "taken")
NOT_NOW = Reply(451, Status(4, 7, 1), "greylisted, try again")
NEVER = Reply(550, Status(5, 1, 1), "no such mailbox")
UNREACHABLE = Reply(451, Status(4, 4, 1), "connection refused")

_SEEDS = count(1)

CONTENT = b"From: ann@example.net\r\nSubject: hello\r\nMessage-ID: <1@example.net>\r\n\r\nhello\r\n"


def lane_of(mailbox: Mailbox) -> str:
    return "local" if mailbox.domain.ascii == "here.example" else f"mx:{mailbox.domain.ascii}"


@dataclass(frozen=True)
class Down:
    """The host cannot be reached; it takes `after_s` to find out."""

    after_s: float = 0.0


# What a host does with a job: one outcome for all, or one for each mailbox.
Answer: TypeAlias = Down | Outcome | Callable[[Job], "Mapping[str, Outcome] | Outcome | Down"]


@dataclass
class Attempt:
    at_s: float
    lane: str
    queue_id: QueueId
    mailboxes: list[str]


@dataclass
class World:
    """Everything that survives the queue's process: the database, the hosts, and what they were given."""

    database: SqliteDatabase
    contents: Contents
    options: QueueOptions
    clock: FakeClock = field(default_factory=FakeClock)
    hosts: dict[str, Answer] = field(default_factory=dict)
    latency_s: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    inbox: list[tuple[str, bytes]] = field(default_factory=list)
    running: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    agents: Callable[[str], Any] | None = None
    at_once: Callable[[str], AtOnce | None] = lambda lane: None
    listener: Listener | None = None

    @classmethod
    async def open(cls, **options: Any) -> World:
        database = await SqliteDatabase.open(None)
        await database.migrate((*contents_room.MIGRATIONS, *MIGRATIONS))
        return cls(database, Contents(None, database, InlineWorkers()), QueueOptions(**options))

    def queue(self, lanes: Callable[[Mailbox], str] = lane_of) -> Queue:
        agents = self.agents or (lambda lane: ScriptedAgent(self, lane))
        return Queue(
            self.database,
            self.contents,
            self.clock,
            self.options,
            lanes,
            agents,
            rng=random.Random(next(_SEEDS)),
            listener=self.listener,
            at_once=self.at_once,
        )

    async def started(self) -> Queue:
        queue = self.queue()
        await queue.start()
        return queue

    @property
    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def delivered_to(self, mailbox: str) -> list[bytes]:
        return [content for whom, content in self.inbox if whom == mailbox]

    def tried(self, lane: str | None = None) -> list[str]:
        return [short(a.at_s) for a in self.attempts if lane in (None, a.lane)]

    async def message(
        self,
        queue: Queue,
        *to: str,
        reverse_path: str = "ann@example.net",
        parameters: Parameters = NO_PARAMETERS,
        rcpt: Parameters = NO_PARAMETERS,
        content: bytes = CONTENT,
        account: str | None = None,
    ) -> NewMessage:
        draft = self.contents.draft()
        await draft.write(content)
        path = ReversePath(parse_mailbox(reverse_path)) if reverse_path else ReversePath.NULL
        recipients = tuple(Recipient(ForwardPath.of(parse_mailbox(one)), rcpt) for one in to)
        return NewMessage(
            queue_id=queue.next_id(),
            envelope=Envelope(path, recipients, parameters),
            content=await draft.seal(),
            received_at=self.clock.now(),
            origin=Origin(protocol="ESMTP", client_ip="192.0.2.1", account=account),
        )

    async def submit(self, queue: Queue, *to: str, **facts: Any) -> QueueId:
        message = await self.message(queue, *to, **facts)
        await queue.accept(message)
        return message.queue_id

    async def is_empty(self) -> bool:
        """Whether nothing at all is left behind."""
        tables = (
            "queue_arrival",
            "queue_message",
            "queue_recipient",
            "queue_errand",
            "content",
            "content_alone",
            "content_data",
        )
        for table in tables:
            if await self.database.read(lambda tx, t=table: tx.fetch_one(f"SELECT 1 FROM {t}")):
                return False
        return True


class ScriptedAgent:
    def __init__(self, world: World, lane: str) -> None:
        self.world = world
        self.lane = lane

    async def deliver(self, jobs: Jobs) -> None:
        world, lane = self.world, self.lane
        assert jobs.lane == lane
        world.runs.append(lane)
        world.running[lane] = world.running.get(lane, 0) + 1
        world.most[lane] = max(world.most.get(lane, 0), world.running[lane])
        try:
            while (job := await jobs.next()) is not None:
                if not await self._one(jobs, job):
                    return
        finally:
            world.running[lane] -= 1

    async def _one(self, jobs: Jobs, job: Job) -> bool:
        world = self.world
        addresses = [str(r.mailbox) for r in job.recipients]
        world.attempts.append(Attempt(world.now_s, self.lane, job.queue_id, addresses))
        answer = world.hosts.get(self.lane, Relayed("mx.example", OK))
        said = answer(job) if callable(answer) else answer
        if isinstance(said, Down):
            await asyncio.sleep(said.after_s)
            await jobs.lane_down(UNREACHABLE, "connection refused")
            return False
        content = await self._content(job)
        if world.latency_s:
            await asyncio.sleep(world.latency_s)
        by_address = said if isinstance(said, Mapping) else dict.fromkeys(addresses, said)
        outcomes = {r.id: by_address[str(r.mailbox)] for r in job.recipients if str(r.mailbox) in by_address}
        # What the remote host has, it has, whether or not we come to record it.
        for r in job.recipients:
            if isinstance(outcomes.get(r.id), Relayed | Delivered):
                world.inbox.append((str(r.mailbox), content))
        await jobs.done(job, outcomes)
        return True

    async def _content(self, job: Job) -> bytes:
        reader = await self.world.contents.reader(job.content_id)
        return b"".join([chunk async for chunk in reader.chunks()])


def short(seconds: float) -> str:
    """`0m`, `1m`, `1h51m`."""
    minutes = round(seconds / 60)
    return f"{minutes // 60}h{minutes % 60}m" if minutes >= 60 else f"{minutes}m"


async def hours(count: float) -> None:
    await asyncio.sleep(count * 3600)


async def settle() -> None:
    """Let everything that can happen at this instant happen."""
    await asyncio.sleep(0.01)
