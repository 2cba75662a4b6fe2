"""Show a client that said VERB what becomes of its message, as 050 lines before the reply to the content.

Implements  VERB as sendmail had it.
Gives       show_delivery.
Not here    Delivering, or making it durable: when this begins the message is queued, and what is shown changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from postel.message import Action
from postel.net import ConnectionLost, TimedOut
from postel.queue import Change, Following, Grown, Postponed, Settled


async def show_delivery(
    following: Following, show: Callable[[str], None], flush: Callable[[], Awaitable[None]], limit_s: float
) -> None:
    """Show every outcome as it is recorded, for so long at most; a client that goes away misses the rest."""
    try:
        async with asyncio.timeout(limit_s):
            while (change := await following.next()) is not None:
                show(_line(change))
                await flush()
    except TimeoutError:
        show("Delivery goes on; the rest is not shown")
    except (ConnectionLost, TimedOut):
        return


def _line(change: Change) -> str:
    return f"<{change.recipient.mailbox}>... {_outcome(change)}"


def _outcome(change: Change) -> str:
    match change:
        case Grown(members=members):
            return f"Expanded to {len(members)}"
        case Postponed(reply=reply, remote=remote):
            return f"Deferred{_by(remote)}: {reply}"
        case Settled(action=Action.RELAYED, reply=reply, remote=remote):
            return f"Sent{_by(remote)} ({reply})"
        case Settled(action=Action.FAILED, reply=reply, remote=remote):
            return f"Failed{_by(remote)}: {reply}"
        case Settled(action=None):
            return "Discarded"
        case Settled():
            return "Delivered"


def _by(remote: str | None) -> str:
    return f" by {remote}" if remote else ""
