"""Wishes of time and rank at our door: who may have which, and what becomes of them on the way in.

Implements  RFC 4865 4.2 and 6 (HOLDUNTIL, the quota), 5.2.2; RFC 2852 4 (the time counts from MAIL);
            RFC 6710 4.1 and 11 (only the trusted rise), RFC 6758 3.1 (a priority in a header field);
            RFC 3865 2.3, 2.4, 2.7 (classes of solicitation that are refused).
Gives       GrantOptions, wish_options, refuse_wishes, refuse_solicitation, solicitation_of, grant_priority,
            heard, is_over.
Not here    Syntax and fixed limits: proto.smtp.wish_parameters. What time does to a message: queue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from postel.hooks import Client, Refuse
from postel.mail import (
    HIGHEST,
    BadSyntax,
    Parameters,
    Reply,
    Status,
    deliver_by_of,
    parse_hold_until,
    parse_priority,
    parse_solicitation,
    priority_of,
    unwanted,
)
from postel.mail.replies import EXPIRED
from postel.message import HeaderBlock
from postel.proto.smtp import RELEASED_TOO_LATE, WishOptions
from postel.queue import Queue
from postel.routing import IPNetwork
from postel.servers.admission import is_within

RELEASE_HAS_PASSED: Final = Reply(501, Status(5, 5, 4), "HOLDUNTIL is an instant that has passed")
# RFC 4865 6 (5). RFC 6710 has given the same status another meaning since; the text says which is meant.
TOO_MANY_HELD: Final = Reply(552, Status(5, 7, 16), "Too many messages of yours wait for their release")

_HELD: Final = frozenset({"HOLDFOR", "HOLDUNTIL"})
_ROUNDED_S: Final = 60  # the most remote instant is announced by the minute


@dataclass(frozen=True, kw_only=True)
class GrantOptions:
    """What a service grants. By default nothing.

    deliver_by_least_s  the least time for BY with R; None: DELIVERBY is not offered.
    hold_longest_s      how long a message may wait for its release; 0: FUTURERELEASE is not offered.
    hold_messages       how many messages of an account may.
    priority_profile    the name of our priority assignment policy; None: MT-PRIORITY is not offered.
    priority_networks   clients that may ask for more than the usual priority.
    priority_logins     whether those who are logged in may.
    priority_highest    what they get at most.
    tunnels_priority    whether the header field MT-Priority counts where the parameter is missing.
    no_soliciting       classes of solicitation that are refused; None: NO-SOLICITING is not offered.
    domains_not_soliciting  further ones, by the ASCII form of a recipient's domain.
    """

    deliver_by_least_s: int | None = None
    hold_longest_s: int = 0
    hold_messages: int = 100
    priority_profile: str | None = None
    priority_networks: tuple[IPNetwork, ...] = ()
    priority_logins: bool = False
    priority_highest: int = HIGHEST
    tunnels_priority: bool = False
    no_soliciting: tuple[str, ...] | None = None
    domains_not_soliciting: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def reads_header(self) -> bool:
        """Whether the header says something that the envelope may lack."""
        return self.no_soliciting is not None or self.tunnels_priority

    @cached_property
    def refused(self) -> frozenset[str]:
        """The classes that nobody here wants, in lower case."""
        return frozenset(word.lower() for word in self.no_soliciting or ())

    @cached_property
    def refused_at(self) -> dict[str, frozenset[str]]:
        """The same for domains."""
        return {
            domain: frozenset(word.lower() for word in words) for domain, words in self.domains_not_soliciting
        }


def wish_options(policy: GrantOptions, now: float, *, is_submission: bool) -> WishOptions:
    """What the machine is told. RFC 4865 4.2 (2): only a submission service holds messages."""
    longest_s = policy.hold_longest_s if is_submission else 0
    return WishOptions(
        deliver_by_least_s=policy.deliver_by_least_s,
        hold_longest_s=longest_s,
        hold_until=(now + longest_s) // _ROUNDED_S * _ROUNDED_S if longest_s else 0.0,
        priority_profile=policy.priority_profile,
        no_soliciting=policy.no_soliciting,
    )


async def refuse_wishes(
    policy: GrantOptions, parameters: Parameters, client: Client, queue: Queue, now: float
) -> Refuse | None:
    """What speaks against MAIL with these parameters; None for nearly all mail."""
    if "SOLICIT" in parameters and (refused := refuse_solicitation(parameters, policy.refused)):
        return refused
    if _HELD.isdisjoint(parameters):
        return None
    return _refuse_release(parameters, now) or await _refuse_more_held(policy, client, queue)


def _refuse_release(parameters: Parameters, now: float) -> Refuse | None:
    """RFC 4865 4.2 (8), 5.2.2: an instant is held against the clock here, an interval was by the machine."""
    value = parameters.get("HOLDUNTIL")
    if not value:
        return None
    at, wish = parse_hold_until(value), deliver_by_of(parameters)
    if at <= now:
        return Refuse(RELEASE_HAS_PASSED, because=value)
    if wish is not None and at > now + wish.seconds:
        return Refuse(RELEASED_TOO_LATE, because=f"HOLDUNTIL={value} BY={wish}")
    return None


async def _refuse_more_held(policy: GrantOptions, client: Client, queue: Queue) -> Refuse | None:
    """RFC 4865 6 (2) to (5)."""
    limit = policy.hold_messages
    if client.account is None or await queue.count_scheduled(str(client.account), limit) < limit:
        return None
    return Refuse(TOO_MANY_HELD, because=f"{limit} messages of {client.account} wait already")


def refuse_solicitation(parameters: Parameters, refused: Iterable[str]) -> Refuse | None:
    """RFC 3865 2.4: 550 5.7.1 with the classes that matched."""
    words = unwanted(_keywords(parameters.get("SOLICIT")), frozenset(refused))
    if not words:
        return None
    return Refuse(Reply(550, Status(5, 7, 1), f"SOLICIT={','.join(words)}"), because="no soliciting")


def solicitation_of(header: HeaderBlock) -> str | None:
    """RFC 3865 2.5 and 2.7: what the field Solicitation says, if it can be read."""
    value = (header.get("Solicitation") or "").replace(" ", "")
    return value if _keywords(value) else None


def _keywords(value: str | None) -> tuple[str, ...]:
    try:
        return parse_solicitation(value) if value else ()
    except BadSyntax:
        return ()


def settle_priority(policy: GrantOptions, asked: int, client: Client) -> int:
    """RFC 6710 4.1: the priority that a message gets. Anybody may ask for less than the usual."""
    is_trusted = is_within(client.ip, policy.priority_networks) or (
        policy.priority_logins and client.account is not None
    )
    return min(asked, policy.priority_highest if is_trusted else 0)


def grant_priority(
    policy: GrantOptions, parameters: Parameters, client: Client
) -> tuple[Parameters, Reply | None]:
    """The parameters of MAIL as granted, and the reply where that is not what was asked for."""
    asked = priority_of(parameters)
    granted = settle_priority(policy, asked, client)
    if granted == asked:
        return parameters, None
    text = f"{granted} is the priority of this message; you may not ask for more"
    return {**parameters, "MT-PRIORITY": str(granted)}, Reply(250, Status(2, 3, 6), text)


def heard(
    policy: GrantOptions, parameters: Parameters, head: bytes, client: Client, late_s: float
) -> Parameters:
    """The parameters of MAIL as they are queued: times count from now, so many seconds after MAIL; and what only the
    header said is said in the envelope, too.
    """
    changes: dict[str, str] = {}
    if (wish := deliver_by_of(parameters)) is not None:
        changes["BY"] = str(wish.later(late_s))
    lower = head.lower() if policy.reads_header else b""
    if b"solicitation:" in lower and "SOLICIT" not in parameters:  # RFC 3865 2.7
        changes |= _said("SOLICIT", solicitation_of(HeaderBlock.parse(head)))
    if policy.tunnels_priority and b"mt-priority:" in lower and "MT-PRIORITY" not in parameters:
        asked = _tunnelled(HeaderBlock.parse(head))
        granted = None if asked is None else settle_priority(policy, asked, client)
        changes |= _said("MT-PRIORITY", granted)
    return {**parameters, **changes} if changes else parameters


def _said(name: str, value: str | int | None) -> dict[str, str]:
    return {} if value is None else {name: str(value)}


def _tunnelled(header: HeaderBlock) -> int | None:
    """RFC 6758 3.1: the one field MT-Priority, if there is just one and it can be read."""
    values = header.all("MT-Priority")
    try:
        return parse_priority(values[0]) if len(values) == 1 else None
    except BadSyntax:
        return None


def is_over(parameters: Parameters) -> Reply | None:
    """RFC 2852 4.1.3: the reply to content whose time in mode R was over before it had come."""
    wish = deliver_by_of(parameters)
    return EXPIRED if wish is not None and wish.is_returned and wish.seconds <= 0 else None
