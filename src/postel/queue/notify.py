"""Whether the originator wants to hear of an outcome.

Implements  RFC 3461 4.1 (NOTIFY), 4.3 (RET), 5.2.5 to 5.2.7 (delays, failures, aliases).
Gives       wants_report, wants_nothing, returns_content, passed_on.
Not here    Null reverse paths, which never get any (queue.reports).
"""

from __future__ import annotations

from typing import Final

from postel.mail import Parameters
from postel.message import Action

_KEYWORDS: Final = {
    Action.FAILED: "FAILURE",
    Action.DELAYED: "DELAY",
    Action.DELIVERED: "SUCCESS",
    Action.RELAYED: "SUCCESS",
    Action.EXPANDED: "SUCCESS",
}
# RFC 3461 4.1: without NOTIFY, failures are reported; delays may be (5.2.5 b).
_DEFAULT: Final = frozenset({"FAILURE", "DELAY"})


def wants_report(parameters: Parameters, action: Action) -> bool:
    """Whether NOTIFY of this RCPT asks for a report of such an outcome."""
    return _KEYWORDS[action] in _wishes(parameters)


def wants_nothing(parameters: Parameters) -> bool:
    """Whether NOTIFY of this RCPT is NEVER."""
    return "NEVER" in _wishes(parameters)


def returns_content(parameters: Parameters) -> bool:
    """Whether a report of failure may return the whole message: RET of MAIL is not HDRS.

    RFC 8689 5: with REQUIRETLS as if it were.
    """
    return (parameters.get("RET") or "FULL").upper() != "HDRS" and "REQUIRETLS" not in parameters


def passed_on(parameters: Parameters, copies: int) -> Parameters:
    """The RCPT parameters that the members of an alias inherit, of which it makes so many copies."""
    if copies == 1 or not parameters.get("NOTIFY"):
        return parameters  # RFC 3461 5.2.7.2: a single-recipient alias hands everything on
    # RFC 3461 5.2.7.3 (c): all of them, but SUCCESS is answered by us.
    rest = sorted(_wishes(parameters) - {"SUCCESS"}) or ["NEVER"]
    return {**parameters, "NOTIFY": ",".join(rest)}


def _wishes(parameters: Parameters) -> frozenset[str]:
    value = parameters.get("NOTIFY")
    return frozenset(value.upper().split(",")) if value else _DEFAULT
