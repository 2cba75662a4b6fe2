"""What became of one recipient after an attempt.

Implements  RFC 3464 2.3.3 (the actions delivered, relayed, expanded, delayed, failed).
Gives       Outcome and its kinds, Effect, NotNow.
Not here    What the queue makes of an outcome: queue.settle.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from postel.database import Transaction
from postel.mail import Mailbox, Reply

Effect: TypeAlias = Callable[[Transaction], Awaitable[None]]


class NotNow(Exception):
    """Raised by an effect that finds out in its transaction that it cannot be: tried again, as after a delay."""

    def __init__(self, reply: Reply, because: str) -> None:
        super().__init__(because)
        self.reply = reply
        self.because = because


@dataclass(frozen=True, slots=True)
class Delivered:
    """It is in the recipient's mailbox, or will be at the instant that takes it out of the queue.

    effect      runs in the transaction that records this outcome: both happen or neither. May raise NotNow.
    """

    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class Relayed:
    """The next hop said 250 and is responsible now.

    remote      the host that took it.
    is_reporting  whether that host understood our DSN parameters and will report as they ask (RFC 3461 5.2.1).
    is_traced     whether the originator is told of this hop, whoever reports besides (RFC 2852 4.1.4).
    """

    remote: str
    reply: Reply
    is_reporting: bool = False
    is_traced: bool = False


@dataclass(frozen=True, slots=True)
class Expanded:
    """The recipient is an alias; its members take its place in the same message (RFC 5321 3.9.1).

    effect      what the alias leads to besides: runs in the transaction that makes the members recipients.
    """

    members: tuple[Mailbox, ...]
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class Delayed:
    """Not now (RFC 5321 4.2.1: 4yz). `remote` names the host that said so; None: we found out ourselves.

    because     for the log; strangers never see it.
    """

    reply: Reply
    remote: str | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Never (5yz)."""

    reply: Reply
    remote: str | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Discarded:
    """Thrown away because a route or a hook says so; nobody is told."""

    because: str = ""


Outcome: TypeAlias = Delivered | Relayed | Expanded | Delayed | Failed | Discarded
