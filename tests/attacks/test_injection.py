"""Breaking out: names and addresses that try to become header fields, log lines, or another part of a field of ours."""

from __future__ import annotations

import email
import email.policy
import re

import pytest
from stranger import Sink, Stranger

from postel.mail import parse_mailbox
from postel.message import HeaderBlock
from postel.observe.formats import TextFormatter
from postel.testing import MailNetwork

ZONE = "victim.example. MX 10 mx.victim.example."
NAMES = (
    "x)(by", "(((((", "a\\", '"', "from;Thu,01Jan2026", "[1.2.3.4", "[x]", "x>y<z", "x\u00e9", "a" * 255, "_._", "-",
    ".", "%0d%0aEvil:x", "x;for<ann@ours.example>", "[IPv6:fe80::1%eth0]", "mx.ours.example", "localhost", "x:y",
    "=?utf-8?q?x?=",
)  # fmt: skip
LOCAL_PARTS = (
    '"> (x) ; Thu, 01 Jan 2026"', '"a> BODY=8BITMIME"', r'"\\"', r'"\"@evil.example"', '"(x)"', '"a,b"', '" "', '"@"',
    '"' + "a " * 120 + '"', "a" * 200, "'", "`id`", "$(id)", "|cat", "=?utf-8?q?=0D=0AEvil:_x?=", '"<>"', "-f",
    '"/etc/x"',
)  # fmt: skip
PER_RECIPIENT = {
    "Final-Recipient", "Original-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code", "Last-Attempt-Date",
    "Final-Log-ID",
}  # fmt: skip
WIDE = ("ü", '"ü> x"', '"\u2028Evil: x"', '"\u0085Evil: x"', "\u202e", '"\u009b31m"', "\ufeff", "\U000e0001")

_TRACE = re.compile(
    r"from [^ ();]+ \([^()]*\)(?: \(hello [^()]*\))? by mx\.ours\.example with E?SMTP id \w+ "
    r"for <ann@ours\.example>; Thu, 01 Jan 2026 [0-9:]+ \+0000"
)


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_in_ehlo_stays_a_name(name: str) -> None:
    async with MailNetwork(ZONE) as net:
        server = await net.start("mx.ours.example", accounts=["ann@ours.example"])
        for verb in (b"EHLO ", b"HELO "):
            stranger = await Stranger.call(net, server)
            if await stranger.command(verb + name.encode()) != 250:
                continue
            await stranger.say(b"MAIL FROM:<>\r\nRCPT TO:<ann@ours.example>\r\n")
            assert await stranger.command(b"DATA") == 354
            assert await stranger.command(b"Subject: x\r\n\r\nx\r\n.") == 250
        await net.settle()
        for letter in await server.mailbox("ann"):
            check_fields(letter.content)
            [received] = HeaderBlock.parse(letter.content).all("Received")
            assert _TRACE.fullmatch(" ".join(received.split())), received


def check_fields(content: bytes) -> None:
    """What we have put on top is what it should be, and nothing came along."""
    header = HeaderBlock.parse(content)
    names = [field.name for field in header.fields]
    assert names == ["Return-Path", *["Delivered-To"] * names.count("Delivered-To"), "Received", "Subject"]
    assert not any(field.is_malformed for field in header.fields)
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert [
        name for name, _ in email.message_from_bytes(content, policy=email.policy.compat32).items()
    ] == names
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n", header.raw)


@pytest.mark.parametrize("local_part", LOCAL_PARTS + WIDE)
async def test_a_reverse_path_stays_an_address(local_part: str) -> None:
    async with MailNetwork(ZONE) as net:
        server = await net.start("mx.ours.example", accounts=["ann@ours.example"])
        stranger = await Stranger.call(net, server)
        assert await stranger.command(b"EHLO evil.example") == 250
        if await stranger.command(f"MAIL FROM:<{local_part}@victim.example> SMTPUTF8".encode()) != 250:
            return
        assert await stranger.command(b"RCPT TO:<ann@ours.example>") == 250
        assert await stranger.command(b"DATA") == 354
        assert await stranger.command(b"Subject: x\r\n\r\nx\r\n.") == 250
        await net.settle()
        letter = (await server.mailbox("ann")).only()
        check_fields(letter.content)
        path = HeaderBlock.parse(letter.content).get("Return-Path") or ""
        assert path[0] + path[-1] == "<>"
        assert parse_mailbox(path[1:-1]).domain.ascii == "victim.example"


@pytest.mark.parametrize("local_part", LOCAL_PARTS)
async def test_a_recipient_stays_one_on_the_way_out_and_in_the_report(local_part: str) -> None:
    refusing = "550 5.1.1 <x@y> (sorry)\r\n"
    async with MailNetwork(ZONE) as net:
        server = await net.start("mx.ours.example", accounts=["ann@ours.example"])
        sink = await Sink(net, "mx.victim.example", refuses=refusing).open()
        stranger = await Stranger.call(net, server, 587)
        await stranger.login("ann@ours.example")
        assert await stranger.command(b"MAIL FROM:<ann@ours.example>") == 250
        if await stranger.command(f"RCPT TO:<{local_part}@victim.example>".encode()) != 250:
            return
        assert await stranger.command(b"DATA") == 354
        assert await stranger.command(b"From: ann@ours.example\r\nSubject: x\r\n\r\nx\r\n.") == 250
        await net.settle()
        [session] = sink.sessions
        said = [line for line in session.split(b"\r\n") if line.startswith(b"RCPT")]
        assert said == [f"RCPT TO:<{parse_mailbox(f'{local_part}@victim.example')}>".encode()]
        report = (await server.mailbox("ann")).only()
        check_report(report.content)


def check_report(content: bytes) -> None:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report"
    human, machine, _ = message.iter_parts()
    assert human.get_content_type() == "text/plain"
    _, about = machine.iter_parts()
    assert set(about.keys()) <= PER_RECIPIENT
    assert about["Action"] == "failed"
    assert about["Final-Recipient"].startswith("rfc822;")
    assert about["Final-Recipient"].endswith("@victim.example")


@pytest.mark.parametrize(
    "text", [*NAMES, *LOCAL_PARTS, *WIDE, "x event=login_ok", "\r\nevent=login_ok", "\x1b[2J"]
)
async def test_what_a_stranger_says_cannot_leave_its_place_in_the_log(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "postel")
    async with MailNetwork(ZONE) as net:
        server = await net.start("mx.ours.example", accounts=["ann@ours.example"])
        stranger = await Stranger.call(net, server)
        for line in (
            "EHLO {}",
            "HELO {}",
            "EHLO x",
            "MAIL FROM:<{}@b.example> SMTPUTF8",
            "RCPT TO:<{}@b.example>",
            "{}",
            "VRFY {}",
        ):
            await stranger.say(line.format(text).encode("utf-8", "surrogatepass") + b"\r\n")
    formatter = TextFormatter()
    for record in caplog.records:
        line = formatter.format(record)
        assert line.isprintable()
        outside = re.sub(r'"(?:[^"\\]|\\.)*"', '""', line)
        assert all("=" in word for word in outside.split(" ")[2:]), line
        assert outside.count(" event=") == 1
