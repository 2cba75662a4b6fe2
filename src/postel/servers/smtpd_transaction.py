"""One mail transaction: from MAIL to the reply to its content.

Implements  RFC 5321 3.3 (the buffers of a transaction), 4.1.1.4.
Gives       MailTransaction.
Not here    Whether it may happen: policy. Making it durable: queue.

The draft of the content belongs to the transaction and goes with it, unless the queue has taken it over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from postel.checkpoints import Claim, KeptDraft, Said
from postel.contents import Contents, Draft
from postel.database import DatabaseTrouble
from postel.hooks import AddHeader, ChangeRecipients, Decision
from postel.mail import (
    NO_PARAMETERS,
    Envelope,
    ForwardPath,
    LocalFault,
    Mailbox,
    Parameters,
    Recipient,
    Reply,
    ReversePath,
)
from postel.message import HeadCollector
from postel.proto.smtp import Manner, Resumption
from postel.queue import QueueId


class MailTransaction:
    """What has been said so far.

    manner        whether it is mail, or for terminals (RFC 821 3.4).
    begun_at      when MAIL came, where something counts from there; None: nothing does.
    added         header fields that hooks want on top of this message.
    greeting      the reply to MAIL, where it is not the usual one.
    discard_as    why the message is to be thrown away after a polite 250; None: it is not.
    asked         the recipients of all RCPT that were answered with yes, in their order, repetitions included.
    refused       those of them who are not to get the content, and what they are told (LMTP, PRDR).
    head          the header section, as far as it has come.
    trouble       why the content could not be stored; None while it could.

    Of one with a TRANSID (RFC 1845) also:

    claim         on what is kept of it; None: nothing is.
    said          its MAIL.
    named         the recipients that were accepted, as the client named them.
    resumption    where it goes on; None: it is a new one.
    reply         what its content was answered when it came the first time.
    """

    __slots__ = (
        "_draft",
        "_is_handed_over",
        "_named",
        "added",
        "asked",
        "begun_at",
        "claim",
        "discard_as",
        "greeting",
        "head",
        "id_text",
        "manner",
        "named",
        "parameters",
        "queue_id",
        "recipients",
        "refused",
        "reply",
        "resumption",
        "reverse_path",
        "said",
        "trouble",
    )

    def __init__(
        self,
        queue_id: QueueId,
        reverse_path: ReversePath,
        parameters: Parameters,
        added: list[AddHeader],
        manner: Manner = Manner.MAIL,
    ) -> None:
        self.queue_id = queue_id
        self.id_text = str(queue_id)
        self.reverse_path = reverse_path
        self.parameters = parameters
        self.manner = manner
        self.recipients: list[Recipient] = []
        self.asked: list[Mailbox] = []
        self.refused: dict[Mailbox, Reply] = {}
        self._named: set[Mailbox] = set()
        self.added = added
        self.begun_at: float | None = None
        self.discard_as: str | None = None
        self.greeting: Reply | None = None
        self.head = HeadCollector()
        self.trouble: DatabaseTrouble | None = None
        self.claim: Claim | None = None
        self.said: Said | None = None
        self.named: list[Recipient] = []
        self.resumption: Resumption | None = None
        self.reply: Reply | None = None
        self._draft: Draft | KeptDraft | None = None
        self._is_handed_over = False

    def add_recipient(self, mailbox: Mailbox, parameters: Parameters, said: Recipient | None = None) -> None:
        """One more, whom the client has named so. Who was named twice gets one copy, and whatever either RCPT wants
        to be told is told.
        """
        if mailbox not in self._named:
            self._named.add(mailbox)
            is_said_so = said is not None and said.forward_path.mailbox is mailbox
            self.recipients.append(
                said if said and is_said_so else Recipient(ForwardPath.of(mailbox), parameters)
            )
        elif parameters or any(one.parameters for one in self.recipients):
            self.recipients = [
                _named_again(one, parameters) if one.forward_path.mailbox == mailbox else one
                for one in self.recipients
            ]

    def refuse(self, mailbox: Mailbox, reply: Reply) -> None:
        """One recipient does not get the content; the others may."""
        self.refused[mailbox] = reply
        self._named.discard(mailbox)
        self.recipients = [one for one in self.recipients if one.forward_path.mailbox != mailbox]

    def replies(self, reply: Reply) -> list[Reply]:
        """What is said of each that was asked for, where `reply` is for all that were not refused alone."""
        return [self.refused.get(mailbox, reply) for mailbox in self.asked]

    def amend(self, decision: Decision) -> None:
        """Take over what hooks want added and changed."""
        if decision.added:
            self.added = [*self.added, *decision.added]
        for change in decision.changes:
            self._change_recipients(change)

    @property
    def mailboxes(self) -> tuple[Mailbox, ...]:
        """The recipients' addresses."""
        return tuple(one.forward_path.mailbox for one in self.recipients if one.forward_path.mailbox)

    def spare(self, mailboxes: Collection[Mailbox]) -> None:
        """These recipients have had the message: it is not for them any more."""
        self.recipients = [one for one in self.recipients if one.forward_path.mailbox not in mailboxes]

    def envelope(self, parameters: Parameters) -> Envelope:
        """The envelope, with the parameters of MAIL as given or corrected."""
        return Envelope(self.reverse_path, tuple(self.recipients), parameters)

    def begin_content(self, contents: Contents) -> None:
        """354 is about to be said."""
        self._draft = contents.draft()

    async def go_on(self, draft: KeptDraft) -> None:
        """The content is kept: what has come of it before, and what comes now. Raises DatabaseTrouble."""
        self._draft = draft
        async for piece in draft.chunks():
            self.head.feed(piece)
            if self.head.is_finished:
                break

    async def take(self, chunk: bytes) -> None:
        """A piece of content. What cannot be stored is `trouble`, and the rest is let go by."""
        if self._draft is None:
            return
        if not self.head.is_finished:
            self.head.feed(chunk)
        try:
            await self._draft.write(chunk)
        except DatabaseTrouble as trouble:
            self.trouble = trouble
            await self.drop()

    @property
    def draft(self) -> Draft | KeptDraft:
        """The content. Raises LocalFault when there is none."""
        if self._draft is None:
            raise LocalFault("the transaction has no content")
        return self._draft

    def read(self) -> AsyncIterator[bytes]:
        """The content from its start."""
        return self.draft.chunks()

    @property
    def is_handed_over(self) -> bool:
        """Whether the queue has it: neither dropped nor only shown."""
        return self._is_handed_over

    def hand_over(self) -> None:
        """The queue is responsible for the content from now on."""
        self._draft = None
        self._is_handed_over = True

    def leave_draft(self) -> None:
        """The content is somebody else's business."""
        self._draft = None

    async def drop(self) -> None:
        """Forget the content. Nothing of it stays behind."""
        draft, self._draft = self._draft, None
        if draft is not None:
            await draft.discard()

    def _change_recipients(self, change: ChangeRecipients) -> None:
        gone = {mailbox.folded for mailbox in change.remove}
        self._named = {mailbox for mailbox in self._named if mailbox.folded not in gone}
        self.recipients = [one for one in self.recipients if one.forward_path.mailbox in self._named]
        for mailbox in change.add:
            self.add_recipient(mailbox, NO_PARAMETERS)


def _named_again(one: Recipient, parameters: Parameters) -> Recipient:
    """RFC 3461 4.1: each RCPT says what its sender wants to hear, so one report too many is the lesser mistake. Without
    NOTIFY that is failure, perhaps delay; NEVER adds nothing. Other parameters are those of the first.
    """
    both = {**parameters, **one.parameters}
    if "NOTIFY" not in both:
        return Recipient(one.forward_path, both)
    wishes = _wishes(one.parameters) | _wishes(parameters)
    notify = ",".join(sorted(wishes - {"NEVER"})) or "NEVER"
    return Recipient(one.forward_path, {**both, "NOTIFY": notify})


def _wishes(parameters: Parameters) -> set[str]:
    return set((parameters.get("NOTIFY") or "FAILURE,DELAY").upper().split(","))
