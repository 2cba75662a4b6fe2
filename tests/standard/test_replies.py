"""Replies: RFC 5321 4.2.x and 4.3.2. What our server answers is in the table, and our client understands all of it."""

from __future__ import annotations

import pytest
from standard_kit import served

from postel.mail import Envelope, Recipient, parse_forward_path, parse_reverse_path
from postel.proto import NEED_DATA, PAUSED
from postel.proto.smtp import (
    ANY_TIME,
    CODES,
    SEQUENCES,
    ClientEvent,
    ClientOptions,
    ContentWanted,
    Greeting,
    HelloDone,
    HelloRefused,
    SessionLost,
    SmtpClient,
    TransactionDone,
)

# Commands in the state READY, and what can be said wrong about them.
SAID = {
    "EHLO": ["EHLO x.example", "EHLO", "EHLO ..", "EHLO [192.0.2.1]"],
    "HELO": ["HELO x.example", "HELO"],
    "MAIL": ["MAIL FROM:<a@b.c>", "MAIL FROM:", "MAIL", "MAIL FROM:<a@b.example> X=1", "MAIL FROM:<> SIZE=99999999"],
    "RCPT": ["RCPT TO:<bob@example.org>", "RCPT TO:<>", "RCPT"],
    "DATA": ["DATA", "DATA x"],
    "RSET": ["RSET", "RSET x"],
    "VRFY": ["VRFY bob", "VRFY"],
    "EXPN": ["EXPN all", "EXPN"],
    "HELP": ["HELP", "HELP MAIL", "HELP ME"],
    "NOOP": ["NOOP", "NOOP x"],
    "QUIT": ["QUIT", "QUIT x"],
}  # fmt: skip


@pytest.mark.parametrize(("verb", "line"), [(verb, line) for verb, lines in SAID.items() for line in lines])
@pytest.mark.parametrize("in_transaction", [False, True])
async def test_4_3_2_what_we_answer_is_in_the_table(verb: str, line: str, in_transaction: bool) -> None:
    row = SEQUENCES[verb]
    async with served() as (_, _, session):
        if in_transaction:
            await session.say_all("MAIL FROM:<ann@example.net>", "RCPT TO:<bob@example.org>")
        code = await session.say(line)
        assert code in row.positive | row.error | ANY_TIME | {503}
        assert code in CODES
        assert all(answer[:3] == session.lines[0][:3] for answer in session.lines), "4.2.1"
        assert all(answer[3:4] == b"-" for answer in session.lines[:-1])


async def test_4_2_1_a_reply_of_several_lines_has_one_code_and_hyphens_but_for_the_last() -> None:
    async with served() as (_, _, session):
        assert await session.say("EHLO x.example") == 250
        assert len(session.lines) > 3
        assert {line[:4] for line in session.lines[:-1]} == {b"250-"}
        assert session.lines[-1][:4] == b"250 "


# The client


def client_at(place: str) -> SmtpClient:
    """A client that waits for the reply to something."""
    client = SmtpClient(ClientOptions(hostname="mail.example.net"))
    if place == "connect":
        return client
    hear(client, "220 mx.example.org")
    client.hello()
    if place == "EHLO":
        return client
    hear(client, "250 mx.example.org")
    to = (Recipient(parse_forward_path("<bob@example.org>")),)
    client.transact(Envelope(parse_reverse_path("<ann@example.net>"), to), None)
    for step, reply in (("MAIL", "250 ok"), ("RCPT", "250 ok"), ("DATA", "354 go on")):
        if place == step:
            return client
        hear(client, reply)
    client.content(b"hello\r\n")
    client.end_content()
    return client


def hear(client: SmtpClient, reply: str) -> ClientEvent | None:
    client.data_to_send()
    client.receive(reply.encode() + b"\r\n")
    event = client.next_event()
    client.data_to_send()
    return None if event is NEED_DATA or event is PAUSED else event


PLACES = ["connect", "EHLO", "MAIL", "RCPT", "DATA", "content"]


def is_yes(client: SmtpClient, place: str, event: ClientEvent | None) -> bool:
    """Whether the client goes on as after a positive reply."""
    match event:
        case Greeting(reply):
            return reply.is_positive
        case HelloDone() | ContentWanted():
            return True
        case TransactionDone((reply,)):
            return reply.is_positive
        case HelloRefused() | SessionLost():
            return False
        case None:
            return not client.over and place in ("MAIL", "RCPT")
        case _:
            raise AssertionError(event)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("last_two", ["50", "00", "99", "07"])
def test_4_3_2_a_code_that_nobody_knows_is_understood_by_its_first_digit(place: str, last_two: str) -> None:
    yes = "3" if place == "DATA" else "2"
    for first in "2345":
        client = client_at(place)
        event = hear(client, f"{first}{last_two} whatever")
        assert is_yes(client, place, event) is (first == yes), f"{first}{last_two}"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("line", ["199 hm", "650 hm", "25 hm", "2500 hm", "hello", "25x hm", ""])
def test_4_2_what_is_no_reply_ends_the_session(place: str, line: str) -> None:
    client = client_at(place)
    assert isinstance(hear(client, line), SessionLost)


@pytest.mark.parametrize("place", PLACES)
def test_4_2_1_a_reply_of_several_lines_counts_once(place: str) -> None:
    client = client_at(place)
    code = "354" if place == "DATA" else "250" if place != "connect" else "220"
    event = hear(client, f"{code}-one\r\n{code}-two\r\n{code} mx.example.org three")
    assert is_yes(client, place, event)


@pytest.mark.parametrize("place", ["MAIL", "RCPT", "DATA", "content"])
def test_3_8_a_421_at_any_place_ends_the_session_and_decides_nothing_for_good(place: str) -> None:
    client = client_at(place)
    event = hear(client, "421 mx.example.org closing")
    assert isinstance(event, SessionLost)
    assert all(reply is None or reply.is_transient for reply in event.recipient_replies)
