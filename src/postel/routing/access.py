"""Lists of whom we take mail from: the first rule that fits decides.

Implements  RFC 2505 2.5 (by address and by name, accepting and refusing), 2.7 (by reverse path), 2.13 (for good, or for
            now).
Gives       AccessRule, Access, parse_client_rule, parse_path_rule, client_access, path_access.
Not here    Looking names up: client_name. What is said to the client: servers.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

from postel.mail import BadSyntax, IPAddress, Mailbox, parse_domain, parse_mailbox, plain_ip
from postel.routing.patterns import DomainPattern, parse_pattern


class Access(enum.StrEnum):
    """What a rule says."""

    ACCEPT = "accept"
    REFUSE = "refuse"  # for good: 5yz
    LATER = "later"  # for now: 4yz


Network: TypeAlias = IPv4Network | IPv6Network
Pattern: TypeAlias = Network | DomainPattern | Mailbox


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One line of a list. `text` is for the log."""

    access: Access
    pattern: Pattern
    text: str

    @property
    def needs_name(self) -> bool:
        """Whether the client's host name has to be known to tell whether it fits."""
        return isinstance(self.pattern, DomainPattern) and not self.pattern.is_everything


def parse_client_rule(text: str) -> AccessRule:
    """Parse `refuse 192.0.2.0/24`, `accept mx.example.org`, `later .example.org` or `refuse *`. Raises BadSyntax."""
    access, what = _split(text)
    try:
        return AccessRule(access, ip_network(what), text)
    except ValueError:
        return AccessRule(access, _pattern(what), text)


def parse_path_rule(text: str) -> AccessRule:
    """Parse `refuse spam@example.org`, `later example.org`, `accept .example.org` or `refuse *`. Raises BadSyntax."""
    access, what = _split(text)
    return AccessRule(access, parse_mailbox(what) if "@" in what else _pattern(what), text)


def client_access(rules: Iterable[AccessRule], ip: IPAddress | None, name: str | None) -> AccessRule | None:
    """The first rule for a client; `name` is its host name as DNS confirms it, None when there is none."""
    address = plain_ip(ip) if ip is not None else None
    for rule in rules:
        if isinstance(rule.pattern, IPv4Network | IPv6Network):
            fits = address is not None and address in rule.pattern
        else:
            fits = isinstance(rule.pattern, DomainPattern) and _has_name(rule.pattern, name)
        if fits:
            return rule
    return None


def path_access(rules: Iterable[AccessRule], mailbox: Mailbox) -> AccessRule | None:
    """The first rule for a reverse path. RFC 2505 2: local parts are compared without regard to case."""
    for rule in rules:
        if isinstance(rule.pattern, Mailbox):
            if rule.pattern.folded == mailbox.folded:
                return rule
        elif isinstance(rule.pattern, DomainPattern) and _has_name(rule.pattern, mailbox.domain.ascii):
            return rule
    return None


def _split(text: str) -> tuple[Access, str]:
    word, _, what = text.strip().partition(" ")
    try:
        return Access(word), what.strip()
    except ValueError:
        raise BadSyntax('a rule is "accept", "refuse" or "later" and whom: "refuse 192.0.2.0/24"') from None


def _pattern(text: str) -> DomainPattern:
    try:
        return parse_pattern(text)
    except BadSyntax:
        pass
    parse_domain(text.removeprefix("."))
    raise BadSyntax("a rule is about a network, a name, .example.org for all below it, or *")


def _has_name(pattern: DomainPattern, name: str | None) -> bool:
    if pattern.is_everything:
        return True
    if name is None:
        return False
    return name.endswith(f".{pattern.name}") if pattern.is_subdomains else name == pattern.name
