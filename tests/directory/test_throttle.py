from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from postel.directory.throttle import Throttle, Throttled, ThrottleOptions
from postel.net import RememberedHere
from postel.testing import FakeClock

OPTIONS = ThrottleOptions(network_failures=2, account_failures=3, longest_delay_s=60, forget_after_s=600)
ONE, OTHER = ip_address("192.0.2.1"), ip_address("192.0.2.2")


def wait_s(throttle: Throttle, account: str | None = "a@x", ip: str = "192.0.2.1") -> float:
    throttled = throttle.check(account, ip_address(ip))
    return 0.0 if throttled is None else throttled.retry_after_s


def test_the_delay_doubles_up_to_its_limit() -> None:
    clock = FakeClock()
    throttle = Throttle(clock, OPTIONS)
    waits = []
    for _ in range(9):
        throttle.failed(None, ONE)
        waits.append(wait_s(throttle))
        clock.advance(waits[-1])
    assert waits == [0, 0, 2, 4, 8, 16, 32, 60, 60]


def test_failures_are_forgotten_after_a_quiet_time() -> None:
    clock = FakeClock()
    throttle = Throttle(clock, OPTIONS)
    for _ in range(3):
        throttle.failed(None, ONE)
    clock.advance(601)
    throttle.failed(None, ONE)
    assert wait_s(throttle) == 0


def test_a_subscribers_v6_addresses_are_one_network() -> None:
    throttle = Throttle(FakeClock(), OPTIONS)
    for n in range(3):
        throttle.failed(None, ip_address(f"2001:db8:1:2::{n}"))
    assert wait_s(throttle, ip="2001:db8:1:2:ffff::1") > 0
    assert wait_s(throttle, ip="2001:db8:1:3::1") == 0


def test_a_v4_address_written_as_v6_is_the_same_network() -> None:
    throttle = Throttle(FakeClock(), OPTIONS)
    for _ in range(3):
        throttle.failed(None, ip_address("::ffff:192.0.2.1"))
    assert wait_s(throttle) > 0
    assert wait_s(throttle, ip="::ffff:192.0.2.2") == 0


def test_our_own_machine_has_no_network_to_hold_up() -> None:
    throttle = Throttle(FakeClock(), OPTIONS)
    for _ in range(50):
        throttle.failed(None, None)
    assert throttle.check(None, None) is None
    throttle.succeeded("a@x", None)
    for _ in range(4):
        throttle.failed("a@x", None)
    assert throttle.check("a@x", None) is not None


def test_a_network_that_logged_in_is_trusted_until_the_password_changes() -> None:
    throttle = Throttle(FakeClock(), OPTIONS)
    throttle.succeeded("a@x", OTHER)
    for n in range(5):
        throttle.failed("a@x", ip_address(f"203.0.113.{n}"))
    assert wait_s(throttle) > 0
    assert wait_s(throttle, ip="192.0.2.2") == 0
    throttle.forget("a@x")
    assert wait_s(throttle, ip="192.0.2.2") > 0


def test_a_trusted_network_that_guesses_is_slowed_down_all_the_same() -> None:
    throttle = Throttle(FakeClock(), OPTIONS)
    throttle.succeeded("a@x", ONE)
    for _ in range(3):
        throttle.failed("a@x", ONE)
    assert wait_s(throttle) > 0


def test_success_forgets_nothing() -> None:
    throttle = Throttle(FakeClock(), OPTIONS)
    for _ in range(3):
        throttle.failed("a@x", ONE)
        throttle.succeeded("mine@x", ONE)
    assert wait_s(throttle) > 0


def test_a_clock_set_back_holds_up_nobody() -> None:
    clock = FakeClock()
    throttle = Throttle(clock, OPTIONS)
    for _ in range(9):
        throttle.failed("a@x", ONE)
    clock.advance(-1_000_000)
    assert wait_s(throttle) == 0


def test_the_state_is_bounded() -> None:
    throttle = Throttle(FakeClock(), ThrottleOptions(entries=10, networks_known=3))
    for n in range(100):
        throttle.failed(f"{n}@x", ip_address(n))
        throttle.succeeded(f"{n}@x", ip_address(n))
        throttle.succeeded("one@x", ip_address(n))
    assert isinstance(throttle._networks, RememberedHere)
    assert isinstance(throttle._accounts, RememberedHere)
    assert len(throttle._networks) == len(throttle._accounts) == len(throttle._known) == 10
    assert len(throttle._known["one@x"]) == 3


@given(st.lists(st.tuples(st.floats(0, 4000), st.booleans()), max_size=200))
def test_nobody_waits_longer_than_the_limit_and_guesses_are_bounded(steps: list[tuple[float, bool]]) -> None:
    clock = FakeClock()
    throttle = Throttle(clock, OPTIONS)
    for pause_s, is_right in steps:
        clock.advance(pause_s)
        match throttle.check("a@x", ONE):
            case Throttled(retry_after_s=wait):
                assert 0 < wait <= OPTIONS.longest_delay_s
                clock.advance(wait)
                assert throttle.check("a@x", ONE) is None
            case None if is_right:
                throttle.succeeded("a@x", ONE)
            case None:
                throttle.failed("a@x", ONE)
