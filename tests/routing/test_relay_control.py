"""routing.admission: whose recipients are taken."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from routing_facts import ask, our_domain, table

from postel.mail import Mailbox, Reply, Status, parse_forward_path, parse_mailbox, replies
from postel.mail.domain import Domain
from postel.mail.mailbox import LocalPart
from postel.routing import Admission, ToMailbox, admit, may_relay

TABLE = table(
    our_domain("drag.net", {"sales": ["kitt@free.org", "frito"], "lost": "gone", "away": "kitt@other.org"}),
    relay=("free.org", ".free.org"),
    networks=("198.51.100.0/24",),
    routes={"closed.org": "error:550 5.7.1 closed", "gone.org": "discard", "*": "smtp:[192.0.2.9]"},
)


def admitted(address: str, *, may_relay: bool = False) -> Admission:
    admission = ask(admit(TABLE, parse_mailbox(address), may_relay=may_relay))
    assert isinstance(admission, Admission)
    return admission


@pytest.mark.parametrize(
    "address",
    [
        "frito@drag.net",
        "sales@drag.net",
        "away@drag.net",
        "kitt@free.org",
        "kitt@a.b.free.org",
        "postmaster@drag.net",
        "abuse@mail.drag.net",
        "postmaster@[192.0.2.1]",
    ],
)
def test_anybody_may_write_to_these(address: str) -> None:
    assert admitted(address).is_accepted


@pytest.mark.parametrize(
    ("address", "reply"),
    [
        ("nobody@drag.net", replies.MAILBOX_UNKNOWN),
        ("lost@drag.net", replies.MAILBOX_UNKNOWN),
        ("nobody@mail.drag.net", replies.MAILBOX_UNKNOWN),
        ("kitt@other.org", replies.RELAY_DENIED),
        ("kitt@gone.org", replies.RELAY_DENIED),
        ("kitt@notfree.org", replies.RELAY_DENIED),
        ("kitt@[198.51.100.9]", replies.RELAY_DENIED),
        ("kitt@closed.org", Reply(550, Status(5, 7, 1), "closed")),
        ("kitt%other.org@drag.net", replies.MAILBOX_UNKNOWN),
        ("kitt%other.org@free.org", replies.RELAY_DENIED),
        ("other.org!kitt@free.org", replies.RELAY_DENIED),
        ('"kitt@other.org"@free.org', replies.RELAY_DENIED),
        ('"kitt@other.org"@drag.net', replies.MAILBOX_UNKNOWN),
    ],
)
def test_a_stranger_is_refused_these(address: str, reply: Reply) -> None:
    admission = admitted(address)
    assert admission.refusal == reply
    assert admission.because


def test_a_client_that_may_relay_may_write_to_anybody_who_exists() -> None:
    assert admitted("kitt@other.org", may_relay=True).is_accepted
    assert admitted("kitt%other.org@free.org", may_relay=True).is_accepted
    assert admitted("nobody@drag.net", may_relay=True).refusal == replies.MAILBOX_UNKNOWN
    assert not admitted("kitt@closed.org", may_relay=True).is_accepted


def test_a_source_route_is_not_followed() -> None:
    path = parse_forward_path("<@drag.net,@free.org:kitt@other.org>")
    assert ask(admit(TABLE, path, may_relay=False)).refusal == replies.RELAY_DENIED


def test_postmaster_without_a_domain_is_the_postmaster_of_this_server() -> None:
    admission = ask(admit(TABLE, parse_forward_path("<PostMaster>"), may_relay=False))
    assert str(admission.mailbox) == "PostMaster@mail.drag.net"
    assert admission.decision.route == ToMailbox("frito@drag.net")


def test_those_logged_in_and_those_in_a_relay_network_may_relay() -> None:
    inside, outside = ip_address("198.51.100.9"), ip_address("203.0.113.1")
    assert may_relay(TABLE, outside, is_authenticated=True).is_granted
    assert may_relay(TABLE, inside, is_authenticated=False).step.source == "network 198.51.100.0/24"
    assert not may_relay(TABLE, outside, is_authenticated=False).is_granted
    assert not may_relay(TABLE, None, is_authenticated=False).is_granted


local_parts = st.text(st.sampled_from('ab%!@."\\ <>,:;'), min_size=1, max_size=12)


@given(local_parts, st.sampled_from(["other.org", "drag.net.other.org", "xfree.org", "mail.drag.net.org"]))
def test_no_local_part_makes_us_relay_to_a_domain_of_others(local: str, domain: str) -> None:
    mailbox = Mailbox(LocalPart(local), Domain(domain, domain))
    assert ask(admit(TABLE, mailbox, may_relay=False)).refusal == replies.RELAY_DENIED
