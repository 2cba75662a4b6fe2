"""message.addresses: addresses in header fields."""

from __future__ import annotations

from email.utils import formataddr, getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import parse_domain
from postel.message import (
    HeaderBlock,
    addresses_of,
    parse_addresses,
    recipients_of,
    without_blind_copies,
)

LOCAL = parse_domain("local.org")


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("frito@drag.net", ["frito@drag.net"]),
        ("Frito <frito@drag.net>, kitt@free.org", ["frito@drag.net", "kitt@free.org"]),
        ('"Q, x; y: z" <"a b"@x.org>', ['"a b"@x.org']),
        ("a@b.org (c (nested) \\) still)", ["a@b.org"]),
        ("friends: a@b.org, c@d.org;, e@f.org", ["a@b.org", "c@d.org", "e@f.org"]),
        ("undisclosed-recipients:;", []),
        (", ,a@b.org,,", ["a@b.org"]),
        ("<@x.org,@y.org:c@d.org>", ["c@d.org"]),
        ("a . b @ c . org", ["a.b@c.org"]),
        ("x@[192.0.2.1]", ["x@[192.0.2.1]"]),
        ("Ü <ü@bücher.example>", ["ü@bücher.example"]),
        ("=?utf-8?q?x?= <a@b.org>", ["a@b.org"]),
        ("John Q. Public <j@x.org>", ["j@x.org"]),
        ("J@x.org <j@x.org>", ["j@x.org"]),
        ('"boss@example.org" <j@x.org>', ["j@x.org"]),
        ("", []),
    ],
)
def test_addresses_are_found(text: str, addresses: list[str]) -> None:
    found = parse_addresses(text)
    assert [str(mailbox) for mailbox in found.mailboxes] == addresses
    assert found.is_whole


@pytest.mark.parametrize(
    "text",
    [
        "Frito frito@drag.net",
        "<a@b.org> <c@d.org>",
        "<a@b.org> x",
        '"unclosed <a@b.org>',
        "(unclosed a@b.org",
        "[unclosed",
        "(" * 200 + ")" * 200,
        "a@b@c.org",
        "a.@c.org",
        "<>",
        "root",
        "victim@bank.example: thief@evil.example;",
        "a@b.org>",
        "\\",
        "boss@example.org <thief@evil.example>",
        "Boss boss @ example.org <thief@evil.example>",
        "boss@example.org\x00 <thief@evil.example>",
    ],
)
def test_what_cannot_be_read_is_left_out_and_said(text: str) -> None:
    found = parse_addresses(text)
    assert not found.is_whole
    assert all(str(mailbox) == "thief@evil.example" for mailbox in found.mailboxes)


def test_a_broken_member_does_not_take_the_others_along() -> None:
    found = parse_addresses("a@b.org, c d, e@f.org")
    assert [str(mailbox) for mailbox in found.mailboxes] == ["a@b.org", "e@f.org"]
    assert not found.is_whole


def test_a_bare_local_part_gets_the_domain_it_is_given() -> None:
    found = parse_addresses("root, Joe <joe>", LOCAL)
    assert [str(mailbox) for mailbox in found.mailboxes] == ["root@local.org", "joe@local.org"]
    assert not parse_addresses("a..b", LOCAL).is_whole


def test_a_list_has_a_limit() -> None:
    found = parse_addresses(",".join(["a@b.org"] * 10_001))
    assert (len(found.mailboxes), found.is_whole) == (10_000, False)


names = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=20)
words = st.text(st.sampled_from("abcxyz0"), min_size=1, max_size=8)
addresses = st.builds("{}.{}@{}.org".format, words, words, words)


@given(st.lists(st.tuples(names, addresses), min_size=1, max_size=5))
def test_what_the_standard_library_writes_is_read_as_it_reads_it(pairs: list[tuple[str, str]]) -> None:
    text = ", ".join(formataddr(pair) for pair in pairs)
    found = parse_addresses(text)
    assert found.is_whole
    assert [str(mailbox) for mailbox in found.mailboxes] == [address for _, address in getaddresses([text])]


@given(st.text(st.sampled_from('ab@.,;:<>()[]"\\ \r\n\x00ü'), max_size=40))
def test_nothing_escapes(text: str) -> None:
    parse_addresses(text, LOCAL)


@pytest.mark.parametrize("unit", ['"', '\\"', "(", "[", "<", "a@", ",", '"\\', "(\\", ":", "a b "])
@pytest.mark.timeout(60)
def test_hostile_lists_cost_no_more_than_their_length(unit: str) -> None:
    # Quadratic work would not end within the time that a test has.
    parse_addresses('"' + unit * (500_000 // len(unit)))
    parse_addresses(unit * (500_000 // len(unit)))


@pytest.mark.parametrize(
    "text", ["a " * 30_000 + "@ " + ": " * 30_000, "a@b > " + ": " * 50_000, "<" + "@a:" * 30_000]
)
@pytest.mark.timeout(60)
def test_colons_in_a_long_member_cost_no_more_than_their_length(text: str) -> None:
    assert not parse_addresses(text * 5).is_whole


HEAD = HeaderBlock.parse(
    b"To: a@b.org\r\nCc: A <a@b.org>, c@d.org\r\nbcc: hidden@e.org\r\nTo: root\r\nSubject: x\r\n\r\n"
)


def test_recipients_come_from_to_cc_and_bcc_each_once() -> None:
    found = recipients_of(HEAD, LOCAL)
    assert [str(mailbox) for mailbox in found.mailboxes] == [
        "a@b.org", "root@local.org", "c@d.org", "hidden@e.org",
    ]  # fmt: skip
    assert found.is_whole
    assert not recipients_of(HEAD).is_whole


def test_a_resent_message_is_for_its_latest_resent_recipients_only() -> None:
    head = HeaderBlock.parse(b"Resent-To: new@x.org\r\nResent-To: old@x.org\r\n" + HEAD.raw)
    assert [str(mailbox) for mailbox in recipients_of(head).mailboxes] == ["new@x.org"]


def test_blind_copies_can_be_taken_out() -> None:
    head = HeaderBlock.parse(b"Resent-BCC: x@y.org\r\n" + HEAD.raw + b"\r\n")
    left = without_blind_copies(head)
    assert left.raw + left.separator == (
        b"To: a@b.org\r\nCc: A <a@b.org>, c@d.org\r\nTo: root\r\nSubject: x\r\n\r\n"
    )


def test_addresses_of_several_fields_come_in_the_order_of_the_names() -> None:
    found = addresses_of(HEAD, "Cc", "Bcc")
    assert [str(mailbox) for mailbox in found.mailboxes] == ["a@b.org", "c@d.org", "hidden@e.org"]
