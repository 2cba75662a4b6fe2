"""message.fields: nobody breaks out of a field of ours."""

from __future__ import annotations

from email import message_from_bytes

from hypothesis import given
from hypothesis import strategies as st

from postel.message import HeaderBlock, compose_field, make_message_id
from postel.message.fields import clean, clean_comment, clean_word

words = st.lists(st.text(max_size=60), max_size=20)


def test_a_field_is_folded_between_its_words() -> None:
    assert (
        compose_field("X", ["a" * 40, "b" * 40, "c"])
        == b"X: " + b"a" * 40 + b"\r\n\t" + b"b" * 40 + b" c\r\n"
    )


def test_a_field_without_words_is_empty() -> None:
    assert compose_field("X", [""]) == b"X:\r\n"


@given(words)
def test_a_field_is_one_field_whatever_its_words_are(texts: list[str]) -> None:
    field = compose_field("X-Test", texts)
    assert len(HeaderBlock.parse(field).fields) == 1
    assert len(message_from_bytes(field + b"\r\n").items()) == 1
    assert field.count(b"\n") == field.count(b"\r\n")
    field.decode("utf-8")


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=3000), max_size=3))
def test_no_line_is_longer_than_the_standard_allows(texts: list[str]) -> None:
    assert all(len(line) <= 998 for line in compose_field("X-Test", texts).split(b"\r\n"))


def test_a_long_word_is_never_cut_within_a_character() -> None:
    compose_field("X", ["a" + "ä" * 5000]).decode("utf-8")


def test_controls_become_question_marks() -> None:
    assert clean("a\r\n\0\x1b\u202eb") == "a?????b"
    assert clean("häß", ascii_only=True) == "h??"
    assert clean_comment('a) (b \\ <c> "d"\r\n') == "a? ?b ? ?c? ?d???"
    assert clean_word("a b;c(d)") == "a?b?c?d?"


def test_a_message_id_is_a_message_id_whatever_it_is_made_of() -> None:
    assert make_message_id("0abc", "mail.drag.net") == "<0abc@mail.drag.net>"
    assert make_message_id("<a b>", "x> y") == "<a.b@x??y>"
    assert make_message_id("", "h") == "<0@h>"
