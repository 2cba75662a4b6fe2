"""What the brakes on clients remember, and whether this process alone or all workers together.

Gives       Brakes, shared_brakes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from postel.directory import Memories
from postel.net import Remembered, RememberedTogether

_LOGINS: Final = 64 * 1024  # networks and accounts that guess, each; 2 MB
_RATES: Final = 16 * 1024  # clients whose messages are counted


@dataclass(frozen=True, slots=True)
class Brakes:
    """None: each process by itself."""

    logins: Memories | None = None
    rates: Remembered | None = None


def shared_brakes() -> Brakes:
    """For a process and all that it forks from then on."""
    logins = Memories(RememberedTogether(_LOGINS), RememberedTogether(_LOGINS))
    return Brakes(logins, RememberedTogether(_RATES))
