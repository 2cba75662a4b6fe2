"""Timeouts: RFC 5321 4.5.3.2. Both sides wait at least as long as the standard asks, and not for ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from standard_kit import ZONE, served

from postel.net import Endpoint
from postel.proto.smtp import TIMEOUTS, ClientTimeouts, State
from postel.testing import MailNetwork, Script

MINUTE_S = 60
JUST_S = 1  # what is left when a peer answers just in time

# The clause, what is waited for, at least so long, and which timeout of ours that is.
CLIENT: list[tuple[str, str, float, Callable[[ClientTimeouts], float]]] = [
    ("4.5.3.2.1", "greeting", 5 * MINUTE_S, lambda t: t.greeting),
    ("4.5.3.2.2", "MAIL", 5 * MINUTE_S, lambda t: t.mail),
    ("4.5.3.2.3", "RCPT", 5 * MINUTE_S, lambda t: t.rcpt),
    ("4.5.3.2.4", "DATA", 2 * MINUTE_S, lambda t: t.data),
    ("4.5.3.2.5", "block", 3 * MINUTE_S, lambda t: t.block),
    ("4.5.3.2.6", "end", 10 * MINUTE_S, lambda t: t.end_of_data),
]


@pytest.mark.parametrize(("clause", "what", "least_s", "ours"), CLIENT, ids=[row[0] for row in CLIENT])
def test_the_client_waits_as_long_as_the_clause_asks(
    clause: str, what: str, least_s: float, ours: Callable[[ClientTimeouts], float]
) -> None:
    assert ours(ClientTimeouts()) >= least_s


def slow_server(slow: str, seconds: float) -> Script:
    """A server that is slow to answer one step."""
    steps = [
        ("greeting", "", "S 220 mx.example.org ESMTP"),
        ("EHLO", "C EHLO ...", "S 250 mx.example.org"),
        ("MAIL", "C MAIL ...", "S 250 ok"),
        ("RCPT", "C RCPT ...", "S 250 ok"),
        ("DATA", "C DATA", "S 354 go on"),
        ("end", "C* .", "S 250 ok"),
    ]
    part: list[str] = []
    for name, hears, says in steps:
        part += [hears, f"pause {seconds}" if name == slow else "", says]
    return Script([part])


@pytest.mark.parametrize(
    ("clause", "what", "least_s"),
    [row[:3] for row in CLIENT if row[1] != "block"],
    ids=[row[0] for row in CLIENT if row[1] != "block"],
)
async def test_a_letter_is_sent_once_to_a_server_that_answers_just_in_time(
    clause: str, what: str, least_s: float
) -> None:
    script = slow_server(what, least_s - JUST_S)
    async with MailNetwork(ZONE) as net:
        ours = await net.start("mx.example.net", accounts=["ann@example.net"])
        await net.host("mx.example.org").listen(Endpoint("0.0.0.0", 25), script.serve)
        await ours.submit("From: ann@example.net\nTo: bob@example.org\n\nhello")
        await net.settle()
        assert len(script.heard) == 1
        assert len(await ours.mailbox("ann")) == 0


@pytest.mark.parametrize("what", [row[1] for row in CLIENT if row[1] != "block"])
async def test_a_server_that_never_answers_is_given_up_and_its_mail_stays(what: str) -> None:
    script = slow_server(what, 10 * 86400)
    async with MailNetwork(ZONE) as net:
        ours = await net.start("mx.example.net", accounts=["ann@example.net"])
        await net.host("mx.example.org").listen(Endpoint("0.0.0.0", 25), script.serve)
        await ours.submit("From: ann@example.net\nTo: bob@example.org\n\nhello")
        await net.pass_time(hours=2)
        assert len(script.heard) >= 2, "it was tried again"
        assert len(await ours.queue()) == 1


# 4.5.3.2.7


@pytest.mark.parametrize("state", [s for s in State if s not in (State.OVER, State.STARTING_TLS)])
def test_4_5_3_2_7_a_server_waits_five_minutes_for_the_next_command(state: State) -> None:
    assert TIMEOUTS[state] >= 5 * MINUTE_S


async def test_4_5_3_2_7_a_client_that_takes_its_time_is_served_to_the_end() -> None:
    async with served() as (net, server, session):
        for line in ("MAIL FROM:<ann@example.net>", "RCPT TO:<bob@example.org>", "NOOP"):
            await net.pass_time(seconds=5 * MINUTE_S - JUST_S)
            assert await session.say(line) == 250
        await net.pass_time(seconds=5 * MINUTE_S - JUST_S)
        assert await session.say("DATA") == 354
        await net.pass_time(seconds=5 * MINUTE_S - JUST_S)
        assert await session.say("Subject: slow\r\n\r\nhello\r\n.") == 250
        await net.settle()
        assert (await server.mailbox("bob")).only().subject == "slow"


async def test_3_8_a_client_that_says_nothing_hears_421_and_is_left() -> None:
    async with served() as (net, _, session):
        await net.pass_time(hours=1)
        assert await session.reply() == 421
        assert await session.reply() == 0
