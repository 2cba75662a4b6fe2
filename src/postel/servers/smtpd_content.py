"""From the end of mail data to its reply: check, complete, seal, queue.

Implements  RFC 5321 4.2.5 and 6.1 (250 makes us responsible), 4.4 (the trace field), RFC 3848 (its `with`),
            RFC 6409 8 (completing a submission), RFC 4954 5 (who vouches for a submitter).
Asks        The hooks of phase `content`, Postel's own policy first.
Gives       Intake, trouble_reply.
Not here    Receiving the octets: smtpd_session, smtpd_transaction. Making them durable: contents, queue.

Invariant: 250 is the return value only on a path that has returned from `queue.accept`, or that a hook chose
by Discard. On every other path out of `accept` the draft is gone, or the queue has it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from postel.database import DatabaseTrouble
from postel.hooks import NO_OPINION, Client, Content, Decision, Hooks, Phase, Queued
from postel.mail import Mailbox, Parameters, Reply, Status, parse_mailbox, parse_xtext
from postel.mail.replies import SYSTEM_FULL, SYSTEM_TROUBLE
from postel.message import ReceivedFields, with_protocol
from postel.net import Stream
from postel.proto.smtp import Attributes, DataEnd, Manner
from postel.queue import Effect, NewMessage, Origin
from postel.servers.smtpd_log import SessionLog
from postel.servers.smtpd_options import Service, ServiceOptions, SmtpParts
from postel.servers.smtpd_terminal import NOT_SHOWN, SHOWN, ToTerminals, terminal_message
from postel.servers.smtpd_transaction import MailTransaction
from postel.servers.smtpd_wishes import heard, is_over
from postel.servers.smtpd_xclient import forwarded_origin
from postel.servers.submission import complete

_QUEUED: Final = Status(2, 0, 0)


@dataclass(frozen=True, slots=True)
class _Way:
    """How messages of a client come that stands as it stood: what is said of them in the queue, and in the content."""

    client: Client
    is_smtputf8: bool
    origin: Origin
    received: ReceivedFields


def trouble_reply(trouble: DatabaseTrouble) -> Reply:
    """What a peer is told when we cannot store: come again later."""
    return SYSTEM_FULL if trouble.is_full else SYSTEM_TROUBLE


@dataclass(slots=True)
class Intake:
    """Takes over messages of one session.

    forwarded   where the message at hand came from, as a trusted host says (XFORWARD).
    """

    options: ServiceOptions
    parts: SmtpParts
    hooks: Hooks
    log: SessionLog
    forwarded: Attributes = field(default_factory=dict)
    _way: _Way | None = None

    async def accept(
        self, transaction: MailTransaction, event: DataEnd, client: Client, stream: Stream
    ) -> Reply:
        """The reply to the content; when it is 250, the message is durable, or was discarded on purpose."""
        try:
            if transaction.trouble is not None:
                raise transaction.trouble
            decision = await self._ask(transaction, event, client, transaction.mailboxes)
            if decision.refusal is not None and event.each > 1:
                decision = await self._ask_for_each(transaction, event, client, decision)
            if decision is not NO_OPINION:
                transaction.amend(decision)
            reply = self._settled(transaction, decision, client)
            if reply is None:
                return await self._take(transaction, event, client, stream)
            await transaction.drop()
        except DatabaseTrouble as trouble:
            await transaction.drop()
            reply = trouble_reply(trouble)
            self.log.not_stored(transaction, reply, trouble)
        except BaseException:
            await transaction.drop()
            raise
        return reply

    async def _ask_for_each(
        self, transaction: MailTransaction, event: DataEnd, client: Client, of_all: Decision
    ) -> Decision:
        """Content that was refused for all together, where each can be told apart: it may suit some of them."""
        refused: list[tuple[Mailbox, Decision]] = []
        for mailbox in transaction.mailboxes:
            decision = await self._ask(transaction, event, client, (mailbox,))
            if decision.refusal is not None:
                refused.append((mailbox, decision))
        if not refused:
            return of_all
        for mailbox, decision in refused:
            if decision.refusal is not None:
                transaction.refuse(mailbox, decision.refusal.reply)
                self.log.refused(Phase.CONTENT, client, decision, transaction, mailbox)
        if not transaction.recipients:
            return of_all
        return await self._ask(transaction, event, client, transaction.mailboxes)

    async def _ask(
        self, transaction: MailTransaction, event: DataEnd, client: Client, recipients: tuple[Mailbox, ...]
    ) -> Decision:
        """What policy says of the content, for these recipients."""
        facts = Content(
            client,
            transaction.id_text,
            transaction.reverse_path,
            recipients,
            transaction.head.head,
            event.size_bytes,
            transaction.read,
        )
        return await self.hooks.ask(Phase.CONTENT, facts)

    def _settled(self, transaction: MailTransaction, decision: Decision, client: Client) -> Reply | None:
        """The reply, when the message is not to be queued at all."""
        verdict = decision.refusal
        if verdict is not None:
            self.log.refused(Phase.CONTENT, client, decision, transaction)
            return verdict.reply
        if decision.discarded is not None:
            transaction.discard_as = decision.discarded.because or decision.source
        elif not transaction.recipients and transaction.discard_as is None:
            transaction.discard_as = "no recipient is left"
        if transaction.discard_as is None:
            return None
        self.log.discarded(client, transaction)
        return _queued_as(transaction)

    async def _take(
        self, transaction: MailTransaction, event: DataEnd, client: Client, stream: Stream
    ) -> Reply:
        """Into the queue; or on terminals, or both, as the transaction was begun."""
        if transaction.manner is Manner.MAIL or self.parts.terminals is None:
            return await self._queue(transaction, event, client, stream)
        terminals = ToTerminals(self.parts.terminals, self.parts)
        message = await terminal_message(transaction)
        recipients = transaction.mailboxes
        if transaction.manner is Manner.SAML:  # in the mailbox in any case: that first
            reply = await self._queue(transaction, event, client, stream)
            with suppress(DatabaseTrouble):  # it is queued, whatever becomes of this
                self.log.shown(client, transaction, await terminals.show(recipients, message))
            return reply
        shown = await terminals.show(recipients, message)
        self.log.shown(client, transaction, shown)
        if transaction.manner is Manner.SOML and len(shown) < len(recipients):
            transaction.spare(shown)
            return await self._queue(transaction, event, client, stream)
        await transaction.drop()
        return SHOWN if len(shown) == len(recipients) else NOT_SHOWN

    async def _queue(
        self, transaction: MailTransaction, event: DataEnd, client: Client, stream: Stream
    ) -> Reply:
        """Make the message durable."""
        received_at = self.parts.clock.now()
        parameters = self._heard(
            _corrected(transaction.parameters, event, client.account), transaction, client
        )
        if parameters and (reply := is_over(parameters)):
            await transaction.drop()
            return reply
        transaction.parameters = parameters
        way = self._way_of(client, stream, is_smtputf8="SMTPUTF8" in parameters)
        origin = way.origin
        sealed = await transaction.draft.seal(self._prefix(transaction, client, way.received, received_at))
        message = NewMessage(
            queue_id=transaction.queue_id,
            envelope=transaction.envelope(parameters),
            content=sealed,
            received_at=received_at,
            origin=forwarded_origin(origin, self.forwarded) if self.forwarded else origin,
        )
        await self.parts.queue.accept(message, self._beside(transaction))
        transaction.hand_over()
        if transaction.claim is not None:
            transaction.claim.taken_over()
        self._accepted(transaction, message, client)
        return _queued_as(transaction)

    def _heard(self, parameters: Parameters, transaction: MailTransaction, client: Client) -> Parameters:
        if not parameters and not self.options.wishes.reads_header:
            return parameters
        begun_at = transaction.begun_at
        late_s = 0.0 if begun_at is None else self.parts.clock.now() - begun_at
        return heard(self.options.wishes, parameters, transaction.head.head, client, late_s)

    def _beside(self, transaction: MailTransaction) -> Effect | None:
        """RFC 1845 3: whoever resumes a finished transaction is told so, or the message would come twice."""
        claim = transaction.claim
        return None if claim is None else claim.answering(_queued_as(transaction))

    def _prefix(
        self, transaction: MailTransaction, client: Client, received: ReceivedFields, received_at: float
    ) -> bytes:
        """The trace field, what hooks add, and what a submission lacks."""
        parameters, recipients = transaction.parameters, transaction.recipients
        prefix = received.compose(
            transaction.id_text,
            received_at,
            recipients[0].forward_path if len(recipients) == 1 else None,
            priority=parameters.get("MT-PRIORITY"),
            solicit=parameters.get("SOLICIT"),
        )
        if transaction.added:
            prefix += b"".join(field.format() for field in transaction.added)
        if self.options.service.is_submission:
            prefix += complete(
                transaction.head.head,
                client.account,
                hostname=self.options.hostname.ascii,
                queue_id=transaction.id_text,
                submitted_at=received_at,
            )
        return prefix + b"\r\n" if transaction.head.is_missing else prefix

    def _way_of(self, client: Client, stream: Stream, *, is_smtputf8: bool) -> _Way:
        """How the message came."""
        way = self._way
        if way is None or way.client is not client or way.is_smtputf8 is not is_smtputf8:
            origin = self._origin(client, stream, is_smtputf8=is_smtputf8)
            received = self._received(client, stream, origin, is_smtputf8=is_smtputf8)
            way = self._way = _Way(client, is_smtputf8, origin, received)
        return way

    def _received(
        self, client: Client, stream: Stream, origin: Origin, *, is_smtputf8: bool
    ) -> ReceivedFields:
        # RFC 5321 7.6 and RFC 2505 2.2.2 let a site keep quiet about its own people; the log has it all.
        is_hidden = self.options.hides_client and client.account is not None
        tls = stream.tls
        return ReceivedFields(
            hello_name=None if is_hidden else client.hello,
            client_ip=None if is_hidden else client.ip,
            client_name=None if is_hidden else client.name,
            hostname=self.options.hostname.ascii,
            protocol=origin.protocol,
            tls=f"{tls.version} {tls.cipher}" if tls else "",
            cipher=tls.cipher if tls and self.options.service.is_submission else "",
            asks_smtputf8=is_smtputf8,
        )

    def _origin(self, client: Client, stream: Stream, *, is_smtputf8: bool) -> Origin:
        protocol = with_protocol(
            is_extended=client.is_extended,
            is_tls=client.tls is not None,
            is_authenticated=client.account is not None,
            is_lmtp=self.options.service is Service.LMTP,
            asks_smtputf8=is_smtputf8,
        )
        return Origin(
            protocol=protocol,
            client_ip=str(client.ip) if client.ip else None,
            client_name=client.hello,
            client_host=client.name,
            client_port=client.port or None,
            account=str(client.account) if client.account else None,
            listener=str(stream.local),
        )

    def _accepted(self, transaction: MailTransaction, message: NewMessage, client: Client) -> None:
        """Tell the log and the hooks."""
        self.log.accepted(client, transaction, message, is_forwarded=bool(self.forwarded))
        if self.hooks.wants(Phase.QUEUED):
            facts = Queued(
                transaction.id_text,
                transaction.reverse_path,
                transaction.mailboxes,
                message.content.size_bytes,
            )
            self.hooks.tell(Phase.QUEUED, facts)


def _queued_as(transaction: MailTransaction) -> Reply:
    return Reply(250, _QUEUED, f"queued as {transaction.id_text}")


def _corrected(parameters: Parameters, event: DataEnd, account: Mailbox | None) -> Parameters:
    """What the next hop is told, whatever the client declared."""
    if not (parameters or event.is_8bit or event.has_long_lines):
        return parameters
    corrections: dict[str, str] = {}
    body = (parameters.get("BODY") or "7BIT").upper()
    if event.has_long_lines and body != "BINARYMIME":
        corrections["BODY"] = (
            "BINARYMIME"  # RFC 2045 2.9: lines beyond 998 octets are what only that may hold
        )
    elif event.is_8bit and body == "7BIT":
        corrections["BODY"] = "8BITMIME"  # RFC 6152 3: whoever passes it on must know what it holds
    submitter = parameters.get("AUTH")
    if submitter is not None and not _is(submitter, account):
        corrections["AUTH"] = "<>"  # RFC 4954 5: we vouch for nobody but who has logged in
    if "PRDR" in parameters:  # a matter of one hop
        parameters = {keyword: value for keyword, value in parameters.items() if keyword != "PRDR"}
    return {**parameters, **corrections} if corrections else parameters


def _is(submitter: str, account: Mailbox | None) -> bool:
    text = parse_xtext(submitter)
    return account is not None and text != "<>" and parse_mailbox(text).folded == account.folded
