"""Sessions that mix all commands, parameters and nonsense by chance: no fault of ours, and every reply is one."""

from __future__ import annotations

import logging
import random

import pytest

from postel.net import ConnectionLost, Endpoint, Stream, TimedOut
from postel.proto.smtp import HeardReader
from postel.testing import MailNetwork

pytestmark = pytest.mark.slow

SESSIONS = 60
RULES = """
[[domain]]
name = "example.org"
[commands]
verify = ["0.0.0.0/0"]
etrn = ["0.0.0.0/0"]
send = ["0.0.0.0/0"]
verbose = ["0.0.0.0/0"]
turn = true
"""
MAIL, RCPT = "MAIL FROM:<bob@example.org>", "RCPT TO:<bob@example.org>"
COMMANDS = [
    "EHLO x.example", "HELO x", "LHLO x", MAIL, "MAIL FROM:<>", RCPT, "RCPT TO:<nobody@example.org>", "DATA",
    "BDAT 5\r\nhello", "BDAT 0 LAST", "BDAT 5 LAST\r\nhel\rl", "BDAT 99999999999", "BDAT -1", "BDAT 5 FIRST", "BDAT",
    "RSET", "NOOP", "VRFY bob", "EXPN all", "HELP", "HELP BDAT", "QUIT", "STARTTLS", "AUTH PLAIN", "AUTH PLAIN =",
    "AUTH PLAIN AGEAYg==", "AUTH LOGIN", "AUTH SCRAM-SHA-256 biwsbj1hLHI9eA==", "AUTH CRAM-MD5", "AUTH DIGEST-MD5",
    "AUTH EXTERNAL =", "AUTH ANONYMOUS YQ==", "AUTH OAUTHBEARER bixhPWEsAQ==", "*", "", "AA==", "ETRN example.org",
    "ETRN @x", "ATRN", "ATRN a,b", "TURN", "SEND FROM:<a@b.example>", "SOML FROM:<a@b.example>", "SAML FROM:<>", "VERB",
    "ONEX", "XCLIENT ADDR=192.0.2.1", "XFORWARD NAME=x ADDR=1.2.3.4", "BURL imap://x/ LAST", ".", "..", "a" * 3000,
    "\x00", "\xff\xfe", "Subject: x", "EHLO [IPv6:::1]", "EHLO " + "x" * 600,
]  # fmt: skip
PARAMETERS = [
    "SIZE=5", "SIZE=-1", "SIZE=99999999999999999999", "BODY=BINARYMIME", "BODY=8BITMIME", "BODY=X", "SMTPUTF8",
    "RET=FULL", "ENVID=+", "AUTH=<>", "TRANSID=<1@x>", "TRANSID=1", "REQUIRETLS", "BY=120;R", "BY=-5;N",
    "BY=999999999999;RT", "HOLDFOR=10", "HOLDFOR=99999999999999", "MT-PRIORITY=9", "MT-PRIORITY=-10", "SOLICIT=a.b:c",
    "SOLICIT=" + "a:b," * 300, "PRDR", "NOTIFY=NEVER,SUCCESS", "NOTIFY=SUCCESS", "ORCPT=rfc822;x", "X=1", "=", "A=B=C",
]  # fmt: skip
ENDS = [b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n", b"\0\r\n"]


def line(chance: random.Random) -> bytes:
    command = chance.choice(COMMANDS)
    if " FROM:" in command or " TO:" in command:
        command += "".join(f" {chance.choice(PARAMETERS)}" for _ in range(chance.choice([0, 0, 1, 2, 3, 30])))
    return command.encode("latin-1") + chance.choice(ENDS)


async def attack(stream: Stream, chance: random.Random) -> bytes:
    """All that the server says in one session."""
    heard = b""
    opening = [b"EHLO x.example", MAIL.encode(), RCPT.encode()][: chance.randrange(4)]
    groups = [text + b"\r\n" for text in opening]
    groups += [
        b"".join(line(chance) for _ in range(chance.choice([1, 1, 2, 5])))
        for _ in range(chance.randrange(25))
    ]
    try:
        heard += await stream.read(20)
        for group in groups:
            await stream.write(group, 5)
            try:
                heard += await stream.read(2)
            except TimedOut:
                continue  # it waits for the rest of something
    except ConnectionLost:
        pass  # it had enough of us
    stream.abort()
    return heard


@pytest.mark.parametrize("seed", range(5))
async def test_no_mixture_of_commands_breaks_a_session_or_a_reply(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(seed)
    async with MailNetwork("example.org. MX 10 mx.example.org.\n") as net:
        server = await net.start("mx.example.org", RULES, accounts=["bob@example.org"])
        ip = next(ip for ip in server.host.ips if ip.version == 4)
        for number in range(SESSIONS):
            client = net.host(f"client{number % 20}.example.net")
            reader = HeardReader()
            place = Endpoint(str(ip), chance.choice([25, 587]))
            reader.receive(await attack(await client.dial(place, timeout_s=10), chance))
            while (reply := reader.next_reply()) is not None:
                assert reply.complaints == (), reply.lines
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
