"""One Postel: every room joined as a configuration says.

Gives       Postel.
Not here    Rules of any kind; the process around it (app.serve).

This is the one place that knows all rooms. What crosses between them upwards is joined here: the queue is given
its agents, the servers what routing asks of the directory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from postel.app import options
from postel.app.accounts import AccountAnswers
from postel.app.certificate import own_certificate, read_certificate, read_certificate_again
from postel.app.edges import Edges
from postel.app.listeners import Listeners
from postel.app.null_mx import takes_no_mail
from postel.app.part import WHOLE, Part
from postel.app.ports import Sockets
from postel.app.rooms import Rooms, open_rooms
from postel.app.rules import make_resolver, read_rules
from postel.app.telling import Telling
from postel.checkpoints import Checkpoints
from postel.config import BadConfig, Loaded, Mistake
from postel.contents import FreeSpace
from postel.database import DatabaseTrouble
from postel.delivery import DiscardAgent, MailboxAgent, PullAgent, RelayAgent
from postel.dns import answer
from postel.fulltext import Filler, FullText
from postel.hooks import HookFile, HookFileFault, HookFiles
from postel.mail import Domain, Mailbox
from postel.observe import logger
from postel.queue import DeliveryAgent, Queue
from postel.routing import (
    DISCARD_LANE,
    LOCAL_LANE,
    PULL,
    Decision,
    RoutingTable,
    decide,
    lane,
    target_of_lane,
)
from postel.servers import Admission, ImapParts, KeptAnswers, Pop3Parts, Rates, Room, SmtpParts
from postel.store import MaildropLocks
from postel.terminals import Terminals
from postel.tls import ClientTls, ServerTls

log = logger("app")

DRAIN_S: Final = 20.0  # how long sessions and deliveries may take to end


class Postel:
    """A mail system: open it, start it, stop it. `rooms`, `queue` and `listeners` are there for looking."""

    def __init__(
        self, loaded: Loaded, edges: Edges, rooms: Rooms, tls: ServerTls | None = None, part: Part = WHOLE
    ) -> None:
        """Join the rooms. Raises BadConfig, BadCertificate, OSError.

        tls     the configured certificate, where it has been read already.
        part    which of several equal processes this is.
        """
        self._part = part
        self.edges = edges
        self.rooms = rooms
        self._rules = read_rules(loaded, edges)
        rooms.directory.believe_tokens(options.token_options(loaded))
        self._answers = AccountAnswers(rooms.directory, rooms.store)
        self.resolver = make_resolver(loaded, edges)
        self._hooks = _hook_files(loaded)
        self._telling = Telling(self._hooks, options.hook_options(loaded), edges.hook_runner)
        self._tls = tls or read_certificate(loaded) or self._own_certificate(loaded)
        self._relay = self._relay_agent()
        self._local = self._mailbox_agent()
        self._pull = PullAgent(lambda: self._relay, lambda lanes: self.queue.wake(lanes))
        self.terminals = Terminals(rooms.database, edges.clock)
        self.queue = Queue(
            rooms.database,
            rooms.contents,
            edges.clock,
            options.queue_options(loaded, part),
            self._lane_of(),
            self._agent,
            rng=edges.random,
            listener=self._telling.settled,
            at_once=lambda name: self._local.at_once if name == LOCAL_LANE else None,
        )
        self._free_bytes = FreeSpace(rooms.data, edges.clock, edges.workers) if edges.is_on_disk else None
        self._checkpoints = Checkpoints(
            rooms.database, rooms.contents, edges.clock, options.checkpoint_options(loaded), boot=edges.boot
        )
        self._admission = Admission(options.admission_options(loaded))
        self._rates = Rates(loaded.config.limits.messages_per_hour, edges.brakes.rates)
        self._kept_answers = KeptAnswers(options.kept_answers_bytes(loaded))
        self._locks = MaildropLocks(rooms.database, edges.clock)
        self._fulltext = FullText(rooms.data if edges.is_on_disk else None, edges.workers)
        self._filler = Filler(self._fulltext, rooms.store, rooms.contents, rooms.database, edges.workers)
        self.listeners = Listeners(
            edges.network,
            self._tls,
            self._smtp_parts,
            self._pop3_parts,
            self._imap_parts,
            part=part,
        )

    @classmethod
    async def open(
        cls, loaded: Loaded, edges: Edges, tls: ServerTls | None = None, part: Part = WHOLE
    ) -> Postel:
        """Open the data directory, and join. Raises what `__init__` and `open_rooms` raise."""
        rooms = await open_rooms(
            data_directory(loaded), edges, options.directory_options(loaded), options.store_options(loaded)
        )
        try:
            return cls(loaded, edges, rooms, tls, part)
        except BaseException:
            await rooms.close()
            raise

    # Life

    async def start(self, sockets: Sockets | None = None) -> None:
        """Listen, and deliver what waits. `sockets` are used where one is open already. Raises BadConfig.

        First the ports: where one cannot be had, nothing has been delivered yet. What comes in before the queue
        runs is found by its start.
        """
        loaded = self._rules.loaded
        if self._part.is_first:
            await self.rooms.contents.sweep()
            await self._checkpoints.start()
            await self._reload_queue(loaded)
        await self.listeners.open(loaded, sockets or Sockets())
        await self.queue.start(self._part.crew)
        if self._part.is_first:
            self.rooms.store.start()
            self._filler.start()

    async def stop(self, drain_s: float = DRAIN_S) -> None:
        """Accept nothing more, let sessions and deliveries end, close everything. The queue stays on disk."""
        async with AsyncExitStack() as last_to_first:  # each is done, whatever the others raise
            last_to_first.push_async_callback(self.rooms.close)
            last_to_first.push_async_callback(self.rooms.store.stop)
            last_to_first.push_async_callback(self._fulltext.close)
            last_to_first.push_async_callback(self._filler.close)
            last_to_first.push_async_callback(self._locks.close)
            last_to_first.push_async_callback(self._checkpoints.close)
            last_to_first.push_async_callback(self.edges.hook_runner.close)
            last_to_first.push_async_callback(self._telling.close)
            last_to_first.push_async_callback(self._drain, drain_s)
            last_to_first.push_async_callback(self.listeners.close)

    async def _drain(self, drain_s: float) -> None:
        """Sessions and deliveries end at the same time. Raises what either raised, when both are over."""
        ends = (self.listeners.stop_sessions(drain_s), self.queue.stop(drain_s))
        for fault in await asyncio.gather(*ends, return_exceptions=True):
            if fault is not None:
                raise fault

    async def reload(self, loaded: Loaded, sockets: Sockets | None = None) -> None:
        """Take a new configuration and new certificates; sessions go on. `sockets` are for new listeners.

        Raises what `__init__` raises, and then the old configuration stays in force. `data`, `user` and
        the name in a self-signed certificate are those of the start.
        """
        before = self._rules.loaded
        rules = read_rules(loaded, self.edges)
        hooks = await self.edges.workers.run(lambda: _hook_files(loaded))  # what they import may take long
        tls = read_certificate_again(loaded, before, self._tls) or self._own_certificate(loaded)
        self._rules, self._hooks, self._tls = rules, hooks, tls
        self._telling.reload(hooks, options.hook_options(loaded))
        self.resolver = make_resolver(loaded, self.edges)
        self._relay = self._relay_agent()
        self._local = self._mailbox_agent()
        self.rooms.directory.believe_tokens(options.token_options(loaded))
        self.rooms.directory.throttle_by(options.directory_options(loaded).throttle)
        self._admission.options = options.admission_options(loaded)
        self._checkpoints.reload(options.checkpoint_options(loaded))
        self.rooms.store.reload(options.store_options(loaded))
        self._rates.per_hour = loaded.config.limits.messages_per_hour
        self._kept_answers.limit(options.kept_answers_bytes(loaded))
        await self.listeners.reload(loaded, tls, sockets or Sockets())
        try:
            await self._reload_queue(loaded)
        except DatabaseTrouble as trouble:
            log.trouble("queue_not_sorted", because=trouble)

    async def _reload_queue(self, loaded: Loaded) -> None:
        settings = options.queue_options(loaded, self._part)
        await self.queue.reload(settings, self._lane_of(), self._rules.routes)

    # What others ask

    @property
    def loaded(self) -> Loaded:
        """The configuration in force."""
        return self._rules.loaded

    @property
    def table(self) -> RoutingTable:
        """The routing table in force."""
        return self._rules.table

    async def decide(self, mailbox: Mailbox) -> Decision:
        """What becomes of a recipient, by the table in force."""
        return await answer(decide(self._rules.table, mailbox), self.resolver, self._answers)

    # Joining

    def _lane_of(self) -> Callable[[Mailbox], str]:
        table = self._rules.table
        return lambda mailbox: lane(table, mailbox)

    def _own_certificate(self, loaded: Loaded) -> ServerTls | None:
        if not self.edges.is_on_disk:
            return None
        return own_certificate(loaded, self.rooms.data / "tls", self.edges.clock.now())

    def _mailbox_agent(self) -> MailboxAgent:
        return MailboxAgent(
            self.decide,
            self._answers.account_id,
            self.rooms.store,
            self.rooms.contents,
            self.edges.clock,
            options.mailbox_options(self._rules.loaded),
            self._answers.fill,
        )

    def _relay_agent(self) -> RelayAgent:
        table = self._rules.table
        return RelayAgent(
            self.edges.network,
            self.resolver,
            self.rooms.contents,
            options.relay_options(self._rules.loaded),
            facts=self._rules.facts,
            target_of=lambda name: target_of_lane(table, name),
            tls_of=table.tls_of,
            clock=self.edges.clock,
            workers=self.edges.workers,
            tls_any=ClientTls(verify=False),
            tls_verified=ClientTls(verify=True, ca_file=self._authorities()),
        )

    def _authorities(self) -> Path | None:
        loaded = self._rules.loaded
        file = loaded.config.delivery.authorities
        return None if file is None else loaded.resolve(file)

    def _agent(self, name: str) -> DeliveryAgent:
        if name == LOCAL_LANE:
            return self._local
        if name.startswith(PULL):
            return self._pull
        return DiscardAgent() if name == DISCARD_LANE else self._relay

    def _smtp_parts(self) -> SmtpParts:
        return SmtpParts(
            clock=self.edges.clock,
            queue=self.queue,
            contents=self.rooms.contents,
            directory=self.rooms.directory,
            admission=self._admission,
            checkpoints=self._checkpoints if self._checkpoints.is_usable else None,
            table=self._rules.table,
            answer=self._answers,
            hooks=self._hooks,
            hook_options=options.hook_options(self._rules.loaded),
            hook_runner=self.edges.hook_runner,
            resolver=self.resolver,
            rates=self._rates,
            terminals=self.terminals,
            hand_over=self._pull,
            takes_no_mail=self._takes_no_mail,
            room=self._room(),
            store=self.rooms.store,
        )

    def _room(self) -> Room:
        return Room(self._free_bytes, options.reserve_bytes(self._rules.loaded), self._answers.fill)

    async def _takes_no_mail(self, domain: Domain) -> bool:
        return await takes_no_mail(domain, self.resolver)

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

    def _imap_parts(self) -> ImapParts:
        return ImapParts(
            clock=self.edges.clock,
            workers=self.edges.workers,
            database=self.rooms.database,
            contents=self.rooms.contents,
            directory=self.rooms.directory,
            store=self.rooms.store,
            fulltext=self._fulltext,
            admission=self._admission,
            new_session_id=lambda: f"{self.edges.random.getrandbits(40):010x}",
            kept_answers=self._kept_answers,
        )


def data_directory(loaded: Loaded) -> Path:
    """Where queue, mailboxes and accounts are."""
    return loaded.resolve(loaded.config.data)


def _hook_files(loaded: Loaded) -> HookFiles:
    """The configured hook files, read. Raises BadConfig, with the line that names the file."""
    read = []
    for number, name in enumerate(loaded.config.hooks.files):
        try:
            read.append(HookFile.load(loaded.resolve(name)))
        except HookFileFault as fault:
            raise BadConfig(
                [Mistake(loaded.file, loaded.line("hooks", "files", number), str(fault))]
            ) from None
    return HookFiles(read)
