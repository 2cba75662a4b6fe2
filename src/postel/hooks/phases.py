"""The phases of a message's life at which policy is asked, as one table.

Gives       Phase, PHASES, Decision, NO_OPINION.
Not here    What a hook is told: hooks.facts. What it may answer: hooks.verdicts.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from postel.hooks import facts
from postel.hooks.verdicts import (
    Accept,
    AddHeader,
    ChangeRecipients,
    Decisive,
    Defer,
    Discard,
    Refuse,
)


class Phase(enum.StrEnum):
    """The points at which hooks are asked, in the order in which a message meets them."""

    CONNECT = "connect"
    HELLO = "hello"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    CONTENT = "content"
    QUEUED = "queued"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Row:
    """What belongs to one phase: the facts it is told, and the verdicts it may give."""

    facts: type[Any]
    verdicts: frozenset[type[Any]]


_SESSION: Final[frozenset[type[Any]]] = frozenset({Accept, Refuse, Defer, AddHeader})
_MESSAGE: Final[frozenset[type[Any]]] = _SESSION | {Discard}
_RECIPIENTS: Final[frozenset[type[Any]]] = _MESSAGE | {ChangeRecipients}
_NOTHING: Final[frozenset[type[Any]]] = frozenset()

PHASES: Final[Mapping[Phase, Row]] = MappingProxyType(
    {
        Phase.CONNECT: Row(facts.Connect, _SESSION),
        Phase.HELLO: Row(facts.Hello, _SESSION),
        Phase.AUTH: Row(facts.Auth, _SESSION),
        Phase.MAIL: Row(facts.Mail, _MESSAGE),
        Phase.RCPT: Row(facts.Rcpt, _RECIPIENTS),
        Phase.CONTENT: Row(facts.Content, _RECIPIENTS),
        Phase.QUEUED: Row(facts.Queued, _NOTHING),
        Phase.DELIVERED: Row(facts.Delivered, _NOTHING),
        Phase.FAILED: Row(facts.Failed, _NOTHING),
    }
)

Facts: TypeAlias = (
    facts.Connect
    | facts.Hello
    | facts.Auth
    | facts.Mail
    | facts.Rcpt
    | facts.Content
    | facts.Queued
    | facts.Delivered
    | facts.Failed
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What all hooks of one phase said together.

    verdict  the decisive one, None when nobody had any objection.
    added    header fields to add, in the order they were given.
    changes  changes of the envelope, in the order they were given.
    source   which function was decisive, for the log: "policy.py:rcpt".
    """

    verdict: Decisive | None = None
    added: tuple[AddHeader, ...] = ()
    changes: tuple[ChangeRecipients, ...] = ()
    source: str = ""

    @property
    def refusal(self) -> Refuse | Defer | None:
        """The verdict, when it turns the peer away."""
        return self.verdict if isinstance(self.verdict, (Refuse, Defer)) else None

    @property
    def discarded(self) -> Discard | None:
        """The verdict, when the answer is yes and nothing is to be kept."""
        return self.verdict if isinstance(self.verdict, Discard) else None


NO_OPINION: Final = Decision()
"""Nobody was asked, or nobody minded."""
