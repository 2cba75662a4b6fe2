"""What a command works with beside the server: the same rooms and rules, and nothing that runs.

Gives       Bench, open_bench.
Not here    Listening and delivering (app.postel). What a bench changes is a transaction; the server notices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import ip_network
from typing import Final

from postel.app import options
from postel.app.accounts import AccountAnswers
from postel.app.edges import Edges
from postel.app.postel import data_directory
from postel.app.rooms import Rooms, open_rooms
from postel.app.rules import Rules, make_resolver, read_rules
from postel.config import Listen, Loaded
from postel.delivery import RelayAgent
from postel.dns import Resolver, answer
from postel.hooks import HookFiles
from postel.mail import LocalFault, Mailbox
from postel.queue import DeliveryAgent, Queue
from postel.routing import Decision, RelayNetwork, RoutingTable, decide, lane
from postel.servers import Admission, AdmissionOptions, SmtpParts, SmtpService
from postel.tls import ClientTls

# A program that may write to the data directory may send what it likes: it comes from this address.
LOCAL_ADDRESS: Final = "127.0.0.1"
_MAY_RELAY: Final = (RelayNetwork(ip_network(LOCAL_ADDRESS), "a program on this machine"),)
_ANY_NUMBER: Final = 1 << 30


@dataclass(frozen=True)
class Bench:
    """The rooms of a data directory, and the rules of a configuration."""

    edges: Edges
    rules: Rules
    rooms: Rooms

    @property
    def loaded(self) -> Loaded:
        """The configuration."""
        return self.rules.loaded

    @property
    def table(self) -> RoutingTable:
        """Its routing table."""
        return self.rules.table

    @cached_property
    def queue(self) -> Queue:
        """The queue, not scheduling: what is accepted is delivered by the server."""
        table = self.table
        return Queue(
            self.rooms.database,
            self.rooms.contents,
            self.edges.clock,
            options.queue_options(self.loaded),
            lambda mailbox: lane(table, mailbox),
            _nobody,
            rng=self.edges.random,
        )

    @cached_property
    def resolver(self) -> Resolver:
        """Who answers questions to DNS."""
        return make_resolver(self.loaded, self.edges)

    @cached_property
    def answers(self) -> AccountAnswers:
        """Who answers what routing asks of accounts."""
        return AccountAnswers(self.rooms.directory, self.rooms.store)

    async def decide(self, mailbox: Mailbox) -> Decision:
        """What becomes of a recipient."""
        return await answer(decide(self.table, mailbox), self.resolver, self.answers)

    def relay_agent(self) -> RelayAgent:
        """Who connects to other servers as the server of this configuration does."""
        return RelayAgent(
            self.edges.network,
            self.resolver,
            self.rooms.contents,
            options.relay_options(self.loaded),
            facts=self.rules.facts,
            target_of=lambda name: None,
            tls_any=ClientTls(verify=False),
            tls_verified=ClientTls(verify=True),
            clock=self.edges.clock,
        )

    def smtp_service(self, *, is_for_programs: bool = True) -> SmtpService:
        """SMTP within this process, with all policy and hooks. Raises HookFileFault.

        is_for_programs     the client is a program on this machine, which may relay; otherwise it is a stranger.
        """
        service = options.service_options(self.loaded, Listen(protocol="smtp"))
        table = self.table
        if is_for_programs:  # it guesses at nothing, so it need not wait for an answer
            service = replace(service, unknown_slow=_ANY_NUMBER, unknown_close=_ANY_NUMBER)
            table = replace(table, relay_networks=_MAY_RELAY)
        parts = SmtpParts(
            clock=self.edges.clock,
            queue=self.queue,
            contents=self.rooms.contents,
            directory=self.rooms.directory,
            admission=Admission(AdmissionOptions()),
            table=table,
            answer=self.answers,
            hooks=HookFiles.load([self.loaded.resolve(name) for name in self.loaded.config.hooks.files]),
            hook_options=options.hook_options(self.loaded),
            hook_runner=self.edges.hook_runner,
        )
        return SmtpService(service, parts)

    async def close(self) -> None:
        """Finish what is under way."""
        await self.edges.hook_runner.close()
        await self.rooms.close()


async def open_bench(loaded: Loaded, edges: Edges) -> Bench:
    """Open the data directory of a configuration without mistakes. Raises what `open_rooms` raises."""
    rooms = await open_rooms(
        data_directory(loaded), edges, options.directory_options(loaded), options.store_options(loaded)
    )
    return Bench(edges, read_rules(loaded, edges), rooms)


def _nobody(name: str) -> DeliveryAgent:
    raise LocalFault(f"a command has no agent for {name}")
