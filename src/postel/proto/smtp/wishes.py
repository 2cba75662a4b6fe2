"""Which wishes about a message's time and rank a service listens to, and how it announces them.

Implements  RFC 2852 2 (DELIVERBY), RFC 4865 3 (FUTURERELEASE), RFC 6710 3 (MT-PRIORITY), RFC 3865 2.1 (NO-SOLICITING).
Gives       WishOptions and the four offers.
Not here    The parameters' checks: wish_parameters. The values: mail. What is done about them: servers,
            queue, delivery.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.mail import format_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class WishOptions:
    """Which wishes a service listens to. By default none is.

    deliver_by_least_s  the shortest time for BY with R that can be promised; None: DELIVERBY is not offered.
    hold_longest_s      how long a message may be held before its release; 0: FUTURERELEASE is not offered.
    hold_until          the most remote instant of release, Unix seconds.
    priority_profile    the name of the priority assignment policy (RFC 6710 9.2), "" to keep it to ourselves; None:
                        MT-PRIORITY is not offered.
    no_soliciting       classes of solicitation refused to everybody; None: NO-SOLICITING is not offered.
    """

    deliver_by_least_s: int | None = None
    hold_longest_s: int = 0
    hold_until: float = 0.0
    priority_profile: str | None = None
    no_soliciting: tuple[str, ...] | None = None


def offer_deliver_by(wishes: WishOptions) -> str | None:
    """RFC 2852 2: the least time of R; left out where there is none to speak of."""
    return None if wishes.deliver_by_least_s is None else str(wishes.deliver_by_least_s or "")


def offer_future_release(wishes: WishOptions) -> str | None:
    """RFC 4865 3 (3): the longest interval, and the most remote date and time."""
    if not wishes.hold_longest_s:
        return None
    return f"{wishes.hold_longest_s} {format_instant(wishes.hold_until)}"


def offer_priority(wishes: WishOptions) -> str | None:
    """RFC 6710 3 (3): the name of the policy, if it is told."""
    return wishes.priority_profile


def offer_no_soliciting(wishes: WishOptions) -> str | None:
    """RFC 3865 2.1: the classes that nobody here wants."""
    return None if wishes.no_soliciting is None else ",".join(wishes.no_soliciting)
