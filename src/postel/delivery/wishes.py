"""What one message says about TLS, and what becomes of it where that cannot be had.

Implements  RFC 8689 4.1 (which messages are tagged), 4.2.1 (TLS required, and the report without it), 4.2.2 (TLS
            optional), 5 (a report is not lost for want of it).
Gives       Wishes, outcome_without_tls, is_about_tls.
Not here    What the wish does to the demand: routing. Opening sessions: delivery.opening.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from postel.contents import Contents
from postel.delivery.trouble import ENCRYPTION_NEEDED, REQUIRETLS_NEEDED, TLS_NEEDED, HopTrouble
from postel.delivery.walk import NobodyThere
from postel.mail import Reply
from postel.message import HeaderBlock
from postel.queue import Delayed, Failed, Job, Outcome, QueueId
from postel.routing import Care, TlsDemand

HEADER_LIMIT: Final = 256 * 1024  # octets looked at for TLS-Required
_ABOUT_TLS: Final = frozenset({TLS_NEEDED, REQUIRETLS_NEEDED})


class Wishes:
    """The wishes of the messages of one lane.

    demand          what the destination owes us.
    may_be_optional whether a message may do without; a configured next hop is no recipient's policy.
    is_local        the next hop is a unix socket: mail never leaves this machine there (RFC 8689 4.4).
    """

    def __init__(
        self, contents: Contents, demand: TlsDemand, *, may_be_optional: bool, is_local: bool
    ) -> None:
        self._contents = contents
        self._may_be_optional = may_be_optional and demand.insists
        self._is_local = is_local
        self._relaxed: QueueId | None = None

    async def of(self, job: Job) -> Care:
        """The wish of one message."""
        if "REQUIRETLS" in job.parameters:
            return Care.BY_POLICY if self._is_local or job.queue_id == self._relaxed else Care.REQUIRED
        if self._may_be_optional and await self._says_no(job):
            return Care.OPTIONAL
        return Care.BY_POLICY

    def relax(self, job: Job) -> None:
        """RFC 8689 5: a report goes on where REQUIRETLS is not to be had."""
        self._relaxed = job.queue_id

    async def _says_no(self, job: Job) -> bool:
        reader = await self._contents.reader(job.content_id)
        head = await reader.head_of(HEADER_LIMIT)
        if b"tls-required" not in head.lower():
            return False
        found = HeaderBlock.parse(head).all("TLS-Required")
        return len(found) == 1 and found[0].strip().lower() == "no"  # RFC 8689 3: one, with this one value


def is_about_tls(outcome: Outcome, troubles: Sequence[HopTrouble]) -> bool:
    """Whether less of a wish might have brought the message on."""
    return isinstance(outcome, Failed) or any(trouble.reply.status in _ABOUT_TLS for trouble in troubles)


def outcome_without_tls(nobody: NobodyThere, troubles: Sequence[HopTrouble]) -> Outcome:
    """RFC 8689 4.2.1: returned with 5.7.30 or 5.7.10; a host that could not be reached may do better later."""
    others = [trouble for trouble in troubles if trouble.reply.status not in _ABOUT_TLS]
    if any(trouble.reply.is_transient for trouble in others) or (not troubles and nobody.reply.is_transient):
        return Delayed(nobody.reply, nobody.remote, nobody.because)
    if len(others) == len(troubles):  # it is not about TLS at all
        return Failed(nobody.reply, nobody.remote, nobody.because)
    telling = [trouble for trouble in troubles if trouble.reply.status == REQUIRETLS_NEEDED] or troubles
    status = REQUIRETLS_NEEDED if telling is not troubles else ENCRYPTION_NEEDED
    words = "REQUIRETLS support required" if status == REQUIRETLS_NEEDED else "Encryption needed"
    told = telling[-1]
    return Failed(Reply(550, status, f"{words}: {told.remote}: {told.because}"), None, told.because)
