"""message.header: parsing the header section without losing an octet."""

from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.message import Field, HeadCollector, HeaderBlock

HEAD = (
    b"Received: from a\r\n\tby b; Thu, 1 Jan 2026 00:00:00 +0000\r\n"
    b"received: by c\r\n"
    b"Subject : old\r\n blanks\r\n"
    b"From frito Thu Jan  1 00:00:00 2026\r\n"
    b"X-Empty:\r\n"
    b"\r\n"
    b"Body: this is none\r\n"
)

heads = st.lists(
    st.sampled_from(
        [
            b"a",
            b"Subject",
            b":",
            b" ",
            b"\t",
            b"\r",
            b"\n",
            b"\r\n",
            b"\r\n\r\n",
            b"\n\n",
            b"\0",
            b"\xff",
            b"x: y\r\n",
        ]
    ),
    max_size=30,
).map(b"".join)


def test_fields_are_found_whatever_their_case() -> None:
    block = HeaderBlock.parse(HEAD)
    assert block.count("RECEIVED") == 2
    assert block.all("Received") == ("from a\tby b; Thu, 1 Jan 2026 00:00:00 +0000", "by c")
    assert block.get("x-empty") == ""
    assert block.get("Body") is None


def test_blanks_before_the_colon_are_obsolete_but_understood() -> None:
    assert HeaderBlock.parse(HEAD).get("Subject") == "old blanks"


def test_a_line_that_is_no_field_is_kept_without_a_name() -> None:
    malformed = [field for field in HeaderBlock.parse(HEAD).fields if field.is_malformed]
    assert [field.raw for field in malformed] == [b"From frito Thu Jan  1 00:00:00 2026\r\n"]
    assert malformed[0].value == "From frito Thu Jan  1 00:00:00 2026"


def test_the_body_begins_after_the_empty_line() -> None:
    block = HeaderBlock.parse(HEAD)
    assert HEAD[block.size_bytes :] == b"Body: this is none\r\n"
    assert block.separator == b"\r\n"


@pytest.mark.parametrize("head", [b"", b"\r\n", b"\n", b"\r\nbody", b"\n\nbody"])
def test_a_message_may_have_no_header_at_all(head: bytes) -> None:
    assert HeaderBlock.parse(head).fields == ()


def test_bare_line_feeds_end_lines_too() -> None:
    block = HeaderBlock.parse(b"From: a\nTo: b\n c\n\nbody")
    assert (block.get("From"), block.get("To"), block.separator) == ("a", "b c", b"\n")


def test_a_continuation_without_a_first_line_is_malformed() -> None:
    block = HeaderBlock.parse(b" lost\r\nTo: b\r\n")
    assert [field.name for field in block.fields] == ["", "To"]


def test_a_value_that_is_not_utf8_is_shown_with_replacements() -> None:
    field = Field.of(b"Subject: \xe4 \xc3\xa4\r\n")
    assert field.value == "� ä"
    assert field.raw_value == b"\xe4 \xc3\xa4"


def test_fields_can_be_left_out() -> None:
    block = HeaderBlock.parse(b"A: 1\r\nB: 2\r\nA: 3\r\n\r\n").where(lambda field: field.name != "A")
    assert block.raw + block.separator == b"B: 2\r\n\r\n"


@given(heads)
def test_no_octet_is_lost(head: bytes) -> None:
    block = HeaderBlock.parse(head)
    assert block.raw + block.separator == head[: block.size_bytes]
    assert HeaderBlock.parse(block.raw + block.separator) == block
    assert block.separator or block.size_bytes == len(head)


names = st.text(st.sampled_from("ABcd-"), min_size=1, max_size=10)
values = st.lists(st.text(st.sampled_from("abc:;,"), min_size=1, max_size=9), max_size=4).map(" ".join)


@given(st.lists(st.tuples(names, values), max_size=8))
def test_the_standard_library_finds_the_same_fields(pairs: list[tuple[str, str]]) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in pairs).encode() + b"\r\n"
    oracle = email.message_from_bytes(head, policy=email.policy.compat32)
    assert [(f.name, f.value) for f in HeaderBlock.parse(head).fields] == [
        (name, str(value).strip()) for name, value in oracle.items()
    ]


@given(heads, st.lists(st.integers(1, 9)))
def test_the_collector_finds_the_same_end_however_the_octets_come(head: bytes, cuts: list[int]) -> None:
    collector = HeadCollector()
    rest = head
    for cut in cuts:
        collector.feed(rest[:cut])
        rest = rest[cut:]
    collector.feed(rest)
    found = HeaderBlock(()) if collector.is_missing else HeaderBlock.parse(head)
    assert collector.is_missing == head.startswith((b" ", b"\t"))
    assert collector.head == head[: found.size_bytes]
    assert collector.is_finished == (collector.is_missing or bool(found.separator))


def test_the_collector_stops_at_its_limit() -> None:
    collector = HeadCollector(limit=10)
    collector.feed(b"A: 123")
    assert not collector.is_finished
    collector.feed(b"4567890\r\n\r\n")
    assert (collector.head, collector.is_finished, collector.is_over_limit) == (b"A: 1234567", True, True)
    collector.feed(b"more")
    assert collector.head == b"A: 1234567"


def test_a_head_that_just_fits_is_not_over_the_limit() -> None:
    collector = HeadCollector(limit=8)
    collector.feed(b"A: 1\r\n\r\nbody")
    assert (collector.head, collector.is_over_limit) == (b"A: 1\r\n\r\n", False)


def test_a_head_of_just_the_limit_may_still_end() -> None:
    collector = HeadCollector(limit=8)
    collector.feed(b"A: 123\r\n")
    assert not collector.is_finished


@pytest.mark.parametrize("unit", [b"\n", b" \n", b"a\n ", b":", b"a:\r\n", b"a" * 10 + b" "])
@pytest.mark.timeout(60)
def test_hostile_heads_cost_no_more_than_their_length(unit: bytes) -> None:
    head = unit * (500_000 // len(unit))  # quadratic work would not end in time
    HeaderBlock.parse(head).count("x")


@pytest.mark.parametrize("content", [b" From: boss@example.org\r\n\r\nx", b"\tx\r\n", b" "])
def test_content_that_begins_with_a_blank_has_no_header(content: bytes) -> None:
    collector = HeadCollector()
    for n in range(len(content)):
        collector.feed(content[n : n + 1])
    assert (collector.head, collector.is_missing, collector.is_finished) == (b"", True, True)


def test_a_blank_after_the_first_octet_is_nothing_special() -> None:
    collector = HeadCollector()
    for piece in (b"A:", b" b\r\n", b" c\r\n", b"\r\n"):
        collector.feed(piece)
    assert (collector.head, collector.is_missing) == (b"A: b\r\n c\r\n\r\n", False)
