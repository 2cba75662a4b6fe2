"""What a next hop is told of a message's time and rank, and what its offers mean for them.

Implements  RFC 2852 4.1.4 (BY passed on, or not), RFC 4865 3 (7) (a release is awaited here, nobody else hears of it),
            RFC 6710 4.2 and 4.3 (MT-PRIORITY passed on), RFC 3865 2.7 (SOLICIT passed on where offered).
Gives       Terms, terms_of.
Not here    Which parameters may go to which server: proto.smtp. Priority in a header field: tunnel.

    mode R, no DELIVERBY there      returned, 5.3.3: it must not be relayed (RFC 2852 4.1.4.1)
    mode R, too little time left    returned, 5.4.7
    mode N, no DELIVERBY there      relayed, the originator is told so, and delays are reported by whoever has DSN
    the trace flag T                relayed, and the originator is told so

Handing over by LMTP is delivery, not relaying, so what LMTP servers lack is no hindrance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from postel.mail import NO_PARAMETERS, DeliverBy, Parameters, Reply, Status
from postel.mail.replies import EXPIRED
from postel.proto.smtp import Offered
from postel.queue import Failed, Job

# RFC 3463 3.4: x.3.3, the system is not capable of selected features. RFC 2852 7: no other host is tried for it.
NO_DELIVER_BY: Final = Reply(554, Status(5, 3, 3), "The next hop cannot promise delivery in time (DELIVERBY)")
TOO_LITTLE_TIME: Final = Reply(554, Status(5, 4, 7), "The next hop needs more time than is left")

_HERE: Final = ("HOLDFOR", "HOLDUNTIL")
_REPORTS: Final = "FAILURE,DELAY"


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a message goes to a host.

    refusal     why it may not go there; None: it may.
    parameters  those of MAIL.
    is_traced   the originator is told that it was relayed.
    adds_delay  whoever reports on it there shall report delays, too.
    """

    parameters: Parameters
    refusal: Failed | None = None
    is_traced: bool = False
    adds_delay: bool = False

    def notify(self, parameters: Parameters) -> Parameters:
        """The parameters of RCPT: with DELAY among NOTIFY where that is due (RFC 2852 4.1.4.2)."""
        if not self.adds_delay:
            return parameters
        wish = (parameters.get("NOTIFY") or "").upper()
        if wish == "NEVER" or "DELAY" in wish:
            return parameters
        return {**parameters, "NOTIFY": f"{wish},DELAY" if wish else _REPORTS}


_NOTHING_SAID: Final = Terms(NO_PARAMETERS)


def terms_of(job: Job, offered: Offered, now: float, *, is_final: bool) -> Terms:
    """The terms for one message and one host. `is_final`: the host is where it is delivered (LMTP)."""
    parameters = job.parameters
    offers_priority = "MT-PRIORITY" in offered
    if not parameters and not offers_priority:
        return _NOTHING_SAID
    changes: dict[str, str] = {}
    if offers_priority:  # RFC 6710 4.2: the value MUST appear, the default one, too
        changes["MT-PRIORITY"] = str(job.priority)
    wish = job.deliver_by
    if wish is None:
        return Terms(_changed(parameters, changes))
    wish = wish.later(now - job.received_at)
    changes["BY"] = str(wish)
    told = _changed(parameters, changes)
    if is_final:
        return Terms(told)
    if "DELIVERBY" in offered:
        return Terms(told, _too_little(wish, offered), is_traced=wish.is_traced)
    if wish.is_returned:
        return Terms(told, Failed(NO_DELIVER_BY, None, "the host does not offer DELIVERBY"))
    is_in_time = wish.seconds > 0
    return Terms(told, is_traced=wish.is_traced or is_in_time, adds_delay=is_in_time)


def _too_little(wish: DeliverBy, offered: Offered) -> Failed | None:
    """Whether a message that is to be returned can be promised anything there."""
    if not wish.is_returned:
        return None
    if wish.seconds <= 0:
        return Failed(EXPIRED, None, "its time is over")
    least_s = _least_s(offered)
    if wish.seconds < least_s:
        return Failed(TOO_LITTLE_TIME, None, f"{wish.seconds} s are left, the host wants {least_s}")
    return None


def _least_s(offered: Offered) -> int:
    """RFC 2852 2: the least time for mode R, first in a list of options; 0 where none is named."""
    first = next(iter(offered.keywords["DELIVERBY"]), "").partition(",")[0]
    return int(first) if first.isascii() and first.isdigit() and len(first) <= 9 else 0


def _changed(parameters: Parameters, changes: Mapping[str, str]) -> Parameters:
    if not changes and not any(name in parameters for name in _HERE):
        return parameters
    kept = {name: value for name, value in parameters.items() if name not in _HERE}
    return MappingProxyType({**kept, **changes})
