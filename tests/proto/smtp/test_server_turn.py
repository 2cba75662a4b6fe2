"""ATRN and TURN end the server's side of a session, whatever else the client has sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import LocalFault
from postel.proto import NEED_DATA
from postel.proto.smtp import (
    Atrn,
    Closed,
    DataEnd,
    Ending,
    Misbehaved,
    ServerOptions,
    SmtpServer,
    State,
    Turn,
    replies,
)

OPTIONS = ServerOptions(hostname="mx.example.org", commands=frozenset({"ATRN", "TURN", "VERB"}))


def ready() -> SmtpServer:
    talk = SmtpServer(OPTIONS, is_logged_in=True)
    talk.next_event()
    talk.answer()
    talk.receive(b"EHLO customer.example.net\r\n")
    talk.next_event()
    talk.answer()
    talk.data_to_send()
    assert talk.state is State.READY
    return talk


def test_a_greeting_sent_ahead_would_answer_what_was_never_asked_so_the_session_ends() -> None:
    for command in (b"ATRN\r\n", b"ATRN example.org\r\n", b"TURN\r\n"):
        talk = ready()
        talk.receive(command + b"220 customer.example.net\r\n250 OK\r\n")
        assert isinstance(talk.next_event(), Misbehaved)
        assert talk.next_event() == Closed(Ending.FAULT)
        assert talk.data_to_send().startswith(b"503 ") and talk.over


def test_what_comes_while_the_answer_is_owed_is_not_read_as_commands() -> None:
    talk = ready()
    talk.receive(b"ATRN\r\n")
    assert talk.next_event() == Atrn()
    talk.receive(b"220 customer.example.net\r\nMAIL FROM:<eve@example.net>\r\n")
    talk.answer(replies.TURNED)
    assert talk.next_event() == Closed(Ending.TURNED)
    assert talk.data_to_send() == b"250 2.0.0 OK, now reversing the connection\r\n"
    assert talk.over


def test_only_the_wait_for_the_reply_to_content_shows_anything() -> None:
    talk = ready()
    talk.receive(b"VERB\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
    for _ in range(8):
        event = talk.next_event()
        if event is NEED_DATA:
            break
        talk.show("too early")
        talk.answer()
    talk.receive(b"hello\r\n.\r\n")
    while not isinstance(talk.next_event(), DataEnd):
        pass
    talk.data_to_send()
    talk.show("<b@example.org>... Sent\r\n250 2.0.0 forged\x00 caf\xe9 " + "x" * 1000)
    talk.answer()
    said = talk.data_to_send().split(b"\r\n")
    assert (
        said[0].startswith(b"050 <b@example.org>... Sent??250 2.0.0 forged? caf? xxx") and len(said[0]) <= 510
    )
    assert [line[:4] for line in said] == [b"050 ", b"250 ", b""]
    talk.show("too late")
    assert talk.data_to_send() == b""


def test_a_positive_answer_to_atrn_is_250_alone() -> None:
    talk = ready()
    talk.receive(b"ATRN\r\n")
    talk.next_event()
    with pytest.raises(LocalFault):
        talk.answer(replies.START_DATA)


WORDS = [
    b"ATRN",
    b"TURN",
    b" ",
    b"example.org",
    b",",
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b"\xff",
    b"@",
    b"x" * 300,
    b"220 a.example",
]


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(b"".join), st.integers(1, 40), st.booleans())
def test_no_octets_around_a_turn_do_more_than_end_the_session(
    data: bytes, cut: int, is_granted: bool
) -> None:
    talk = ready()
    turned = 0
    for start in range(0, len(data), cut):
        talk.receive(data[start : start + cut])
        while not talk.over and (event := talk.next_event()) is not NEED_DATA:
            if isinstance(event, Atrn | Turn):
                talk.answer(replies.TURNED if is_granted else None)
                turned += is_granted
            elif isinstance(event, Closed):
                assert turned == (event.ending is Ending.TURNED)
            else:
                talk.answer()
    assert turned <= 1 and (talk.over or not turned)
