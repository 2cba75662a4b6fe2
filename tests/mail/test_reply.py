import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import (
    BadSyntax,
    Envelope,
    Recipient,
    Reply,
    ReversePath,
    Status,
    parse_forward_path,
    replies,
)


def test_every_line_carries_code_and_status() -> None:
    # RFC 2034 4: the status stands in every line of a multi-line reply.
    reply = Reply(550, Status(5, 1, 1), "No such mailbox\nhere")
    assert reply.format() == b"550-5.1.1 No such mailbox\r\n550 5.1.1 here\r\n"
    assert str(reply) == "550 5.1.1 No such mailbox / here"


def test_a_reply_without_status_is_just_code_and_text() -> None:
    assert Reply(354, None, "Go on").format() == b"354 Go on\r\n"


def test_a_repeated_text_cannot_make_a_second_reply() -> None:
    assert Reply(550, None, "a\rb\x00").format() == b"550 a?b?\r\n"


def test_lines_keep_to_the_limit() -> None:
    # RFC 5321 4.5.3.1.5
    assert len(Reply(550, Status(5, 1, 1), "x" * 1000).format()) <= 512


@pytest.mark.parametrize(
    ("text", "status"), [("550 5.7.1 No", Status(5, 7, 1)), ("421 Bye", None), ("250 2.0.0", Status(2, 0, 0))]
)
def test_replies_are_read_from_configuration(text: str, status: Status | None) -> None:
    reply = Reply.parse(text)
    assert (str(reply).rstrip(), reply.status) == (text, status)


@pytest.mark.parametrize("text", ["", "55 x", "hello", "650 x", "550 4.7.1 x", "199 x", "５50 x"])
def test_what_is_no_reply_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        Reply.parse(text)


@pytest.mark.parametrize(("code", "status"), [(250, "2.0.0"), (354, "2.0.0"), (451, "4.0.0"), (554, "5.0.0")])
def test_a_bare_code_gives_the_plainest_status(code: int, status: str) -> None:
    assert str(Reply(code, None, "").best_status) == status


def test_the_class_of_a_reply_is_its_first_digit() -> None:
    assert replies.OK.is_positive
    assert replies.SYSTEM_TROUBLE.is_transient
    assert replies.RELAY_DENIED.is_permanent


def test_shared_replies_have_statuses_of_their_class() -> None:
    for reply in vars(replies).values():
        if isinstance(reply, Reply):
            assert reply.status is not None
            assert str(reply.code)[0] == str(reply.status.klass)


@given(st.sampled_from([2, 4, 5]), st.integers(0, 999), st.integers(0, 999))
def test_a_status_reads_back_as_itself(klass: int, subject: int, detail: int) -> None:
    status = Status(klass, subject, detail)
    assert Status.parse(str(status)) == status


def test_a_transient_status_becomes_permanent_when_time_is_up() -> None:
    assert Status(4, 4, 1).is_transient
    assert Status(4, 4, 1).as_permanent() == Status(5, 4, 1)


def test_an_envelope_knows_what_its_parameters_ask() -> None:
    to = (Recipient(parse_forward_path("<a@b.c>")),)
    plain = Envelope(ReversePath.NULL, to)
    assert not plain.is_8bit
    assert not plain.asks_smtputf8
    assert Envelope(ReversePath.NULL, to, {"BODY": "8BITMIME", "SMTPUTF8": None}).is_8bit
