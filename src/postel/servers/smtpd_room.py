"""Whether there is room: on the disk, and in the mailboxes of accounts.

Implements  RFC 1870 6.1 (452 at MAIL), 6.4 (452 and 552 at RCPT), RFC 3463 3.3 (x.2.2, x.2.3) and 3.4 (x.3.1).
Gives       Room, FullMailbox, no_space, no_quota.
Not here    The fixed limit of a message: proto.smtp. Measuring: the application joins it.

    the disk has no room now                            452 4.3.1, at MAIL
    the message is larger than the whole quota          552 5.2.3: it can never fit (RFC 3463: "permanent")
    the mailbox is full now                             452 4.2.2: people clear mailboxes (RFC 3463: "persistent
                                                        transient"), or 552 5.2.2 where the configuration says so
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from postel.hooks import Defer, Refuse
from postel.mail import Parameters
from postel.mail.replies import MAILBOX_FULL, MAILBOX_FULL_FOR_GOOD, MESSAGE_NEVER_FITS, SYSTEM_FULL
from postel.store import Fill


class FullMailbox(enum.Enum):
    """What becomes of mail for a mailbox that is full."""

    WAIT = "wait"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Room:
    """Where a service looks for room.

    free_bytes  octets free on the disk, measured a moment ago; None: nobody measures.
    reserve_bytes  what is to stay free.
    fill        how full an account is, by its folded address; None: it has no limit.
    """

    free_bytes: Callable[[], Awaitable[int]] | None = None
    reserve_bytes: int = 0
    fill: Callable[[str], Awaitable[Fill | None]] | None = None


async def no_space(room: Room, parameters: Parameters) -> Defer | None:
    """Whether the disk has no room for a message of the declared size."""
    if room.free_bytes is None:
        return None
    free_bytes = await room.free_bytes()
    if free_bytes - int(parameters.get("SIZE") or 0) >= room.reserve_bytes:
        return None
    return Defer(SYSTEM_FULL, because=f"{free_bytes} octets are free")


def no_quota(fill: Fill, full: FullMailbox, account: str, size_bytes: int) -> Refuse | Defer | None:
    """Whether an account that is so full has no room for a message of this size."""
    because = f"{account} stores {fill}"
    if fill.never_fits(size_bytes):
        return Refuse(MESSAGE_NEVER_FITS, because)
    if fill.has_room(max(size_bytes, 1)):
        return None
    if full is FullMailbox.WAIT:
        return Defer(MAILBOX_FULL, because)
    return Refuse(MAILBOX_FULL_FOR_GOOD, because)
