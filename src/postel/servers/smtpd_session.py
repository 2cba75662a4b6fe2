"""One SMTP session: act on what the machine sees, and answer it.

Implements  RFC 5321 3.1 to 3.3 (a session), 4.2.5 (250 after the content: we are responsible), 4.5.1 (postmaster),
            7.3 (VRFY tells nothing),
            RFC 6409 4 and 6 (submission), RFC 3207 4 (STARTTLS), RFC 4954 4 (AUTH).
Asks        Hooks, Postel's own policy among them, at connect, hello, auth, mail, rcpt and content.
Gives       SmtpSession.
Not here    The order and syntax of commands, limits of the protocol: proto.smtp. Accepting connections: smtpd.

What the peer reads is a Reply; what the log reads beside it is `because`. No path leads out of a session on
which a draft stays behind: `run` drops it, however it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeAlias

from postel.database import DatabaseTrouble
from postel.dns import answer
from postel.hooks import (
    AddHeader,
    Auth,
    Client,
    Connect,
    Decision,
    Defer,
    Facts,
    Hello,
    Hooks,
    Mail,
    Phase,
    Rcpt,
)
from postel.mail import BadSyntax, Domain, LocalFault, Mailbox, Recipient, Reply, Status
from postel.mail.replies import MAILBOX_UNKNOWN
from postel.net import ConnectionLost, Stream, TimedOut
from postel.proto import smtp
from postel.proto.sasl import Denial, Denied, find_mechanism
from postel.proto.smtp import replies
from postel.queue import QueueId
from postel.routing import AccountQuestion, client_name
from postel.servers.admission import is_within
from postel.servers.drive import Drive, Ended
from postel.servers.login import LoginExchange, LoginFacts, LoginStep, verified_certificate
from postel.servers.smtpd_checkpoint import COMPLETE_ALREADY, Checkpointing, check_resumed, without_transid
from postel.servers.smtpd_content import Intake, trouble_reply
from postel.servers.smtpd_log import SessionLog
from postel.servers.smtpd_lookup import Lookup
from postel.servers.smtpd_options import Service, ServiceOptions, SmtpParts, machine_options
from postel.servers.smtpd_showing import show_delivery
from postel.servers.smtpd_terminal import NOT_THERE, ToTerminals
from postel.servers.smtpd_transaction import MailTransaction
from postel.servers.smtpd_waiting import WaitingMail
from postel.servers.smtpd_wishes import grant_priority, wish_options
from postel.servers.smtpd_xclient import claimed_account, claimed_client, commands_for
from postel.servers.submission import believed
from postel.tls import HandshakeFailed, ServerTls, start_server

TALKED_EARLY: Final = Reply(554, None, "Wait for the greeting; closing")
GUESSING: Final = Reply(421, Status(4, 7, 0), "Too many unknown recipients; closing")
LASTED_TOO_LONG: Final = Reply(421, Status(4, 4, 2), "This session has lasted long enough; closing")
NO_MAIL_HERE: Final = Reply(521, None, "Server does not accept mail")  # RFC 7504 3
OWN_FAULT: Final = Reply(421, Status(4, 3, 0), "Local trouble; try again later")
NO_SUCH_ACCOUNT: Final = Reply(501, Status(5, 5, 4), "LOGIN names no account here")
NO_TLS_NOW: Final = Reply(454, Status(4, 7, 0), "TLS not available")  # RFC 3207 4

# RFC 4954 6: what the client is told of each kind of no.
_DENIED: Final = {
    Denial.CREDENTIALS: replies.LOGIN_FAILED,
    Denial.MALFORMED: replies.LOGIN_MALFORMED,
    Denial.LATER: replies.LOGIN_LATER,
}


class SmtpSession:
    """Runs one session on one stream, TLS already on it where that comes first.

    What has no handler below (HELP, NOOP...) gets the machine's own answer. So do VRFY and EXPN of clients that are
    not trusted: 252, which is honest and tells nobody who has a mailbox here (RFC 5321 7.3).

    id          names the session in the log.
    accepted    how many messages got their 250.
    """

    def __init__(
        self,
        stream: Stream,
        options: ServiceOptions,
        parts: SmtpParts,
        hooks: Hooks,
        tls: ServerTls | None,
    ) -> None:
        self.id = str(parts.queue.next_id())
        self.accepted = 0
        self._options = options
        self._parts = parts
        self._hooks = hooks
        self._tls = tls
        self._client = Client(
            stream.peer.ip,
            stream.peer.port,
            str(options.service),
            tls=stream.tls.version if stream.tls else None,
        )
        self._peer_commands = commands_for(options, stream.peer)
        self._is_itself = True  # not a host that speaks for another
        self._talk = smtp.SmtpServer(self._machine_options(stream), is_tls=stream.tls is not None)
        self._drive = Drive(self._talk, stream, options.session_s)
        self._loop = asyncio.get_running_loop()
        self._log = SessionLog(self.id)
        self._intake = Intake(options, parts, hooks, self._log)
        self._transaction: MailTransaction | None = None
        self._checkpointing = self._make_checkpointing()
        self._login: LoginExchange | None = None
        self._added: list[AddHeader] = []
        self._unknown = 0
        self._waiting: WaitingMail | None = None  # granted to be fetched
        self._data_ends_s: float | None = None

    @property
    def stream(self) -> Stream:
        """The stream as it is now: under TLS, once that has started."""
        return self._drive.stream

    @property
    def unlogged(self) -> int:
        """Refusals that the log was spared."""
        return self._log.unlogged

    @property
    def client(self) -> Client:
        """The peer, as far as it is known by now."""
        return self._client

    async def run(self) -> Ended:
        """The session, to its end. Raises CancelledError; faults of our own are logged, and end in 421."""
        try:
            ended = await self._drive.run(self)
            if self._waiting is not None and ended is Ended.OVER:
                await self._turn(self._waiting)
            return ended
        except Exception as fault:
            self._log.failed(self._client, fault)
            await self._apologize()
            return Ended.OVER
        finally:
            await self._drop(is_interrupted=True)
            if self._checkpointing is not None:
                self._checkpointing.close()

    def stop(self) -> None:
        """End at the next place between two commands."""
        self._drive.stop(self)

    # What the loop asks

    async def handle(self, event: Any) -> None:
        """Act on one event."""
        handler = _HANDLERS.get(type(event))
        if handler is None:
            self._talk.answer()
        else:
            await handler(self, event)

    @property
    def is_between_commands(self) -> bool:
        """Not within content or a login."""
        return self._data_ends_s is None and self._login is None

    @property
    def patience_s(self) -> float:
        """What is left of the time for the content."""
        return self._options.data_s if self._data_ends_s is None else self._data_ends_s - self._loop.time()

    def part(self, why: Ended) -> None:
        """Say 421."""
        if why is Ended.TIMED_OUT:
            self._talk.timed_out()
        elif why is Ended.TOO_LONG:
            self._talk.shut_down(LASTED_TOO_LONG)
        else:
            self._talk.shut_down()

    # Who comes: connect, hello, TLS, login

    async def _connected(self, event: smtp.Connected) -> None:
        if self._options.service is Service.NO_MAIL:
            self._talk.answer(NO_MAIL_HERE)  # RFC 7504 3
            return
        if self._options.greet_delay_s > 0 and not await self._waits_for_greeting():
            return
        if self._options.access.needs_names:
            await self._look_up_name()
        decision = await self._hooks.ask(Phase.CONNECT, Connect(self._client))
        self._added += decision.added
        reply = self._refused(Phase.CONNECT, decision)
        self._talk.answer(reply and _as_greeting(reply))

    async def _look_up_name(self) -> None:
        """RFC 2505 2.5 and 2.2.1: the client's host name, as DNS confirms it."""
        ip, resolver = self._client.ip, self._parts.resolver
        if ip is not None and resolver is not None and self._client.name is None:
            found = await answer(client_name(ip), resolver)
            self._client = replace(self._client, name=found.name)

    async def _waits_for_greeting(self) -> bool:
        """Give a client that cannot wait the time to show it; False when that ended the session."""
        try:
            early = await self._drive.read(self._options.greet_delay_s)
        except TimedOut:
            return True
        if not early:
            self._talk.shut_down()
            return False
        # RFC 5321 3.1 and 4.3.1: the client waits for the greeting. Who does not reads no replies either.
        self._log.misbehaved(self._client, smtp.Breach.EARLY_TALK, TALKED_EARLY, early)
        self._talk.answer(TALKED_EARLY)
        self._drive.hang_up()
        return False

    async def _hello(self, event: smtp.Hello) -> None:
        self._client = replace(self._client, hello=event.name, is_extended=event.is_extended)
        reply: Reply | None = None
        if self._hooks.wants(Phase.HELLO):
            decision = await self._hooks.ask(Phase.HELLO, Hello(self._client))
            self._added += decision.added
            reply = self._refused(Phase.HELLO, decision)
        self._talk.answer(reply)

    async def _xclient(self, event: smtp.Xclient) -> None:
        """A trusted host says who the client is: all that was learned of another is forgotten."""
        try:
            account = claimed_account(event.attributes)
        except BadSyntax:
            account, is_known = None, False
        else:
            is_known = account is None or await self._parts.answer(AccountQuestion(account.folded))
        if not is_known:
            self._talk.answer(NO_SUCH_ACCOUNT)
            return
        before, client = self._client, claimed_client(self._client, event.attributes, account)
        self._log.client_named(before, client)
        self._client, self._added, self._unknown = client, [], 0
        self._is_itself = False
        decision = await self._hooks.ask(Phase.CONNECT, Connect(client))
        self._added += decision.added
        self._talk.options = self._machine_options()
        reply = self._refused(Phase.CONNECT, decision)
        self._talk.answer(reply and _as_greeting(reply))

    async def _xforward(self, event: smtp.Xforward) -> None:
        self._intake.forwarded = {**self._intake.forwarded, **event.attributes}
        self._talk.answer()

    async def _start_tls(self, event: smtp.StartTls) -> None:
        if self._tls is None:
            self._talk.answer(NO_TLS_NOW)
            return
        self._talk.answer()
        await self._drive.flush()
        plain = self._drive.stream
        try:
            self._drive.stream = await start_server(plain, self._tls, timeout_s=self._options.handshake_s)
        except HandshakeFailed as failed:
            self._log.handshake_failed(self._client, failed.reason)
            raise ConnectionLost("no TLS handshake") from None
        info = self._drive.stream.tls
        # RFC 3207 4.2: what was learned without TLS, name and login among it, is forgotten.
        version = info.version if info else None
        self._client = replace(self._client, tls=version, hello="", is_extended=False, account=None)
        self._talk.options = self._machine_options()
        self._talk.tls_started()

    async def _auth(self, event: smtp.Auth) -> None:
        mechanism = find_mechanism(event.mechanism)
        if mechanism is None:
            self._talk.answer(replies.MECHANISM_UNKNOWN)
            return
        hostname, offered = self._options.hostname.ascii, self._talk.options.mechanisms
        facts = LoginFacts.of("smtp", hostname, self.stream, self._client.ip, offered)
        self._login = LoginExchange(mechanism, event.initial, self._parts.directory, facts)
        await self._go_on_with_login(self._login.begin())

    async def _auth_response(self, event: smtp.AuthResponse) -> None:
        if self._login is not None:
            await self._go_on_with_login(self._login.respond(event.response))

    async def _auth_cancelled(self, event: smtp.AuthCancelled) -> None:
        self._login = None

    async def _go_on_with_login(self, step: Awaitable[LoginStep]) -> None:
        found = await step
        if isinstance(found, bytes):
            self._talk.challenge(found)
            return
        exchange, self._login = self._login, None
        if exchange is None:
            raise LocalFault("a login ended that never began")
        if isinstance(found, Denied):
            self._login_failed(exchange, _DENIED[found.kind], found.because)
        else:
            await self._login_succeeds(exchange, found.mailbox)

    async def _login_succeeds(self, exchange: LoginExchange, account: Mailbox) -> None:
        mechanism = exchange.mechanism.name
        if self._hooks.wants(Phase.AUTH):
            decision = await self._hooks.ask(Phase.AUTH, Auth(self._client, mechanism, account))
            self._added += decision.added
            if decision.refusal is not None:
                self._login_failed(exchange, decision.refusal.reply, decision.refusal.because)
                return
        self._client = replace(self._client, account=account)
        self._log.logged_in(self._client, mechanism)
        self._talk.options = self._machine_options()
        self._talk.answer(replies.LOGGED_IN)

    def _login_failed(self, exchange: LoginExchange, reply: Reply, because: str) -> None:
        self._log.login_failed(self._client, exchange.login, exchange.mechanism.name, reply, because)
        self._talk.answer(reply)

    # A mail transaction: mail, rcpt, content

    async def _mail(self, event: smtp.Mail) -> None:
        if self._checkpointing is None:
            self._answer_mail(await self._begin(event, None))
            return
        await self._checkpointing.given_up(None)  # RFC 1845 3: whoever begins anew has heard the last reply
        if event.transid is None:
            self._answer_mail(await self._begin(event, None))
            return
        try:
            self._answer_mail(await self._checkpointing.mail(event, self._client))
        except DatabaseTrouble as trouble:
            self._talk.answer(trouble_reply(trouble))

    def _answer_mail(self, found: MailTransaction | Reply) -> None:
        if isinstance(found, Reply):
            self._talk.answer(found)
            return
        self._transaction = found
        if found.resumption is not None:
            self._talk.resume(found.resumption)
        else:
            self._talk.answer(found.greeting)

    async def _begin(self, event: smtp.Mail, queue_id: QueueId | None) -> MailTransaction | Reply:
        """A new transaction, or why there is none."""
        transaction = MailTransaction(
            queue_id or self._parts.queue.next_id(),
            event.reverse_path,
            believed(
                event.parameters if event.transid is None else without_transid(event.parameters),
                self._client.account,
            ),
            self._added,
            event.manner,
        )
        if self._hooks.wants(Phase.MAIL):
            facts = Mail(self._client, transaction.id_text, event.reverse_path, event.parameters)
            decision = await self._ask(Phase.MAIL, facts)
            if reply := self._refused(Phase.MAIL, decision, transaction):
                return reply
            transaction.amend(decision)
            if decision.discarded is not None:
                transaction.discard_as = decision.discarded.because or decision.source
        transaction.greeting = self._grant_wishes(transaction)
        return transaction

    def _grant_wishes(self, transaction: MailTransaction) -> Reply | None:
        """What is granted of the wishes of time and rank; the reply to MAIL, where that has to say it."""
        if "BY" in transaction.parameters:
            transaction.begun_at = self._parts.clock.now()
        if "MT-PRIORITY" not in transaction.parameters:
            return None
        policy = self._options.wishes
        transaction.parameters, reply = grant_priority(policy, transaction.parameters, self._client)
        return reply

    async def _rcpt(self, event: smtp.Rcpt) -> None:
        transaction = self._transaction
        if transaction is None:
            raise LocalFault("RCPT without MAIL")
        recipient = Recipient(event.forward_path, event.parameters)
        if reply := check_resumed(transaction, recipient):
            self._talk.answer(reply)
            return
        reply = await self._admit(transaction, recipient)
        if reply is None:
            transaction.asked.append(recipient.forward_path.at(self._options.hostname))
            if transaction.said is not None:
                transaction.named.append(recipient)
        self._talk.answer(reply and await self._slow_down(reply))

    async def _admit(self, transaction: MailTransaction, recipient: Recipient) -> Reply | None:
        """Add a recipient, if policy lets it in; else the refusal."""
        # RFC 5321 4.5.1: a bare postmaster is ours.
        mailbox = recipient.forward_path.at(self._options.hostname)
        facts = Rcpt(
            self._client,
            transaction.id_text,
            transaction.reverse_path,
            mailbox,
            recipient.parameters,
            len(transaction.recipients),
            transaction.parameters,
        )
        decision = await self._ask(Phase.RCPT, facts)
        if reply := self._refused(Phase.RCPT, decision, transaction, mailbox):
            return reply
        if transaction.manner is not smtp.Manner.MAIL and (
            reply := await self._not_there(transaction.manner, mailbox)
        ):
            return reply
        if decision.discarded is not None:
            because = decision.discarded.because or decision.source
            self._log.recipient_discarded(transaction, mailbox, because)
        else:
            transaction.add_recipient(mailbox, recipient.parameters)
        if decision.added or decision.changes:
            transaction.amend(decision)
        return None

    async def _not_there(self, manner: smtp.Manner, mailbox: Mailbox) -> Reply | None:
        """RFC 821 3.4: what SEND is told where nobody is there."""
        if self._parts.terminals is None:
            return NOT_THERE
        try:
            return await ToTerminals(self._parts.terminals, self._parts).check(manner, mailbox)
        except DatabaseTrouble as trouble:
            return trouble_reply(trouble)

    async def _slow_down(self, reply: Reply) -> Reply:
        """RFC 5321 7.3: who tries out addresses learns few of them, slowly."""
        if reply.status != MAILBOX_UNKNOWN.status:
            return reply
        self._unknown += 1
        if self._unknown >= self._options.unknown_close:
            return GUESSING
        if self._unknown > self._options.unknown_slow:
            await asyncio.sleep(self._options.unknown_wait_s)
        return reply

    async def _data_start(self, event: smtp.DataStart) -> None:
        await self._begin_content()
        resumption = self._transaction.resumption if self._transaction else None
        self._talk.answer(replies.send_from(resumption.offset) if resumption else None)

    async def _bdat(self, event: smtp.Bdat) -> None:
        """RFC 3030 2: the first BDAT of a transaction begins its content; nothing is said before."""
        if self._data_ends_s is None:
            await self._begin_content()

    async def _chunk_end(self, event: smtp.ChunkEnd) -> None:
        """RFC 3030 2: a chunk that could not be stored is refused at its end, not the whole at the last one's."""
        trouble = self._transaction.trouble if self._transaction else None
        self._talk.answer(trouble_reply(trouble) if trouble is not None else None)

    async def _begin_content(self) -> None:
        if self._transaction is not None:
            if self._checkpointing is not None and self._transaction.claim is not None:
                await self._checkpointing.begin_content(self._transaction)
            else:
                self._transaction.begin_content(self._parts.contents)
            self._data_ends_s = self._loop.time() + self._options.data_s

    async def _chunk(self, event: smtp.Chunk) -> None:
        if self._transaction is not None:
            await self._transaction.take(event.data)

    async def _data_end(self, event: smtp.DataEnd) -> None:
        transaction, self._transaction = self._transaction, None
        self._data_ends_s = None
        if transaction is None:
            raise LocalFault("the end of content that never began")
        accept = self._accept_and_show if self._talk.is_verbose else self._accept
        if transaction.reply is not None:
            accept = self._answer_again
        reply = await accept(transaction, event)
        if self._checkpointing is not None and transaction.claim is not None:
            await self._checkpointing.answered(transaction, reply)
        self._intake.forwarded = {}
        self.accepted += reply.is_positive
        if transaction.refused and event.each == len(transaction.asked):
            self._talk.answer_each(transaction.replies(reply))
        else:
            self._talk.answer(reply)

    async def _accept(self, transaction: MailTransaction, event: smtp.DataEnd) -> Reply:
        return await self._intake.accept(transaction, event, self._client, self._drive.stream)

    async def _answer_again(self, transaction: MailTransaction, event: smtp.DataEnd) -> Reply:
        """The content had come before: its reply is all that was missing."""
        await transaction.drop()
        is_same = transaction.resumption is None or event.size_bytes == transaction.resumption.offset
        return transaction.reply if is_same and transaction.reply is not None else COMPLETE_ALREADY

    async def _accept_and_show(self, transaction: MailTransaction, event: smtp.DataEnd) -> Reply:
        """VERB: the message is durable first; then what becomes of it is shown, for a while."""
        queue = self._parts.queue
        with queue.follow(transaction.queue_id, len(transaction.recipients)) as following:
            reply = await self._accept(transaction, event)
            is_queued = reply.is_positive and transaction.is_handed_over
            if is_queued and queue.is_scheduling:
                show_s = self._options.commands.show_s
                await show_delivery(following, self._talk.show, self._drive.flush, show_s)
        return reply

    # What is known here, and what waits here

    async def _vrfy(self, event: smtp.Vrfy) -> None:
        is_trusted = "VRFY" in self._talk.options.commands
        self._talk.answer(await Lookup(self._parts).verify(event, self._client) if is_trusted else None)

    async def _expn(self, event: smtp.Expn) -> None:
        is_trusted = "EXPN" in self._talk.options.commands
        self._talk.answer(await Lookup(self._parts).expand(event, self._client) if is_trusted else None)

    async def _etrn(self, event: smtp.Etrn) -> None:
        reply = await WaitingMail(self._parts).wake(event)
        self._log.woken(self._client, event.node, reply)
        self._talk.answer(reply)

    async def _atrn(self, event: smtp.Atrn) -> None:
        await self._grant_mail(event.domains)

    async def _turn_roles(self, event: smtp.Turn) -> None:
        await self._grant_mail(())

    async def _grant_mail(self, domains: Sequence[Domain]) -> None:
        waiting = WaitingMail(self._parts)
        reply = await waiting.grant(self._client.account, domains)
        if reply.is_positive:
            self._waiting = waiting
        self._talk.answer(reply)

    async def _turn(self, waiting: WaitingMail) -> None:
        """The roles are reversed: we give the peer its mail, as the client that we are now (RFC 2645 5.3)."""
        self._log.turned(self._client, len(waiting.lanes))
        self._log.handed_over(self._client, await waiting.hand_over(self._drive.stream))

    async def _data_aborted(self, event: smtp.DataAborted) -> None:
        self._log.aborted(self._transaction, event.because)
        await self._drop(is_interrupted=isinstance(event.because, smtp.Ending))

    async def _reset(self, event: smtp.Reset) -> None:
        self._intake.forwarded = {}
        await self._drop()
        await self._quit(event)

    async def _quit(self, event: smtp.Quit | smtp.Reset) -> None:
        """RFC 1845 3: with QUIT, too, the client says that it has heard all it wants to hear."""
        if self._checkpointing is not None:
            await self._checkpointing.given_up(None)

    async def _drop(self, *, is_interrupted: bool = False) -> None:
        """Nothing of the transaction stays behind, unless it may go on some day."""
        transaction, self._transaction = self._transaction, None
        self._data_ends_s = None
        if transaction is None:
            return
        if self._checkpointing is not None and transaction.claim is not None:
            if is_interrupted:
                await self._checkpointing.interrupted(transaction)
            else:
                await self._checkpointing.given_up(transaction)
        await transaction.drop()

    # What is said and logged

    async def _misbehaved(self, event: smtp.Misbehaved) -> None:
        self._log.misbehaved(self._client, event.breach, event.reply, event.excerpt)

    async def _ask(self, phase: Phase, facts: Facts) -> Decision:
        """The decision; when the database is in trouble, a deferral."""
        try:
            return await self._hooks.ask(phase, facts)
        except DatabaseTrouble as trouble:
            return Decision(Defer(trouble_reply(trouble), str(trouble)), source="postel:database")

    def _refused(
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
        self._log.refused(phase, self._client, decision, transaction, recipient)
        return verdict.reply

    def _machine_options(self, stream: Stream | None = None) -> smtp.ServerOptions:
        """What the machine may offer to this client as it stands now."""
        options = self._options
        is_private = self._client.tls is not None or is_within(self._client.ip, options.plaintext_login)
        wishes = wish_options(
            options.wishes, self._parts.clock.now(), is_submission=options.service.is_submission
        )
        made = machine_options(
            options,
            has_tls=self._tls is not None,
            is_private=is_private,
            is_tls=self._client.tls is not None,
            wishes=wishes,
            has_certificate=self._is_itself and verified_certificate(stream or self.stream) is not None,
        )
        if self._parts.checkpoints is None and made.keeps_transactions:
            made = replace(made, keeps_transactions=False)
        client = self._client
        commands = self._peer_commands | options.commands.open_to(
            client.ip, is_logged_in=client.account is not None, offers_login=options.has_login
        )
        return replace(made, commands=commands) if commands else made

    def _make_checkpointing(self) -> Checkpointing | None:
        checkpoints = self._parts.checkpoints
        if checkpoints is None or not self._options.keeps_transactions:
            return None
        return Checkpointing(
            checkpoints,
            self._parts.contents,
            self._options.limits,
            self._log,
            begin=self._begin,
            admit=self._admit,
            cut_off=lambda: self._drive.stream.abort(),
        )

    async def _apologize(self) -> None:
        """Our own fault ends the session: the peer is told to come again."""
        if not self._talk.over:
            self._talk.shut_down(OWN_FAULT)
        with suppress(TimedOut, ConnectionLost):
            await self._drive.flush()


def _as_greeting(reply: Reply) -> Reply:
    """RFC 5321 3.1: a greeting that turns away is 554; a transient one is 421, and closes."""
    if reply.is_transient:
        return Reply(421, None, reply.text)
    return Reply(554, None, reply.text)


_Handler: TypeAlias = Callable[[SmtpSession, Any], Awaitable[None]]

_HANDLERS: Final[Mapping[type[Any], _Handler]] = {
    smtp.Connected: SmtpSession._connected,
    smtp.Hello: SmtpSession._hello,
    smtp.Xclient: SmtpSession._xclient,
    smtp.Xforward: SmtpSession._xforward,
    smtp.StartTls: SmtpSession._start_tls,
    smtp.Auth: SmtpSession._auth,
    smtp.AuthResponse: SmtpSession._auth_response,
    smtp.AuthCancelled: SmtpSession._auth_cancelled,
    smtp.Mail: SmtpSession._mail,
    smtp.Rcpt: SmtpSession._rcpt,
    smtp.DataStart: SmtpSession._data_start,
    smtp.Bdat: SmtpSession._bdat,
    smtp.Chunk: SmtpSession._chunk,
    smtp.ChunkEnd: SmtpSession._chunk_end,
    smtp.DataEnd: SmtpSession._data_end,
    smtp.DataAborted: SmtpSession._data_aborted,
    smtp.Reset: SmtpSession._reset,
    smtp.Quit: SmtpSession._quit,
    smtp.Misbehaved: SmtpSession._misbehaved,
    smtp.Vrfy: SmtpSession._vrfy,
    smtp.Expn: SmtpSession._expn,
    smtp.Etrn: SmtpSession._etrn,
    smtp.Atrn: SmtpSession._atrn,
    smtp.Turn: SmtpSession._turn_roles,
}
