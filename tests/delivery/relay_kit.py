"""A small internet for the relay agent: us, hosts that take mail or play a script, a zone, and letters."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from typing import Any

from postel.delivery import RelayAgent, RelayOptions
from postel.mail import Reply, parse_domain, parse_mailbox, parse_reverse_path
from postel.net import ConnectionLost, Endpoint, Stream
from postel.proto import NEED_DATA, PAUSED, sasl
from postel.proto.smtp import (
    Auth,
    AuthResponse,
    Chunk,
    DataEnd,
    Mail,
    Rcpt,
    ServerOptions,
    SmtpServer,
    StartTls,
)
from postel.queue import Failed, Job, Origin, Outcome, QueuedRecipient, QueueId, Relayed
from postel.routing import (
    DestinationTls,
    HopFacts,
    RoutingTable,
    TlsDemand,
    TlsPolicy,
    ToHop,
    ToMx,
    target_of_lane,
)
from postel.testing import FakeClock, MemoryNetwork, Zone
from postel.tls import ClientTls, HandshakeFailed, ServerTls, start_server

ZONE = """
    free.org.           MX 10 pluto.free.org.
    free.org.           MX 20 relay.reliable.com.
    pluto.free.org.     A 192.0.2.7
    relay.reliable.com. A 192.0.2.9
    relay.reliable.com. AAAA 2001:db8::9
"""
LETTER = b"Subject: hello\r\n\r\n.dots\r\nand lines\r\n"
HELLO = ("S 220 pluto.free.org ESMTP", "C EHLO mail.drag.net", "S 250 pluto.free.org")


@dataclass
class Taken:
    """One message that a sink took."""

    reverse_path: str
    parameters: Mapping[str, str | None]
    recipients: list[str] = field(default_factory=list)
    content: bytes = b""


class Sink:
    """A server that takes mail, but for the recipients in `refusals`."""

    def __init__(
        self, options: ServerOptions, tls: ServerTls | None = None, password: str | None = None
    ) -> None:
        self.options = options
        self.tls = tls
        self.password = password
        self.refusals: dict[str, str] = {}
        self.most = 1000
        self.taken: list[Taken] = []
        self.sessions = 0
        self.was_tls = False
        self.shown: bytes | None = None  # the client's certificate
        self.resumed = 0
        self.names: list[str | None] = []
        self.logins = 0

    async def serve(self, stream: Stream) -> None:
        self.sessions += 1
        with contextlib.suppress(ConnectionLost):
            await self._serve(stream)

    async def _serve(self, stream: Stream) -> None:
        talk, now = SmtpServer(self.options), Taken("", {})
        while not talk.over:
            event: Any = talk.next_event()
            if event is NEED_DATA or event is PAUSED:
                await stream.write(talk.data_to_send())
                talk.receive(await stream.read())
                continue
            answer: Any = None
            match event:
                case Mail(reverse_path, parameters):
                    now = Taken(str(reverse_path), parameters)
                    self.was_tls = stream.tls is not None
                    self.resumed += bool(getattr(stream, "is_resumed", False))
                case Rcpt(forward_path):
                    answer = self._rcpt(now, str(forward_path))
                case Chunk(data):
                    now.content += data
                case DataEnd():
                    self.taken.append(now)
                case StartTls():
                    talk.answer(None)
                    await stream.write(talk.data_to_send())
                    assert self.tls is not None
                    try:
                        stream = await start_server(stream, self.tls, timeout_s=30)
                    except HandshakeFailed:
                        return
                    self.names.append(stream.tls.server_name if stream.tls else None)
                    self.shown = stream.tls.peer_certificate if stream.tls else None
                    talk.tls_started()
                    continue
                case Auth(initial=response) | AuthResponse(response):
                    answer = self._auth(response)
            if event.wants_answer:
                talk.answer(answer)
        await stream.write(talk.data_to_send())

    def _rcpt(self, now: Taken, path: str) -> Reply | None:
        if path in self.refusals:
            return Reply.parse(self.refusals[path])
        if len(now.recipients) >= self.most:
            return Reply.parse("452 4.5.3 too many recipients")
        now.recipients.append(path)
        return None

    def _auth(self, response: bytes | None) -> Reply:
        self.logins += 1
        fine = response == b"\0frito\0" + (self.password or "").encode()
        return Reply.parse("235 2.7.0 welcome" if fine else "535 5.7.8 who are you?")


class Letters:
    """Contents in memory: number n of the letters handed in."""

    def __init__(self) -> None:
        self._letters: list[list[bytes]] = []

    def add(self, *chunks: bytes) -> tuple[int, int]:
        self._letters.append(list(chunks))
        return len(self._letters) - 1, sum(map(len, chunks))

    def forget(self) -> None:
        """Lose everything, as a broken disk does."""
        self._letters.clear()

    async def reader(self, content_id: int) -> Letters._Reader:
        return self._Reader(self._letters[content_id])

    @dataclass
    class _Reader:
        letter: list[bytes]

        async def chunks(self) -> AsyncIterator[bytes]:
            for chunk in self.letter:
                yield chunk

        async def head_of(self, limit: int) -> bytes:
            return b"".join(self.letter).partition(b"\r\n\r\n")[0][:limit]


class Work:
    """queue.Jobs for a list of jobs. Keeps the outcomes by the text of the recipient."""

    def __init__(self, lane: str, jobs: list[Job]) -> None:
        self.lane = lane
        self.outcomes: dict[str, Outcome] = {}
        self.down: tuple[Reply, str] | None = None
        self._jobs = jobs

    async def next(self) -> Job | None:
        return self._jobs.pop(0) if self._jobs else None

    async def done(self, job: Job, outcomes: Mapping[int, Outcome]) -> None:
        assert self.down is None
        for recipient in job.recipients:
            assert str(recipient.mailbox) not in self.outcomes
            self.outcomes[str(recipient.mailbox)] = outcomes[recipient.id]

    async def lane_down(self, reply: Reply, because: str, remote: str | None = None) -> None:
        assert reply.is_transient
        self.down = (reply, because)

    def relayed_to(self) -> dict[str, str]:
        return {name: one.remote for name, one in self.outcomes.items() if isinstance(one, Relayed)}

    def failed(self) -> dict[str, str]:
        return {name: str(one.reply) for name, one in self.outcomes.items() if isinstance(one, Failed)}

    @property
    def is_left(self) -> bool:
        return bool(self._jobs)


class World:
    """mail.drag.net, which relays, and the rest."""

    def __init__(self, zone: str = ZONE, **options: Any) -> None:
        self.net = MemoryNetwork()
        self.us = self.net.host("mail.drag.net", "192.0.2.1", "2001:db8::1")
        self.zone = Zone.parse(zone)
        self.letters = Letters()
        self.tls = ClientTls(verify=False)
        self.verified = ClientTls(verify=True)
        self.hops: dict[str, ToHop] = {}
        self.policies: tuple[DestinationTls, ...] = ()
        demand = TlsDemand(options.pop("tls", TlsPolicy.WHEN_OFFERED))
        self.options = RelayOptions(hostname="mail.drag.net", tls=demand, **options)
        self._ids = 0

    def host(self, name: str) -> Any:
        """A host with the addresses that the zone gives it."""
        rdatas = [*self.zone.rdatas(name, "A"), *self.zone.rdatas(name, "AAAA")]
        return self.net.host(name, *(rdata.to_text() for rdata in rdatas))

    async def sink(self, name: str, *, port: int = 25, tls: ServerTls | None = None, **options: Any) -> Sink:
        """A host that takes mail."""
        password = options.pop("password", None)
        sink = Sink(ServerOptions(hostname=name, has_tls=tls is not None, **options), tls, password)
        for host in ("0.0.0.0", "::"):
            await self.host(name).listen(Endpoint(host, port), sink.serve)
        return sink

    def script(self, name: str, *parts: tuple[str, ...], port: int = 25) -> Any:
        """A host that plays a script."""
        return self.host(name).script(port, *parts)

    def job(
        self,
        *to: str,
        of: str = "frito@drag.net",
        content: tuple[bytes, ...] = (LETTER,),
        origin: Origin | None = None,
        **parameters: str | None,
    ) -> Job:
        """A queued message."""
        content_id, size_bytes = self.letters.add(*content)
        self._ids += 1
        mailboxes = [parse_mailbox(text) for text in to]
        return Job(
            queue_id=QueueId(self._ids),
            lane="",
            reverse_path=parse_reverse_path(f"<{of}>"),
            parameters=parameters,
            recipients=tuple(
                QueuedRecipient(id=10 + n, mailbox=mailbox, original=mailbox, parameters={})
                for n, mailbox in enumerate(mailboxes)
            ),
            content_id=content_id,
            size_bytes=size_bytes,
            received_at=0.0,
            origin=origin or Origin(protocol="ESMTP"),
        )

    async def relay(self, *jobs: Job, lane: str = "mx:free.org") -> Work:
        """Let the agent work, and see what came of it."""
        work = Work(lane, list(jobs))
        table = RoutingTable(hostname=parse_domain("mail.drag.net"), tls=self.policies)
        agent = RelayAgent(
            self.us,
            self.zone,
            self.letters,  # type: ignore[arg-type]
            self.options,
            facts=HopFacts(
                own_names=frozenset({"mail.drag.net"}),
                own_addresses=frozenset({ip_address("192.0.2.1")}),
                random=random.Random(1),
            ),
            target_of=partial(self._target_of, table),
            tls_any=self.tls,
            tls_verified=self.verified,
            tls_of=table.tls_of,
            clock=FakeClock(),
        )
        await agent.deliver(work)
        return work

    def _target_of(self, table: RoutingTable, lane: str) -> ToMx | ToHop | None:
        return self.hops.get(lane) or target_of_lane(table, lane)


FRITO = sasl.Credentials("frito", "sauron")
