"""Verdicts: what their constructors take, and the header fields they make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.hooks import (
    Accept,
    AddHeader,
    ChangeRecipients,
    Defer,
    Discard,
    Refuse,
    accept,
    add_header,
    change_recipients,
    defer,
    discard,
    refuse,
)
from postel.mail import Reply, Status, parse_mailbox
from postel.message import HeaderBlock


def test_refusals_and_deferrals_take_a_reply_as_text() -> None:
    assert refuse("554 5.7.0 No", "why") == Refuse(Reply(554, Status(5, 7, 0), "No"), "why")
    assert defer("451 Later") == Defer(Reply(451, None, "Later"))
    assert refuse("550") == Refuse(Reply(550, None, ""))


def test_a_text_without_a_code_gets_the_usual_one() -> None:
    assert refuse("Not from you").reply == Reply(550, Status(5, 7, 1), "Not from you")
    assert defer("Not yet").reply == Reply(451, Status(4, 7, 1), "Not yet")
    assert refuse().reply.code == 550
    assert defer().reply.code == 451


def test_a_reply_of_the_wrong_kind_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"for 4yz use defer\(\)"):
        refuse("451 4.7.1 Later")
    with pytest.raises(ValueError, match=r"for 5yz use refuse\(\)"):
        defer(Reply(550, None, "No"))
    with pytest.raises(ValueError, match="is no reply"):
        refuse("550 4.7.1 mixed")


def test_the_other_constructors() -> None:
    assert accept("friend") == Accept("friend")
    assert discard("spam") == Discard("spam")
    ann = parse_mailbox("ann@example.org")
    assert change_recipients(add=["ann@example.org"], remove=[ann]) == ChangeRecipients((ann,), (ann,))


@pytest.mark.parametrize("given_", ["not an address", "@example.org"])
def test_recipients_are_addresses(given_: str) -> None:
    with pytest.raises(ValueError):
        change_recipients(add=[given_])


def test_one_text_is_no_list_of_recipients() -> None:
    with pytest.raises(ValueError, match="takes lists"):
        change_recipients(add="ann@example.org")


@pytest.mark.parametrize(
    ("name", "value"),
    [("X Y", "1"), ("X:", "1"), ("", "1"), ("X", "a\r\nBcc: b"), ("X", "a\nb"), ("X", "a\0"), ("Ö", "1")],
)
def test_a_field_that_would_break_the_header_is_a_mistake(name: str, value: str) -> None:
    with pytest.raises(ValueError):
        add_header(name, value)


def test_fields_have_limits() -> None:
    with pytest.raises(ValueError):
        add_header("X" * 78, "1")
    with pytest.raises(ValueError):
        add_header("X", "1" * 8193)


def test_a_field_is_folded_at_blanks() -> None:
    field = add_header("X-Words", " ".join(["word"] * 40)).format()
    lines = field.split(b"\r\n")
    assert len(lines) > 2
    assert all(len(line) <= 78 for line in lines)
    assert all(line.startswith(b" ") for line in lines[1:-1])


def test_a_value_beyond_ascii_becomes_encoded_words() -> None:
    field = AddHeader("X-Note", "grüße " * 30).format()
    assert field.isascii()
    assert field.startswith(b"X-Note: =?utf-8?")
    assert HeaderBlock.parse(field + b"\r\n").count("X-Note") == 1


@given(st.from_regex(r"[!-9;-~]{1,77}", fullmatch=True), st.text(max_size=300).filter(str.isprintable))
def test_whatever_is_taken_makes_exactly_one_field(name: str, value: str) -> None:
    header = HeaderBlock.parse(add_header(name, value).format() + b"\r\n")
    assert [field.name for field in header.fields] == [name]
