"""The time by which a message is to be delivered, as the BY parameter says it.

Implements  RFC 2852 4 (BY of MAIL).
Gives       DeliverBy, parse_deliver_by, deliver_by_of.
Not here    What happens at that time: queue. What a next hop is told: delivery.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from postel.mail.envelope import Parameters
from postel.mail.fault import BadSyntax

BY_LIMIT_S: Final = 999_999_999
_VALUE: Final = re.compile(r"(?P<time>[-+]?[0-9]{1,9});(?P<mode>[NR])(?P<trace>T?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DeliverBy:
    """A wish for delivery in time.

    seconds       from when the wish was heard; not positive: the time had come before.
    is_returned   mode R: what is not delivered by then is returned. Else N: the originator is told, and delivery
                  goes on.
    is_traced     every hop tells the originator that it has passed the message on.
    """

    seconds: int
    is_returned: bool = False
    is_traced: bool = False

    def __str__(self) -> str:
        return f"{self.seconds};{'R' if self.is_returned else 'N'}{'T' if self.is_traced else ''}"

    def later(self, seconds: float) -> DeliverBy:
        """The same wish as it is heard so many seconds later."""
        left = self.seconds - round(seconds)
        return replace(self, seconds=max(-BY_LIMIT_S, min(left, BY_LIMIT_S)))


def parse_deliver_by(text: str) -> DeliverBy:
    """The value of BY: `120;R`, `-5;NT`. Raises BadSyntax; R and no time left is a mistake, too (RFC 2852 4)."""
    match = _VALUE.fullmatch(text)
    if match is None:
        raise BadSyntax("BY is a number of seconds, a semicolon, N or R, and perhaps T")
    found = DeliverBy(int(match["time"]), match["mode"] in "Rr", bool(match["trace"]))
    if found.is_returned and found.seconds <= 0:
        raise BadSyntax("BY with R leaves at least one second")
    return found


def deliver_by_of(parameters: Parameters) -> DeliverBy | None:
    """The wish among the parameters of MAIL, which have been checked; None without."""
    value = parameters.get("BY")
    if not value:
        return None
    match = _VALUE.fullmatch(value)
    assert match is not None, value
    return DeliverBy(int(match["time"]), match["mode"] in "Rr", bool(match["trace"]))
