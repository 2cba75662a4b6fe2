"""The order of commands: RFC 5321 4.1.4, as a table of what is said and what is answered."""

from __future__ import annotations

import pytest
from standard_kit import served, stranger

MAIL, RCPT, BAD = "MAIL FROM:<ann@example.net>", "RCPT TO:<bob@example.org>", "RCPT TO:<nobody@example.org>"
EHLO, HELO = "EHLO client.example.net", "HELO client.example.net"
LETTER = "Subject: x\r\n\r\nhello\r\n."

# Commands in a row, and the codes that they must get. The session has been greeted.
DIALOGUES: dict[str, list[tuple[str, int]]] = {
    "a transaction may not begin before EHLO or HELO": [(MAIL, 503), (EHLO, 250), (MAIL, 250)],
    "NOOP, HELP, VRFY, EXPN, RSET and QUIT may come at any time": [
        ("NOOP", 250), ("HELP", 214), ("VRFY bob", 252), ("EXPN all", 252), ("RSET", 250), ("QUIT", 221),
    ],
    "and in the middle of a transaction too, without harm to it": [
        (EHLO, 250), (MAIL, 250), ("NOOP", 250), (RCPT, 250), ("HELP", 214), ("VRFY bob", 252), ("EXPN all", 252),
        ("DATA", 354), (LETTER, 250),
    ],
    "EHLO again clears all buffers as RSET does": [(EHLO, 250), (MAIL, 250), (EHLO, 250), (RCPT, 503), (MAIL, 250)],
    "a HELO after EHLO does the same": [(EHLO, 250), (MAIL, 250), (HELO, 250), (RCPT, 503), (MAIL, 250)],
    "a refused EHLO leaves the state as it was": [(EHLO, 250), (MAIL, 250), ("EHLO", 501), (RCPT, 250)],
    "a MAIL inside a transaction is 503, and the transaction goes on": [
        (EHLO, 250), (MAIL, 250), (MAIL, 503), (RCPT, 250), ("DATA", 354), (LETTER, 250),
    ],
    "RCPT needs MAIL": [(EHLO, 250), (RCPT, 503)],
    "DATA needs MAIL": [(EHLO, 250), ("DATA", 503)],
    "DATA needs a recipient": [(EHLO, 250), (MAIL, 250), ("DATA", 554)],
    "DATA needs a valid recipient": [(EHLO, 250), (MAIL, 250), (BAD, 550), ("DATA", 554)],
    "RSET ends the transaction and not the session": [
        (EHLO, 250), (MAIL, 250), (RCPT, 250), ("RSET", 250), (RCPT, 503), (MAIL, 250),
    ],
    "the end of the content ends the transaction": [
        (EHLO, 250), (MAIL, 250), (RCPT, 250), ("DATA", 354), (LETTER, 250), (RCPT, 503), (MAIL, 250),
    ],
    "QUIT may come at once": [("QUIT", 221)],
    "QUIT abandons a transaction": [(EHLO, 250), (MAIL, 250), (RCPT, 250), ("QUIT", 221)],
    "DATA, RSET and QUIT take no arguments (4.3.2)": [
        (EHLO, 250), (MAIL, 250), (RCPT, 250), ("DATA now", 501), ("RSET it", 501), ("QUIT me", 501), ("DATA", 354),
    ],
    "verbs are understood in any case (2.4)": [("ehlo x.example", 250), ("mAiL fRoM:<a@b.example>", 250)],
    "an unknown command is 500, and harms nothing (4.2.4)": [(EHLO, 250), (MAIL, 250), ("FROB", 500), (RCPT, 250)],
}  # fmt: skip


@pytest.mark.parametrize("title", DIALOGUES)
async def test_4_1_4(title: str) -> None:
    async with served() as (net, _, _):
        session = await stranger(net, hello=None)
        for line, code in DIALOGUES[title]:
            assert await session.say(line) == code, line
        await session.close()


async def test_4_1_1_10_after_quit_the_server_closes() -> None:
    async with served() as (_, _, session):
        assert await session.say("QUIT") == 221
        assert await session.reply() == 0
