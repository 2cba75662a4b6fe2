"""A session's transactions that have a TRANSID: known again, gone on with, kept when the line breaks.

Implements  RFC 1845 3: the state of such a transaction is kept until it is complete from the client's perspective,
            which it is by RSET, by the next MAIL, or by QUIT.
Asks        Policy, through the session: on behalf of the client, once more, for each command that is not repeated.
Gives       Checkpointing.
Not here    Rows, files, limits, two sessions with one transaction: checkpoints. The replies 355 and 354: proto.smtp.

What is kept is what the client said, and the content. What policy decided about it is not: it is asked again when the
transaction goes on, as if the client had said all its commands again, and so a client never gets through by breaking
off what it would not get through with today. If it now refuses a recipient for good, the transaction begins anew, and
the client hears that refusal as the answer to its own RCPT.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import IPv6Address, ip_network
from typing import Final, TypeAlias

from postel.checkpoints import Checkpoints, Claim, KeptTransaction, Key, Said, State, TransactionBusy
from postel.contents import Contents
from postel.database import DatabaseTrouble
from postel.hooks import Client
from postel.mail import Parameters, Recipient, Reply, Status
from postel.proto import smtp
from postel.proto.smtp import Resumption, SmtpLimits
from postel.proto.smtp.replies import RECIPIENT_OK
from postel.queue import QueueId
from postel.servers.smtpd_log import SessionLog
from postel.servers.smtpd_transaction import MailTransaction

BUSY: Final = Reply(451, Status(4, 3, 0), "That transaction is in use; try again later")
NOT_OF_THESE: Final = Reply(
    503, Status(5, 5, 1), "The transaction goes on with its recipients; RSET begins anew"
)
COMPLETE_ALREADY: Final = Reply(
    554, Status(5, 5, 0), "That transaction was complete; there is nothing to add"
)

_PREFIX_OCTETS: Final = 64  # an IPv6 customer is given a /64 at the least (RFC 6177 2)

Begin: TypeAlias = Callable[[smtp.Mail, QueueId | None], Awaitable[MailTransaction | Reply]]
"""Ask policy about a MAIL: the transaction, or the refusal."""
Admit: TypeAlias = Callable[[MailTransaction, Recipient], Awaitable[Reply | None]]
"""Ask policy about a recipient, and add it: the refusal, or None."""


def owner_of(client: Client) -> str:
    """Who has a transaction: an account; else an address, which for IPv6 is a network."""
    if client.account is not None:
        return f"account {client.account.folded}"
    ip = client.ip
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is None:
        return f"network {ip_network((ip, _PREFIX_OCTETS), strict=False)}"
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped
    return f"address {ip}" if ip else "socket"


class Checkpointing:
    """Those of one session.

    cut_off     ends this session, for a newer one of the same client.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        contents: Contents,
        limits: SmtpLimits,
        log: SessionLog,
        *,
        begin: Begin,
        admit: Admit,
        cut_off: Callable[[], None],
    ) -> None:
        self._checkpoints = checkpoints
        self._contents = contents
        self._limits = limits
        self._log = log
        self._begin = begin
        self._admit = admit
        self._cut_off = cut_off
        self._answered: Claim | None = None  # its reply was given, and perhaps not heard

    async def mail(self, event: smtp.Mail, client: Client) -> MailTransaction | Reply:
        """The transaction that begins or goes on (then `resumption` says where); or why not.

        Raises DatabaseTrouble.
        """
        assert event.transid is not None
        parameters = without_transid(event.parameters)
        if _is_never_kept(event):
            return await self._begin(event, None)
        try:
            claim = await self._checkpoints.claim(
                Key(owner_of(client), client.hello, event.transid), self._cut_off
            )
        except TransactionBusy:
            return BUSY
        found: MailTransaction | Reply = BUSY
        try:
            found = await self._find(
                claim, event, Said(event.reverse_path, parameters, client.tls is not None)
            )
        except TransactionBusy:
            pass
        finally:
            if not isinstance(found, MailTransaction):
                claim.release()
        return found

    async def _find(self, claim: Claim, event: smtp.Mail, said: Said) -> MailTransaction | Reply:
        kept = claim.kept
        if kept is not None and not _is_same(kept.said, said):
            await claim.forget()  # RFC 1845 3: "the same MAIL command"; another one is another transaction
            kept = None
        if kept is not None and kept.state is State.DONE:
            found: MailTransaction | Reply = _answered_before(kept)
        else:
            found = await self._begin(event, QueueId(kept.queue_id) if kept else None)
        if isinstance(found, Reply):
            if not found.is_transient:
                await claim.forget()
            return found
        found.claim, found.said = claim, said
        if kept is None or kept.state is State.DONE:
            return found
        return await self._go_on(found, claim, kept, event)

    async def _go_on(
        self, transaction: MailTransaction, claim: Claim, kept: KeptTransaction, event: smtp.Mail
    ) -> MailTransaction | Reply:
        for recipient in kept.recipients:
            reply = await self._admit(transaction, recipient)
            if reply is None:
                transaction.named.append(recipient)
            elif reply.is_transient:
                return reply  # it stays, for the next time
            else:
                await claim.forget()
                return await self._anew(claim, transaction.said, event)
        draft = await claim.resume(self._limits)
        if draft is None:
            return await self._anew(claim, transaction.said, event)
        await transaction.go_on(draft)
        transaction.resumption = draft.resumption(len(kept.recipients))
        if transaction.begun_at is not None:
            transaction.begun_at = kept.begun_at  # RFC 2852 4: time has run since the first MAIL
        self._log.resumed(transaction, draft.size_bytes)
        return transaction

    async def _anew(self, claim: Claim, said: Said | None, event: smtp.Mail) -> MailTransaction | Reply:
        """What was kept is forgotten: the client says everything again, and hears what is refused now."""
        found = await self._begin(event, None)
        if isinstance(found, MailTransaction):
            found.claim, found.said = claim, said
        return found

    async def begin_content(self, transaction: MailTransaction) -> None:
        """The content comes now: from its start it is kept, if there is room."""
        claim, said = transaction.claim, transaction.said
        if claim is None or said is None or transaction.resumption is not None:
            return
        draft = None
        with suppress(DatabaseTrouble):  # what cannot be kept now may still be accepted
            draft = await claim.begin(said, transaction.named, int(transaction.queue_id), self._limits)
        if draft is None:
            self._log.not_kept(transaction)
            transaction.begin_content(self._contents)
        else:
            await transaction.go_on(draft)

    async def answered(self, transaction: MailTransaction, reply: Reply) -> None:
        """The content has its reply. It is kept until the client is known to have heard it."""
        claim, transaction.claim = transaction.claim, None
        if claim is None:
            return
        self._answered = claim
        try:
            await claim.answered(reply)
        except DatabaseTrouble as trouble:
            self._log.kept_badly(trouble)

    async def interrupted(self, transaction: MailTransaction) -> None:
        """The line broke: what came is kept."""
        claim, transaction.claim = transaction.claim, None
        if claim is None:
            return
        try:
            transaction.leave_draft()
            if octets := await claim.suspend():
                self._log.suspended(transaction, octets)
        except DatabaseTrouble as trouble:
            self._log.kept_badly(trouble)
        finally:
            claim.release()

    async def given_up(self, transaction: MailTransaction | None) -> None:
        """RFC 1845 3: complete by RSET, by a new MAIL, by QUIT; or the content was not fit to be taken."""
        claim, self._answered = self._answered, None
        if transaction is not None and transaction.claim is not None:
            claim, transaction.claim = transaction.claim, None
            transaction.leave_draft()
        if claim is None:
            return
        try:
            await claim.forget()
        except DatabaseTrouble as trouble:  # it is forgotten when its time is over
            self._log.kept_badly(trouble)
        finally:
            claim.release()

    def close(self) -> None:
        """The session is over. Whether the client has heard the last reply nobody knows: it stays."""
        if self._answered is not None:
            self._answered.release()
            self._answered = None


def check_resumed(transaction: MailTransaction, recipient: Recipient) -> Reply | None:
    """The reply to a RCPT of a transaction that goes on: its recipients stand. None: policy decides."""
    if transaction.resumption is None:
        return None
    return RECIPIENT_OK if recipient in transaction.named else NOT_OF_THESE


def _is_never_kept(event: smtp.Mail) -> bool:
    """What is accepted without being kept. Content that has no lines cannot go on at one; replies of each recipient's
    own are not kept; and what is shown on a terminal was for that moment.
    """
    is_binary = (event.parameters.get("BODY") or "").upper() == "BINARYMIME"
    return is_binary or "PRDR" in event.parameters or event.manner is not smtp.Manner.MAIL


def _is_same(kept: Said, said: Said) -> bool:
    """Whether it is the same MAIL; the time that is left is another one each time (RFC 2852 4.1.4)."""
    parameters = [{**one.parameters, "BY": None} for one in (kept, said)]
    return (kept.reverse_path, kept.is_tls) == (said.reverse_path, said.is_tls) and parameters[
        0
    ] == parameters[1]


def without_transid(parameters: Parameters) -> Parameters:
    """The parameters that mean something beyond this hop."""
    return {name: value for name, value in parameters.items() if name != "TRANSID"}


def _answered_before(kept: KeptTransaction) -> MailTransaction:
    """A transaction that lacks nothing but that its client hears the reply."""
    transaction = MailTransaction(QueueId(kept.queue_id), kept.said.reverse_path, kept.said.parameters, [])
    transaction.named = list(kept.recipients)
    transaction.reply = kept.reply
    transaction.resumption = Resumption(kept.size_bytes, len(kept.recipients))
    return transaction
