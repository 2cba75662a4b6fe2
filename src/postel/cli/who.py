"""Who runs a command, and what mail of theirs is from.

Gives       User, find_user, origin_of, mailbox_of, parse_reverse_path, parse_mailboxes.

A bare local part, on the command line or in a header, is taken to be at the first of our domains, and at our
host name where there is none: mail for `root` goes where mail for root@ that domain goes.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

from postel.config import Loaded
from postel.mail import BadSyntax, Domain, LocalPart, Mailbox, ReversePath, parse_domain
from postel.message import parse_addresses


@dataclass(frozen=True, slots=True)
class User:
    """An account of this machine. `full_name` may be empty."""

    name: str
    full_name: str


def find_user() -> User:
    """Who has started this process: to be asked before it becomes somebody else."""
    uid = os.getuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return User(f"uid{uid}", "")
    full_name = entry.pw_gecos.partition(",")[0].replace("&", entry.pw_name.capitalize())
    return User(entry.pw_name, full_name.strip() if full_name.isprintable() else "")


def origin_of(loaded: Loaded) -> Domain:
    """The domain of a bare local part."""
    name = loaded.config.domain[0].name if loaded.config.domain else loaded.config.hostname
    assert name is not None, "config.check refuses what has no name"
    return parse_domain(name)


def mailbox_of(user: User, origin: Domain) -> Mailbox:
    """The address of a user of this machine."""
    return Mailbox(LocalPart(user.name), origin)


def parse_reverse_path(text: str, origin: Domain) -> ReversePath:
    """The value of -f: an address, a bare local part, `<>` or nothing for the null path. Raises BadSyntax."""
    if text.strip() in ("", "<>"):
        return ReversePath.NULL
    found = parse_mailboxes(text, origin)
    if len(found) != 1:
        raise BadSyntax("a reverse path is one address, or <>")
    return ReversePath(found[0])


def parse_mailboxes(text: str, origin: Domain) -> tuple[Mailbox, ...]:
    """Addresses as a command line has them: one, or a list with commas. Raises BadSyntax."""
    if not text.isprintable():
        raise BadSyntax("an address holds no control characters")
    found = parse_addresses(text, origin)
    if not found.mailboxes or not found.is_whole:
        raise BadSyntax("an address is like ann@example.org")
    return found.mailboxes
