"""A public kit for testing mail software: fake time, an internet in one process, a DNS zone as text.

Nothing of the running system imports this room.
"""

from postel.testing.clock import (
    EPOCH_AT,
    Deadlock,
    FakeClock,
    FakeClockLoop,
    InlineWorkers,
    LeftBehind,
    run_checked,
    simulate,
)

__all__ = [
    "EPOCH_AT",
    "Deadlock",
    "FakeClock",
    "FakeClockLoop",
    "InlineWorkers",
    "LeftBehind",
    "run_checked",
    "simulate",
]
