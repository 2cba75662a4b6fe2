"""Count what wears our patience out in one session.

Implements  RFC 5321 4.2.5 and 7.8 as far as they let a server end a session that leads nowhere.
Gives       Misconduct.
Not here    What counts as what: server. Saying 421: server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from postel.proto.smtp.events import Breach
from postel.proto.smtp.limits import SmtpLimits

# What each kind is measured by.
_LIMITS: Final[Mapping[Breach, Callable[[SmtpLimits], int]]] = MappingProxyType(
    {
        Breach.TOO_MANY_FAULTS: lambda limits: limits.faults,
        Breach.TOO_MANY_IDLE_COMMANDS: lambda limits: limits.idle_commands,
        Breach.TOO_MANY_REFUSALS: lambda limits: limits.refusals,
        Breach.TOO_MANY_FAILED_LOGINS: lambda limits: limits.failed_logins,
    }
)
_FORGIVEN: Final = (Breach.TOO_MANY_IDLE_COMMANDS, Breach.TOO_MANY_REFUSALS)  # with each message accepted

# Refusals that an honest client may meet many times in one session: they count as refusals, not as faults.
PARDONED: Final = frozenset({Breach.TOO_MANY_RECIPIENTS, Breach.TOO_BIG, Breach.NEEDS_SMTPUTF8})


class Misconduct:
    """How much of each kind a session has to its name."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[Breach, int] = {}

    def is_too_much(self, kind: Breach, limits: SmtpLimits) -> bool:
        """Count one more of a kind, a key of the table above; whether that fills its limit."""
        count = self._counts[kind] = self._counts.get(kind, 0) + 1
        return count >= _LIMITS[kind](limits)

    def forgive(self) -> None:
        """A message was accepted: what an honest client may do many times is forgotten."""
        if self._counts:
            for kind in _FORGIVEN:
                self._counts.pop(kind, None)
