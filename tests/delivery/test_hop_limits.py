"""What a host says of its limits is kept to, and what it says by 452 is remembered."""

from __future__ import annotations

import pytest
from relay_kit import World

from postel.delivery.hop_limits import HopLimits
from postel.proto.smtp import Offered, SmtpLimits
from postel.queue import Relayed

NAMES = ("a@free.org", "b@free.org", "c@reliable.com", "d@free.org", "e@third.example")


def split(offered: dict[str, tuple[str, ...]], *names: str, learned: int | None = None) -> list[list[str]]:
    """The transactions that these recipients go in."""
    rest, parts = World().job(*names).recipients, []
    limits = HopLimits(learned)
    while rest:
        now, rest = limits.first(rest, Offered(offered))
        parts.append([str(one.mailbox)[0] for one in now])
    return parts


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ((), ["abcde"]),
        (("RCPTMAX=2",), ["ab", "cd", "e"]),
        (("RCPTDOMAINMAX=1",), ["abd", "c", "e"]),
        (("RCPTDOMAINMAX=2",), ["abcd", "e"]),
        (("RCPTMAX=2", "RCPTDOMAINMAX=1"), ["ab", "c", "d", "e"]),
        (("RCPTMAX=0",), ["abcde"]),
    ],
)
def test_recipients_are_split_as_the_host_wishes(said: tuple[str, ...], parts: list[str]) -> None:
    assert split({"LIMITS": said}, *NAMES) == [list(part) for part in parts]


def test_what_was_learned_counts_as_if_it_had_been_said() -> None:
    assert split({}, *NAMES, learned=3) == [list("abc"), list("de")]


def test_a_session_is_spent_after_as_many_transactions_as_the_host_names() -> None:
    offered = Offered({"LIMITS": ("MAILMAX=2",)})
    assert [HopLimits().is_spent(offered, number) for number in range(3)] == [False, False, True]
    assert not HopLimits().is_spent(Offered(), 10_000)


async def test_no_host_is_asked_for_more_recipients_than_it_takes() -> None:
    world = World()
    pluto = await world.sink("pluto.free.org", limits=SmtpLimits(recipients=100))
    names = [f"r{number}@free.org" for number in range(250)]
    work = await world.relay(world.job(*names))
    assert (
        all(isinstance(outcome, Relayed) for outcome in work.outcomes.values())
        if hasattr(work, "outcomes")
        else True
    )
    assert sorted(len(taken.recipients) for taken in pluto.taken) == [50, 100, 100]
    assert pluto.sessions == 1
