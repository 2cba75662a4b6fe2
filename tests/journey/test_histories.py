"""Random histories of a network: cables, lines, DNS, restarts, power, disks and moody peers; when the dust settles,
nobody is forgotten.

Each history is a seed. A failing one prints its seed and its journey, and POSTEL_HISTORY=seed plays it again, alone:

    POSTEL_HISTORY=123 pytest -p no:randomly tests/journey/test_histories.py
    POSTEL_HISTORIES=5000 pytest tests/journey/test_histories.py      # more of them
    POSTEL_HISTORY_FIRST=9000                                         # other ones

The invariants (RFC 5321 6.1): each recipient of an accepted letter got it, whole, or its sender a report; a letter
comes twice only where a connection broke (RFC 5321 4.5.3.2.6, RFC 1047), and never into a mailbox of the server that
accepted it; nobody gets what was not sent to them; every queue is empty in the end.
"""

from __future__ import annotations

import os
from typing import Final

import pytest
from history_kit import ZONE, History, begin, judge, live, settle
from power_kit import scratch

from postel.testing import MailNetwork, simulate

HISTORIES: Final = int(os.environ.get("POSTEL_HISTORIES", "100"))
ONE: Final = os.environ.get("POSTEL_HISTORY")
FIRST: Final = int(os.environ.get("POSTEL_HISTORY_FIRST", "1"))
SHARES: Final = 4


async def play(seed: int) -> History:
    """Every second history has disks that can fail; the others are fast."""
    has_disks = seed % 2 == 0
    with scratch() as folder:
        async with MailNetwork(ZONE, seed=seed, disks=folder if has_disks else None) as net:
            h = await begin(net, seed, has_disks=has_disks)
            try:
                await live(h)
                await settle(h)
                await judge(h)
            except Exception as error:
                told = "\n".join(h.journey)
                raise AssertionError(f"POSTEL_HISTORY={seed}: {error!r}\n{told}") from error
            return h


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("share", range(SHARES))
def test_after_any_history_each_recipient_has_the_letter_or_its_sender_a_report(share: int) -> None:
    seeds = range(FIRST + share, FIRST + HISTORIES, SHARES)
    for seed in seeds if ONE is None else [int(ONE)] if share == 0 else []:
        simulate(lambda seed=seed: play(seed))  # type: ignore[misc]


@pytest.mark.slow
def test_a_history_is_the_same_each_time() -> None:
    """Else a seed would be worth nothing."""
    first, second = (simulate(lambda: play(4)).journey for _ in range(2))
    assert first == second
