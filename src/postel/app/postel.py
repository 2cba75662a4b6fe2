"""One Postel: every room joined as a configuration says.

Gives       Postel.
Not here    Rules of any kind; the process around it (app.serve).

This is the one place that knows all rooms. What crosses between them upwards is joined here: the queue is given
its agents, the servers what routing asks of the directory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from postel.app import options
from postel.app.accounts import AccountAnswers
from postel.app.edges import Edges
from postel.app.listeners import Listeners, SocketsByEndpoint
from postel.app.rooms import Rooms, open_rooms
from postel.app.rules import make_resolver, read_rules
from postel.app.telling import Telling
from postel.config import Loaded
from postel.delivery import DiscardAgent, MailboxAgent, RelayAgent
from postel.dns import answer
from postel.hooks import HookFiles
from postel.mail import Mailbox
from postel.observe import logger
from postel.queue import DeliveryAgent, Queue
from postel.routing import (
    DISCARD_LANE,
    LOCAL_LANE,
    Decision,
    HopFacts,
    RoutingTable,
    decide,
    lane,
    target_of_lane,
)
from postel.servers import Admission, Pop3Parts, SmtpParts
from postel.store import MaildropLocks
from postel.tls import CertificateFiles, ClientTls, ServerTls, self_signed

log = logger("app")

DRAIN_S = 20.0  # how long sessions and deliveries may take to end


class Postel:
    """A mail system: open it, start it, stop it. `rooms`, `queue` and `listeners` are there for looking."""

    def __init__(self, loaded: Loaded, edges: Edges, rooms: Rooms) -> None:
        """Join the rooms. Raises HookFileFault, BadCertificate, OSError."""
        self.edges = edges
        self.rooms = rooms
        self._rules = read_rules(loaded, edges)
        self._answers = AccountAnswers(rooms.directory)
        self.resolver = make_resolver(loaded, edges)
        self._hooks = HookFiles.load(_hook_paths(loaded))
        self._telling = Telling(self._hooks, options.hook_options(loaded))
        self._tls = self._server_tls(loaded)
        self._relay = self._relay_agent()
        self._local = MailboxAgent(
            self.decide,
            self._answers.account_id,
            rooms.store,
            rooms.contents,
            edges.clock,
            options.mailbox_options(loaded),
        )
        self.queue = Queue(
            rooms.database,
            rooms.contents,
            edges.clock,
            options.queue_options(loaded),
            self._lane_of(),
            self._agent,
            rng=edges.random,
            listener=self._telling.settled,
        )
        self._admission = Admission(options.admission_options(loaded))
        self._locks = MaildropLocks(rooms.database, edges.clock)
        self.listeners = Listeners(edges.network, self._tls, self._smtp_parts, self._pop3_parts)

    @classmethod
    async def open(cls, loaded: Loaded, edges: Edges) -> Postel:
        """Open the data directory, and join. Raises what `__init__` and `open_rooms` raise."""
        rooms = await open_rooms(data_directory(loaded), edges, options.directory_options(loaded))
        try:
            return cls(loaded, edges, rooms)
        except BaseException:
            await rooms.close()
            raise

    # Life

    async def start(self, sockets: SocketsByEndpoint | None = None) -> None:
        """Listen, and deliver what waits. `sockets` are used where one is open already. Raises OSError."""
        await self.rooms.contents.sweep()
        await self.queue.reload(options.queue_options(self._rules.loaded), self._lane_of())
        await self.queue.start()
        await self.listeners.open(self._rules.loaded, sockets or {})

    async def stop(self, drain_s: float = DRAIN_S) -> None:
        """Accept nothing more, let sessions and deliveries end, close everything. The queue stays on disk."""
        await self.listeners.close()
        await asyncio.gather(self.listeners.stop_sessions(drain_s), self.queue.stop(drain_s))
        await self._telling.close()
        await self._locks.close()
        await self.rooms.close()

    async def reload(self, loaded: Loaded) -> None:
        """Take a new configuration and new certificates; sessions go on.

        Raises what `__init__` raises, and then the old configuration stays in force. `data`, `hostname` of
        the self-signed certificate and `user` are those of the start.
        """
        rules = read_rules(loaded, self.edges)
        hooks = HookFiles.load(_hook_paths(loaded))
        tls = self._server_tls(loaded)
        self._rules = rules
        self._hooks, self._tls = hooks, tls
        self._telling.reload(hooks, options.hook_options(loaded))
        self.resolver = make_resolver(loaded, self.edges)
        self._relay = self._relay_agent()
        self._admission.options = options.admission_options(loaded)
        await self.queue.reload(options.queue_options(loaded), self._lane_of())
        await self.listeners.reload(loaded, tls)

    # What others ask

    @property
    def loaded(self) -> Loaded:
        """The configuration in force."""
        return self._rules.loaded

    @property
    def table(self) -> RoutingTable:
        """The routing table in force."""
        return self._rules.table

    @property
    def hop_facts(self) -> HopFacts:
        """What the search for next hops knows of this server."""
        return self._rules.facts

    async def decide(self, mailbox: Mailbox) -> Decision:
        """What becomes of a recipient, by the table in force."""
        return await answer(decide(self._rules.table, mailbox), self.resolver, self._answers)

    async def answer_accounts(self, question: Any) -> Any:
        """The directory's answer to what routing asks."""
        return await self._answers(question)

    # Joining

    def _lane_of(self) -> Callable[[Mailbox], str]:
        table = self._rules.table
        return lambda mailbox: lane(table, mailbox)

    def _server_tls(self, loaded: Loaded) -> ServerTls | None:
        tls = loaded.config.tls
        if tls.certificate is not None and tls.key is not None:
            return ServerTls(CertificateFiles(loaded.resolve(tls.certificate), loaded.resolve(tls.key)))
        if not self.edges.is_on_disk:
            return None
        name = options.hostname(loaded).ascii
        certificate, key = self_signed(name, self.rooms.data / "tls", self.edges.clock.now())
        log.event("certificate_self_signed", certificate=certificate, hostname=name)
        return ServerTls(CertificateFiles(certificate, key))

    def _relay_agent(self) -> RelayAgent:
        table = self._rules.table
        return RelayAgent(
            self.edges.network,
            self.resolver,
            self.rooms.contents,
            options.relay_options(self._rules.loaded),
            facts=self._rules.facts,
            target_of=lambda name: target_of_lane(table, name),
            tls_any=ClientTls(verify=False),
            tls_verified=ClientTls(verify=True),
        )

    def _agent(self, name: str) -> DeliveryAgent:
        if name == LOCAL_LANE:
            return self._local
        return DiscardAgent() if name == DISCARD_LANE else self._relay

    def _smtp_parts(self) -> SmtpParts:
        return SmtpParts(
            clock=self.edges.clock,
            queue=self.queue,
            contents=self.rooms.contents,
            directory=self.rooms.directory,
            admission=self._admission,
            table=self._rules.table,
            answer=self._answers,
            hooks=self._hooks,
            hook_options=options.hook_options(self._rules.loaded),
        )

    def _pop3_parts(self) -> Pop3Parts:
        return Pop3Parts(
            clock=self.edges.clock,
            database=self.rooms.database,
            directory=self.rooms.directory,
            store=self.rooms.store,
            locks=self._locks,
            admission=self._admission,
            new_session_id=lambda: f"{self.edges.random.getrandbits(40):010x}",
        )


def data_directory(loaded: Loaded) -> Path:
    """Where queue, mailboxes and accounts are."""
    return loaded.resolve(loaded.config.data)


def _hook_paths(loaded: Loaded) -> list[Path]:
    return [loaded.resolve(name) for name in loaded.config.hooks.files]
