"""Every extension of the table from end to end: through two Postels, to a next hop with it and to one without.

A row says what a program asks of the first server, what the second must hear of it, and what becomes of the
letter where the next hop does not offer the extension.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from wire_tap import WireTap

from postel.net import Endpoint, Stream
from postel.proto.smtp import EXTENSIONS
from postel.testing import MailNetwork

ROOT = Path(__file__).parents[1]
ZONE = "example.org. MX 10 tap.example.org.\nexample.net. MX 10 mx.example.net.\n"
PASSWORD = "password"
PLAIN = b"From: ann@example.net\r\nTo: bob@example.org\r\nSubject: hello\r\n\r\nHello!\r\n"
EIGHT_BIT = (
    b"From: ann@example.net\r\nTo: bob@example.org\r\nSubject: hello\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe!\r\n"
)
BINARY = (
    b"From: ann@example.net\r\nTo: bob@example.org\r\nSubject: hello\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    + bytes(range(256))
    + b"\r\n.\r\n"
)
FAILED, RELAYED, DELIVERED = "Action: failed", "Action: relayed", "Action: delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One extension on its way.

    keyword     of the extension.
    mail, rcpt  what a program says after MAIL FROM:<...> and RCPT TO:<...>.
    to          the recipients.
    content     sent by BDAT where it is binary.
    says        patterns that the second server must hear, each in one piece of the client's.
    never       patterns that it must not hear where it lacks the extension; by default `says`.
    report      what stands in the report that the program's user gets; "" for no report.
    lacking     the same where the next hop lacks the extension.
    arrives     whether the letter arrives there too.
    letter      a pattern in the letter; `lacking_letter` where the next hop lacks the extension.
    limits      [limits] of the second server.
    companions  what nobody offers without this, so that it is lacking too.
    """

    keyword: str
    mail: str = ""
    rcpt: str = ""
    to: tuple[str, ...] = ("bob@example.org",)
    content: bytes = PLAIN
    says: tuple[str, ...] = ()
    never: tuple[str, ...] | None = None
    report: str = ""
    lacking: str = ""
    arrives: bool = True
    letter: bytes = b"Subject: hello"
    lacking_letter: bytes = b"Subject: hello"
    limits: str = ""
    companions: tuple[str, ...] = ()


ROWS: Final = (
    Row(keyword="PIPELINING", says=(r"MAIL [^\n]*\nRCPT ",)),
    Row(keyword="SIZE", says=(r"MAIL [^\n]* SIZE=\d+",)),
    Row(
        keyword="8BITMIME",
        mail="BODY=8BITMIME",
        content=EIGHT_BIT,
        companions=("SMTPUTF8", "BINARYMIME"),
        says=(r"MAIL [^\n]* BODY=8BITMIME",),
        letter=rb"Transfer-Encoding: 8bit\r\n(?s:.*)\r\nGr\xc3\xbc\xc3\x9fe!",
        lacking_letter=rb"Transfer-Encoding: quoted-printable\r\n(?s:.*)\r\nGr=C3=BC=C3=9Fe!",
    ),
    Row(
        keyword="SMTPUTF8",
        mail="SMTPUTF8",
        to=("grüße@example.org",),
        says=(r"MAIL [^\n]* SMTPUTF8",),
        lacking=r"Status: 5\.6\.7",
        arrives=False,
    ),
    Row(
        keyword="ENHANCEDSTATUSCODES",
        to=("nobody@example.org",),
        report=r"Status: 5\.1\.1",
        lacking=r"Status: 5\.\d\.\d",
    ),
    Row(
        keyword="DSN",
        mail="RET=HDRS ENVID=e+2B1",
        rcpt="NOTIFY=SUCCESS ORCPT=rfc822;Bob@x.example",
        says=(
            r"MAIL [^\n]* RET=HDRS",
            r"ENVID=e\+2B1",
            r"RCPT [^\n]* NOTIFY=SUCCESS",
            r"ORCPT=rfc822;Bob@x\.example",
        ),
        report=DELIVERED,
        lacking=RELAYED,
    ),
    Row(
        keyword="CHUNKING",
        companions=("BINARYMIME",),
        says=(r"(BDAT \d+ LAST|DATA)\r\n",),
        never=("BDAT",),
    ),
    Row(
        keyword="BINARYMIME",
        mail="BODY=BINARYMIME",
        content=BINARY,
        never=("BODY=BINARYMIME",),
        letter=rb"Transfer-Encoding: (binary|base64)\r\n",
        lacking_letter=rb"Transfer-Encoding: base64\r\n",
    ),
    Row(
        keyword="LIMITS",
        to=tuple(f"bob+{n}@example.org" for n in range(130)),
        says=(r"BDAT \d+ LAST(?s:.*)MAIL FROM(?s:.*)BDAT \d+ LAST",),
        never=("nothing like this",),
        limits="[limits]\nrecipients = 100\n",
    ),
    Row(
        keyword="DELIVERBY",
        mail="BY=300;NT",
        says=(r"MAIL [^\n]* BY=\d+;NT",),
        report=RELAYED,
        lacking=RELAYED,
    ),
    Row(keyword="AUTH", mail="AUTH=ann@example.net", says=(), never=(r"AUTH=",)),
    Row(keyword="FUTURERELEASE", mail="HOLDFOR=3600", says=(), never=("HOLDFOR",)),
    Row(keyword="MT-PRIORITY", mail="MT-PRIORITY=0", says=(r"MAIL [^\n]* MT-PRIORITY=0",)),
    Row(
        keyword="NO-SOLICITING",
        mail="SOLICIT=net.example:ADV",
        says=(r"MAIL [^\n]* SOLICIT=net\.example:ADV",),
    ),
)

# What needs another stage: TLS, a broken line, trust. The file proves the row from end to end, and names the keyword.
ELSEWHERE: Final = {
    "STARTTLS": "delivery/test_relay_tls_and_login.py",
    "REQUIRETLS": "journey/test_requiretls.py",
    "CHECKPOINT": "transcripts/smtp/checkpoint-resumed.txt",
    "PRDR": "transcripts/smtp/prdr-mixed.txt",
    "BURL": "servers/test_smtpd_burl.py",
    "XCLIENT": "servers/test_smtpd_xclient.py",
    "XFORWARD": "servers/test_smtpd_xclient.py",
    "HELP": "transcripts/smtp/help-for-this-client.txt",
    **dict.fromkeys(
        ("ETRN", "ATRN", "TURN", "VERB", "ONEX", "VRFY", "EXPN", "SEND", "SOML", "SAML"),
        "journey/test_commands_end_to_end.py",
    ),
}


class Program:
    """A mail program that has logged in at the first server, and says what it is told to."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = b""

    async def say(self, line: str | bytes, *, end: bytes = b"\r\n") -> int:
        await self._stream.write((line.encode() if isinstance(line, str) else line) + end)
        return await self.reply()

    async def reply(self) -> int:
        while True:
            while b"\r\n" not in self._buffer:
                self._buffer += await self._stream.read(600)
            line, _, self._buffer = self._buffer.partition(b"\r\n")
            if line[3:4] == b" ":
                return int(line[:3])

    async def send(self, row: Row) -> None:
        login = base64.b64encode(f"\0ann@example.net\0{PASSWORD}".encode()).decode()
        assert await self.say("EHLO program.example.net") == 250
        assert await self.say(f"AUTH PLAIN {login}") == 235
        assert await self.say(f"MAIL FROM:<ann@example.net> {row.mail}".rstrip()) == 250
        for recipient in row.to:
            assert await self.say(f"RCPT TO:<{recipient}> {row.rcpt}".rstrip()) == 250
        if row.content is BINARY:
            command = f"BDAT {len(row.content)} LAST\r\n".encode()
            assert await self.say(command + row.content, end=b"") == 250
        else:
            assert await self.say("DATA") == 354
            assert await self.say(row.content + b".") == 250
        await self._stream.close()


@pytest.mark.parametrize("is_lacking", [False, True], ids=["offered", "lacking"])
@pytest.mark.parametrize("row", ROWS, ids=[row.keyword for row in ROWS])
async def test_a_letter_that_uses_it_goes_through_two_servers(row: Row, is_lacking: bool) -> None:
    async with MailNetwork(ZONE) as net:
        ours = await net.start("mx.example.net", accounts=["ann@example.net"])
        theirs = await net.start(
            "mx.example.org",
            f'[[domain]]\nname = "example.org"\n{row.limits}',
            accounts=["bob@example.org", "grüße@example.org"],
        )
        tap = await WireTap.before(
            net, "mx.example.org", "tap.example.org", [row.keyword, *row.companions] if is_lacking else []
        )
        ip = next(ip for ip in ours.host.ips if ip.version == 4)
        program = Program(await net.host("program.example.net").dial(Endpoint(str(ip), 587), timeout_s=10))
        assert await program.reply() == 220
        await program.send(row)
        await net.settle()

        heard = "\n--\n".join(tap.said)
        wanted = row.never if is_lacking and row.never is not None else row.says
        for pattern in wanted:
            assert (re.search(pattern, heard) is None) is is_lacking, heard
        reports = [letter.content.decode() for letter in await ours.mailbox("ann")]
        expected = row.lacking if is_lacking else row.report
        assert len(reports) == bool(expected), reports
        assert all(re.search(expected, report) for report in reports), reports
        names = {re.split("[+@]", to)[0] for to in row.to} - {"nobody"}
        letters = [letter.content for name in names for letter in await theirs.mailbox(name)]
        if is_lacking and not row.arrives:
            assert letters == []
        for letter in letters:
            assert re.search(row.lacking_letter if is_lacking else row.letter, letter), letter


def offered() -> set[str]:
    """Every keyword that the table may offer to anybody."""
    return {row.keyword for row in EXTENSIONS}


def test_every_extension_of_the_table_has_its_row() -> None:
    assert {row.keyword for row in ROWS} | set(ELSEWHERE) == offered()


@pytest.mark.parametrize("keyword", ELSEWHERE)
def test_what_is_proven_elsewhere_is_there(keyword: str) -> None:
    assert keyword in (ROOT / ELSEWHERE[keyword]).read_text("utf-8").upper()
