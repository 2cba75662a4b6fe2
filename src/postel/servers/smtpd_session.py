"""One SMTP session: what it knows, and what all who act in it share.

Implements  RFC 5321 3.8 (a session that ends early says so), RFC 6409 4 and 6 (submission).
Gives       SmtpSession.
Not here    Acting on what the machine sees: smtpd_arriving, smtpd_logging_in, smtpd_mail, smtpd_asking, by the table in
            smtpd_handlers. The order and syntax of commands, limits of the protocol: proto.smtp. Accepting
            connections: smtpd.

What the peer reads is a Reply; what the log reads beside it is `because`. No path leads out of a session on
which a draft stays behind: `run` drops it, however it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias

from postel.database import DatabaseTrouble
from postel.hooks import AddHeader, Client, Decision, Defer, Facts, Hooks, Phase
from postel.mail import Mailbox, Reply, Status
from postel.net import ConnectionLost, Stream, TimedOut
from postel.proto import smtp
from postel.servers.drive import Drive, Ended
from postel.servers.login import LoginExchange, verified_certificate
from postel.servers.smtpd_checkpoint import Checkpointing
from postel.servers.smtpd_content import Intake, trouble_reply
from postel.servers.smtpd_log import SessionLog
from postel.servers.smtpd_options import ServiceOptions, SmtpParts
from postel.servers.smtpd_standing import Counter
from postel.servers.smtpd_transaction import MailTransaction
from postel.servers.smtpd_waiting import WaitingMail

LASTED_TOO_LONG: Final = Reply(421, Status(4, 4, 2), "This session has lasted long enough; closing")
OWN_FAULT: Final = Reply(421, Status(4, 3, 0), "Local trouble; try again later")


class SmtpSession:
    """Runs one session on one stream, TLS already on it where that comes first.

    What has no handler (HELP, NOOP...) gets the machine's own answer.

    id          names the session in the log.
    accepted    how many messages got their 250.
    client      the peer, as far as it is known by now.
    is_itself   the peer is the client, and not a host that speaks for another.
    added       header fields that hooks want on top of all its messages.
    unknown     recipients that nobody here has.
    waiting     mail that it is to be given, once the roles are reversed.
    data_ends_s when the content that is coming has to be here.
    """

    __slots__ = (
        "accepted",
        "added",
        "checkpointing",
        "client",
        "counter",
        "data_ends_s",
        "drive",
        "handlers",
        "hooks",
        "id",
        "intake",
        "is_itself",
        "log",
        "login",
        "loop",
        "options",
        "parts",
        "peer_commands",
        "talk",
        "transaction",
        "unknown",
        "waiting",
    )

    def __init__(self, stream: Stream, counter: Counter, hooks: Hooks, handlers: Handlers) -> None:
        parts, options = counter.parts, counter.options
        self.id = str(parts.queue.next_id())
        self.accepted = 0
        self.counter = counter
        self.options: ServiceOptions = options
        self.parts: SmtpParts = parts
        self.hooks = hooks
        self.handlers = handlers
        peer, tls = stream.peer, stream.tls
        self.client = Client(peer.ip, peer.port, options.service.value, tls=tls.version if tls else None)
        self.peer_commands = counter.peer_commands(peer)
        self.is_itself = True
        self.talk = smtp.SmtpServer(self.machine_options(stream), is_tls=tls is not None)
        self.drive = Drive(self.talk, stream, options.session_s)
        self.loop = asyncio.get_running_loop()
        self.log = SessionLog(self.id)
        self.intake = Intake(options, parts, hooks, self.log)
        self.transaction: MailTransaction | None = None
        self.checkpointing: Checkpointing | None = None
        self.login: LoginExchange | None = None
        self.added: list[AddHeader] = []
        self.unknown = 0
        self.waiting: WaitingMail | None = None
        self.data_ends_s: float | None = None

    @property
    def stream(self) -> Stream:
        """The stream as it is now: under TLS, once that has started."""
        return self.drive.stream

    def counts(self) -> dict[str, object]:
        """What the session came to, for the log; among it, how many refusals that was spared."""
        return {"accepted": self.accepted, "unlogged": self.log.unlogged or None}

    async def run(self) -> Ended:
        """The session, to its end. Raises CancelledError; faults of our own are logged, and end in 421."""
        try:
            ended = await self.drive.run(self)
            if self.waiting is not None and ended is Ended.OVER:
                await self._turn(self.waiting)
            return ended
        except Exception as fault:
            self.log.failed(self.client, fault)
            await self._apologize()
            return Ended.OVER
        finally:
            await self.drop(is_interrupted=True)
            if self.checkpointing is not None:
                self.checkpointing.close()

    def stop(self) -> None:
        """End at the next place between two commands."""
        self.drive.stop(self)

    # What the loop asks

    def handle(self, event: Any) -> Awaitable[None] | None:
        """Act on one event."""
        handler = self.handlers.get(type(event))
        if handler is not None:
            return handler(self, event)
        self.talk.answer()
        return None

    @property
    def is_between_commands(self) -> bool:
        """Not within content or a login."""
        return self.data_ends_s is None and self.login is None

    @property
    def patience_s(self) -> float:
        """What is left of the time for the content."""
        return self.options.data_s if self.data_ends_s is None else self.data_ends_s - self.loop.time()

    def part(self, why: Ended) -> None:
        """Say 421."""
        if why is Ended.TIMED_OUT:
            self.talk.timed_out()
        elif why is Ended.TOO_LONG:
            self.talk.shut_down(LASTED_TOO_LONG)
        else:
            self.talk.shut_down()

    # What those who act ask

    async def ask(self, phase: Phase, facts: Facts) -> Decision:
        """What policy decides; when the database is in trouble, a deferral."""
        try:
            return await self.hooks.ask(phase, facts)
        except DatabaseTrouble as trouble:
            return Decision(Defer(trouble_reply(trouble), str(trouble)), source="postel:database")

    def refused(
        self,
        phase: Phase,
        decision: Decision,
        transaction: MailTransaction | None = None,
        recipient: Mailbox | None = None,
    ) -> Reply | None:
        """The reply to turn the peer away with, if it is to be; then it is logged, with the reason."""
        verdict = decision.refusal
        if verdict is None:
            return None
        self.log.refused(phase, self.client, decision, transaction, recipient)
        return verdict.reply

    def machine_options(self, stream: Stream | None = None) -> smtp.ServerOptions:
        """What the machine may offer to this client as it stands now."""
        has_certificate = self.is_itself and verified_certificate(stream or self.stream) is not None
        return self.counter.machine_options(self.client, self.peer_commands, has_certificate=has_certificate)

    async def drop(self, *, is_interrupted: bool = False) -> None:
        """Nothing of the transaction stays behind, unless it may go on some day."""
        transaction, self.transaction = self.transaction, None
        self.data_ends_s = None
        if transaction is None:
            return
        if self.checkpointing is not None and transaction.claim is not None:
            if is_interrupted:
                await self.checkpointing.interrupted(transaction)
            else:
                await self.checkpointing.given_up(transaction)
        await transaction.drop()

    async def _turn(self, waiting: WaitingMail) -> None:
        """The roles are reversed: we give the peer its mail, as the client that we are now (RFC 2645 5.3)."""
        self.log.turned(self.client, len(waiting.lanes))
        self.log.handed_over(self.client, await waiting.hand_over(self.drive.stream))

    async def _apologize(self) -> None:
        """Our own fault ends the session: the peer is told to come again."""
        if not self.talk.over:
            self.talk.shut_down(OWN_FAULT)
        with suppress(TimedOut, ConnectionLost):
            await self.drive.flush()


Handlers: TypeAlias = Mapping[type[Any], Callable[[SmtpSession, Any], Awaitable[None]]]
"""Who acts on which event."""
