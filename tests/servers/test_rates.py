"""So much in an hour, and no more."""

from hypothesis import given
from hypothesis import strategies as st

from postel.net import RememberedHere
from postel.servers.rates import KEYS_LIMIT, Rates


def test_a_burst_of_an_hours_worth_is_fine_and_then_it_comes_back_evenly() -> None:
    rates = Rates(6)
    assert [rates.take("ann", 0.0) for _ in range(7)] == [True] * 6 + [False]
    assert not rates.take("ann", 599.0)
    assert rates.take("ann", 600.0) and not rates.take("ann", 601.0)
    assert rates.take("bob", 601.0), "another key has its own"


def test_so_many_keys_are_remembered_and_no_more() -> None:
    rates = Rates(1)
    for number in range(KEYS_LIMIT + 10):
        assert rates.take(f"{number}", 0.0)
    assert isinstance(rates._left, RememberedHere)
    assert len(rates._left) == KEYS_LIMIT


@given(st.lists(st.floats(0, 7200), max_size=60), st.integers(1, 20))
def test_no_hour_sees_more_than_twice_the_limit(times: list[float], per_hour: int) -> None:
    rates = Rates(per_hour)
    taken = [at for at in sorted(times) if rates.take("x", at)]
    for start in taken:
        assert sum(start <= at < start + 3600 for at in taken) <= 2 * per_hour


def test_a_clock_that_goes_back_harms_nothing() -> None:
    rates = Rates(1)
    assert rates.take("x", 1000.0) and not rates.take("x", 0.0)
