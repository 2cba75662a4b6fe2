"""Connections are counted in all and by address."""

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from postel.net import Endpoint
from postel.servers.admission import Admission, AdmissionOptions, Away, is_within


def at(host: str) -> Endpoint:
    return Endpoint(host, 4711)


def test_the_total_is_limited() -> None:
    admission = Admission(AdmissionOptions(connections=2))
    assert admission.enter(at("192.0.2.1")) is None
    assert admission.enter(at("192.0.2.2")) is None
    assert admission.enter(at("192.0.2.3")) == Away.TOO_BUSY
    admission.leave(at("192.0.2.1"))
    assert admission.enter(at("192.0.2.3")) is None


def test_each_address_is_limited() -> None:
    admission = Admission(AdmissionOptions(connections_per_address=1))
    assert admission.enter(at("192.0.2.1")) is None
    assert admission.enter(at("192.0.2.1")) == Away.TOO_MANY_FROM_YOU
    assert admission.enter(at("192.0.2.2")) is None
    assert admission.total == 2


def test_an_ipv6_network_of_64_bits_counts_as_one_address() -> None:
    admission = Admission(AdmissionOptions(connections_per_address=1))
    assert admission.enter(at("2001:db8::1")) is None
    assert admission.enter(at("2001:db8::ffff:1")) == Away.TOO_MANY_FROM_YOU
    assert admission.enter(at("2001:db8:0:1::1")) is None


def test_an_ipv4_address_in_ipv6_clothes_counts_as_ipv4() -> None:
    admission = Admission(AdmissionOptions(connections_per_address=1))
    assert admission.enter(at("::ffff:192.0.2.1")) is None
    assert admission.enter(at("192.0.2.1")) == Away.TOO_MANY_FROM_YOU
    assert admission.enter(at("::ffff:192.0.2.2")) is None


def test_exempt_networks_and_unix_sockets_know_only_the_total() -> None:
    admission = Admission(
        AdmissionOptions(connections=4, connections_per_address=1, exempt=[ip_network("10.0.0.0/8")])
    )
    for host in ("10.0.0.1", "10.0.0.1", "/run/x", "/run/x"):
        assert admission.enter(at(host)) is None
    assert admission.enter(at("/run/x")) == Away.TOO_BUSY


def test_within_no_network_is_nobody() -> None:
    assert not is_within(at("127.0.0.1").ip, [])
    assert not is_within(None, [ip_network("0.0.0.0/0")])
    assert is_within(at("::ffff:127.0.0.1").ip, [ip_network("127.0.0.0/8")])


@given(st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "/run/x"]), max_size=30))
def test_whoever_enters_and_leaves_leaves_nothing_behind(hosts: list[str]) -> None:
    admission = Admission(AdmissionOptions(connections=9, connections_per_address=3))
    inside = [host for host in hosts if admission.enter(at(host)) is None]
    assert admission.total == len(inside) <= 9
    for host in inside:
        admission.leave(at(host))
    assert admission.total == 0
    assert not admission._by_source


def test_only_so_many_are_turned_away_with_a_word_at_a_time() -> None:
    admission = Admission(AdmissionOptions(partings=1))
    with admission.parting() as first, admission.parting() as second:
        assert (first, second) == (True, False)
    with admission.parting() as later:
        assert later
