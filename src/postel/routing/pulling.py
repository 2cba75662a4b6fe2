"""Who may fetch the mail of a domain, and queues that have a name: facts of the routing table.

Implements  RFC 2645 5.2.1 (the domains that a customer has access to), RFC 1985 5.3 (`#queue`).
Gives       PullRight, NamedQueue.
Not here    Deciding by them: waiting.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.mail import Mailbox
from postel.routing.patterns import DomainPattern


@dataclass(frozen=True, slots=True)
class PullRight:
    """An account that may have the mail of these domains handed over to it."""

    account: Mailbox
    patterns: tuple[DomainPattern, ...]
    source: str = ""

    def covers(self, name: str) -> bool:
        """Whether it has a right to the domain of that name (A-label form)."""
        return any(
            name.endswith(f".{one.name}") if one.is_subdomains else name == one.name for one in self.patterns
        )


@dataclass(frozen=True, slots=True)
class NamedQueue:
    """A name, folded, for the mail of several domains."""

    name: str
    patterns: tuple[DomainPattern, ...]
    source: str = ""
