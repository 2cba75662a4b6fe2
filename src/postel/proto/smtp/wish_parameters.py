"""The checks of the parameters by which originators wish for time and rank.

Implements  RFC 2852 4 (BY), RFC 4865 4.2 (HOLDFOR, HOLDUNTIL), RFC 6710 4.1 (MT-PRIORITY), RFC 3865 2.3 (SOLICIT).
Gives       The checks that the extension table names, check_together, RELEASED_TOO_LATE.
Not here    What needs a clock, an account or a policy to decide: servers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from postel.mail import (
    BadSyntax,
    Parameters,
    Reply,
    Status,
    deliver_by_of,
    format_instant,
    parse_deliver_by,
    parse_hold_for,
    parse_hold_until,
    parse_priority,
    parse_solicitation,
)
from postel.proto.smtp.options import ServerOptions

T = TypeVar("T")

# RFC 4865 5.2.2
RELEASED_TOO_LATE: Final = Reply(501, Status(5, 5, 4), "The release would come after the time of BY")


def check_by(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 2852 4: 501 5.5.4 for what is no BY; 555 for R in less time than we announce (2852 3 and 4)."""
    found = _read(parse_deliver_by, value)
    if isinstance(found, Reply):
        return found
    least_s = options.wishes.deliver_by_least_s or 0
    if found.is_returned and found.seconds < least_s:
        return Reply(555, Status(5, 5, 4), f"BY with R is for {least_s} seconds or more")
    return None


def check_hold_for(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 4865 4.2 (7), (10), (11): 501 5.5.4 for what is no interval, or too long a one."""
    found = _read(parse_hold_for, value)
    if isinstance(found, Reply):
        return found
    longest_s = options.wishes.hold_longest_s
    return _invalid(f"HOLDFOR is {longest_s} seconds at most") if found > longest_s else None


def check_hold_until(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 4865 4.2 (8), (10), (11): 501 5.5.4 for what is no instant, or too remote a one."""
    found = _read(parse_hold_until, value)
    if isinstance(found, Reply):
        return found
    until = options.wishes.hold_until
    return _invalid(f"HOLDUNTIL is {format_instant(until)} at the latest") if found > until else None


def check_priority(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 6710 4.1 (1): 501 with 5.5.2 for what is no priority."""
    found = _read(parse_priority, value)
    return Reply(501, Status(5, 5, 2), found.text) if isinstance(found, Reply) else None


def check_solicit(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 3865 2.3: SOLICIT is a list of classes."""
    found = _read(parse_solicitation, value)
    return found if isinstance(found, Reply) else None


def check_together(parameters: Parameters) -> Reply | None:
    """What is wrong with wishes beside each other. None for nearly all mail, which has none."""
    if "HOLDFOR" not in parameters:
        return None
    if "HOLDUNTIL" in parameters:  # RFC 4865 4.2 (9)
        return _invalid("HOLDFOR and HOLDUNTIL exclude each other")
    deliver_by = deliver_by_of(parameters)
    if deliver_by is not None and int(parameters["HOLDFOR"] or 0) > deliver_by.seconds:
        return RELEASED_TOO_LATE
    return None


def _read(parse: Callable[[str], T], value: str | None) -> T | Reply:
    try:
        return parse(value or "")
    except BadSyntax as bad:
        return _invalid(str(bad)[:1].upper() + str(bad)[1:])


def _invalid(text: str) -> Reply:
    return Reply(501, Status(5, 5, 4), text)
