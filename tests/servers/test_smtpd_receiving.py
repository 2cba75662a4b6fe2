"""The service smtp: mail comes in for those it may come in for, and says where it has been."""

import asyncio
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from smtp_world import HELLO, SMTP, world

from postel.mail import parse_mailbox
from postel.net import Endpoint
from postel.proto.smtp import SmtpLimits
from postel.testing.transcript import AtOnce, Bytewise, RandomSplits, WholeLines, parse_transcript
from postel.testing.transcript.service import Cut, play_service

A_MAIL = """
    C MAIL FROM:<kitt@free.example>
    S 250 2.1.0 ...
    C RCPT TO:<ann@example.org>
    S 250 2.1.5 ...
    C DATA
    S 354 ...
    C Subject: hello
    C
    C Hello Ann
    C .
    S 250 2.0.0 queued as $id
"""


@pytest.mark.parametrize(
    "cut", [WholeLines().cut, Bytewise().cut, AtOnce().cut, RandomSplits(1).cut, RandomSplits(2).cut]
)
async def test_a_message_is_queued_before_the_250_under_the_id_that_it_names(cut: Cut) -> None:
    async with world() as w:
        bound = await w.play(HELLO + A_MAIL + "C QUIT\nS 221 2.0.0 ...\nclose server", cut=cut)
        [entry] = await w.queued()
        assert str(entry.message.queue_id) == bound["id"]
        assert entry.message.reverse_path.mailbox == parse_mailbox("kitt@free.example")
        [recipient] = entry.message.recipients
        assert recipient.recipient.mailbox == parse_mailbox("ann@example.org")
        assert await w.content() == (
            b"Received: from client.example.net ([192.0.2.9]) by mx.example.org with ESMTP\r\n"
            b"\tid " + bound["id"].encode() + b" for <ann@example.org>; Thu, 01 Jan 2026 00:00:00 +0000\r\n"
            b"Subject: hello\r\n\r\nHello Ann\r\n"
        )


async def test_one_id_leads_through_the_log() -> None:
    async with world() as w:
        bound = await w.play(HELLO + A_MAIL + "C QUIT\nS 221 ...\nclose server")
        await w.service.stop(1)
        opened, accepted, closed = (fields for _, fields in w.log.seen)
        assert [name for name, _ in w.log.seen] == ["session_opened", "message_accepted", "session_closed"]
        assert opened["session"] == accepted["session"] == closed["session"]
        assert accepted["id"] == bound["id"]
        assert (accepted["recipients"], accepted["protocol"]) == (1, "ESMTP")
        assert accepted["size"] == len(await w.content())
        assert (closed["ended"], closed["accepted"]) == ("over", 1)


async def test_two_messages_in_one_session_have_two_ids() -> None:
    async with world() as w:
        await w.play(HELLO + A_MAIL + A_MAIL.replace("$id", "$other"))
        assert len({entry.message.queue_id for entry in await w.queued()}) == 2


async def test_a_helo_session_is_plain_smtp_in_the_trace_field() -> None:
    async with world() as w:
        await w.play("S 220 ...\nC HELO client\nS 250 ...\n" + A_MAIL)
        assert b"from client ([192.0.2.9]) by mx.example.org with SMTP\r\n" in await w.content()


async def test_recipients_are_taken_or_refused_one_by_one() -> None:
    async with world() as w:
        await w.play(
            HELLO
            + """
            C MAIL FROM:<>
            C RCPT TO:<nobody@example.org>
            C RCPT TO:<ann@example.org>
            C RCPT TO:<kitt@free.example>
            C RCPT TO:<x@backup.example>
            C RCPT TO:<sales@example.org>
            C RCPT TO:<ann+shop@example.org>
            C DATA
            S 250 2.1.0 ...
            S 550 5.1.1 No such mailbox here
            S 250 2.1.5 ...
            S 550 5.7.1 We do not relay for you
            S 250 2.1.5 ...
            S 250 2.1.5 ...
            S 250 2.1.5 ...
            S 354 ...
            C
            C x
            C .
            S 250 2.0.0 ...
            """
        )
        [entry] = await w.queued()
        assert entry.message.reverse_path.is_null
        assert [str(state.recipient.mailbox) for state in entry.message.recipients] == [
            "ann@example.org",
            "x@backup.example",
            "sales@example.org",
            "ann+shop@example.org",
        ]
        assert b" for <" not in await w.content()
        unknown, relay = w.log["mail_refused"]
        assert unknown["by"] == relay["by"] == "postel:recipient"
        assert str(unknown["reply"]) != unknown["because"]
        assert "neither ours nor a relay domain" in relay["because"]


@pytest.mark.parametrize("trick", ["kitt%free.example@backup.example", '"kitt@free.example"@backup.example'])
async def test_an_address_hidden_in_a_local_part_is_not_relayed(trick: str) -> None:
    async with world() as w:
        await w.play(HELLO + f"C MAIL FROM:<>\nS 250 ...\nC RCPT TO:<{trick}>\nS 550 5.7.1 ...")


async def test_a_source_route_is_stripped_and_opens_no_relay() -> None:
    async with world() as w:
        await w.play(
            HELLO
            + """
            C MAIL FROM:<>
            S 250 ...
            C RCPT TO:<@mx.example.org:kitt@free.example>
            S 550 5.7.1 ...
            C RCPT TO:<@free.example:ann@example.org>
            S 250 2.1.5 ...
            """
        )


async def test_a_network_that_may_relay_may_relay_and_no_other() -> None:
    relay = HELLO + "C MAIL FROM:<>\nS 250 ...\nC RCPT TO:<kitt@free.example>\nS "
    async with world(relay_networks=(ip_network("192.0.2.8/31"),)) as w:
        await w.play(relay + "250 2.1.5 ...")
    async with world(relay_networks=(ip_network("192.0.2.10/31"),)) as w:
        await w.play(relay + "550 5.7.1 ...")


async def test_postmaster_without_a_domain_reaches_ours() -> None:
    async with world() as w:
        await w.play(HELLO + A_MAIL.replace("RCPT TO:<ann@example.org>", "RCPT TO:<Postmaster>"))
        [entry] = await w.queued()
        assert str(entry.message.recipients[0].recipient.mailbox) == "Postmaster@mx.example.org"


async def test_who_is_named_twice_gets_one_copy() -> None:
    async with world() as w:
        await w.play(
            HELLO
            + A_MAIL.replace(
                "C DATA",
                "C RCPT TO:<ann@example.org>\n    S 250 2.1.5 ...\n    C DATA",
            )
        )
        [entry] = await w.queued()
        assert len(entry.message.recipients) == 1


async def test_too_many_recipients_are_deferred_one_by_one() -> None:
    limits = SmtpLimits(recipients=100)
    group = "".join(f"C RCPT TO:<ann+{n}@example.org>\nS 250 2.1.5 ...\n" for n in range(100))
    async with world(replace(SMTP, limits=limits)) as w:
        await w.play(
            HELLO.replace("RCPTMAX=1000", "RCPTMAX=100")
            + "C MAIL FROM:<>\nS 250 ...\n"
            + group
            + "C RCPT TO:<bob@example.org>\nS 452 4.5.3 ...\nC DATA\nS 354 ...\nC .\nS 250 2.0.0 ..."
        )
        assert len((await w.queued())[0].message.recipients) == 100


async def test_a_message_too_big_is_refused_though_no_size_was_declared(tmp_path: Path) -> None:
    limits = SmtpLimits(message_size=65_536)
    hello = HELLO.replace("50000000", "65536")
    async with world(replace(SMTP, limits=limits), folder=tmp_path) as w:
        await w.play(
            hello
            + """
            C MAIL FROM:<> SIZE=65537
            S 552 5.3.4 ...
            C MAIL FROM:<>
            S 250 ...
            C RCPT TO:<ann@example.org>
            S 250 ...
            C DATA
            S 354 ...
            C| {{x*76}\\r\\n*1000}.\\r\\n
            S 552 5.3.4 ...
            """.replace("{{x*76}\\r\\n*1000}", "{xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\\r\\n*2000}")
            + A_MAIL
        )
        assert len(await w.queued()) == 1
        assert len(w.log["content_aborted"]) == 1
        assert files(tmp_path) == 0


def files(folder: Path) -> int:
    return sum(path.is_file() for path in (folder / "contents").rglob("*"))


async def test_large_content_goes_through_a_file_whole(tmp_path: Path) -> None:
    async with world(folder=tmp_path) as w:
        await w.play(
            HELLO + A_MAIL.replace("C Hello Ann", "C| {0123456789abcdef0123456789abcdef\\r\\n*20000}")
        )
        content = await w.content()
        assert content.endswith(b"Subject: hello\r\n\r\n" + b"0123456789abcdef0123456789abcdef\r\n" * 20000)
        assert files(tmp_path) == 1


@pytest.mark.parametrize(("hops", "reply"), [(30, "250 2.0.0 ..."), (31, "554 5.4.6 ...")])
async def test_a_loop_is_stopped_by_counting_trace_fields(hops: int, reply: str) -> None:
    async with world(replace(SMTP, hops=30)) as w:
        await w.play(
            HELLO
            + A_MAIL.replace(
                "C Subject: hello", f"C| {{RECEIVED : by x;\\r\\n*{hops}}}{{Received-SPF: x\\r\\n*9}}"
            ).replace("S 250 2.0.0 queued as $id", f"S {reply}")
        )
        assert len(await w.queued()) == (1 if hops == 30 else 0)
        assert await w.count("content") == (1 if hops == 30 else 0)


async def test_a_header_beyond_all_measure_is_refused() -> None:
    async with world() as w:
        await w.play(
            HELLO
            + A_MAIL.replace(
                "C Subject: hello", "C| {X-Junk: 0123456789012345678901234567890123456789\\r\\n*6000}"
            ).replace("S 250 2.0.0 queued as $id", "S 552 5.3.4 ...")
        )


async def test_eight_bits_that_were_not_declared_are_declared_in_the_queue() -> None:
    async with world() as w:
        await w.play(HELLO + A_MAIL.replace("C Hello Ann", "C| Gr\\xfc\\xdfe\\r\\n"))
        await w.play(HELLO + A_MAIL)
        parameters = [dict(entry.message.parameters) for entry in await w.queued()]
        assert parameters == [{"BODY": "8BITMIME"}, {}]


async def test_lines_that_are_too_long_are_declared_in_the_queue() -> None:
    # RFC 2045 2.9: the next hop gets them so, or encoded.
    async with world() as w:
        await w.play(HELLO + A_MAIL.replace("C Hello Ann", "C| {x*2000}\\r\\n"))
        (entry,) = await w.queued()
        assert dict(entry.message.parameters) == {"BODY": "BINARYMIME"}


async def test_nothing_is_told_about_who_is_here() -> None:
    async with world() as w:
        await w.play(
            HELLO
            + "C VRFY ann\nS 252 2.0.0 ...\nC EXPN sales\nS 252 2.0.0 ...\nC HELP\nS 214-...\nS 214-...\nS 214 ..."
        )


async def test_ipv6_clients_are_named_with_their_literal() -> None:
    async with world() as w:
        stream = await w.client.dial(Endpoint("2001:db8::1", 25), timeout_s=1)
        await play_service(parse_transcript("v6", "title: v6\n\n" + _flat(HELLO + A_MAIL)), stream)
        assert b"([IPv6:2001:db8::9])" in await w.content()


def _flat(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


async def test_guessing_recipients_gets_slow_and_then_ends() -> None:
    async with world(replace(SMTP, unknown_slow=2, unknown_wait_s=7.0, unknown_close=5)) as w:
        guess = "C RCPT TO:<guess@example.org>\nS 550 5.1.1 ...\n"
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await w.play(
            HELLO
            + "C MAIL FROM:<>\nS 250 ...\n"
            + guess * 4
            + "C RCPT TO:<guess@example.org>\nS 421 4.7.0 ...\nclose server"
        )
        assert loop.time() - began_s == pytest.approx(14.0)


async def test_refusals_by_relay_control_are_no_guessing() -> None:
    async with world(replace(SMTP, unknown_close=1)) as w:
        await w.play(
            HELLO
            + "C MAIL FROM:<>\nS 250 ...\nC RCPT TO:<x@free.example>\nS 550 5.7.1 ...\nC NOOP\nS 250 ..."
        )


async def test_content_that_begins_with_a_blank_adds_nothing_to_our_trace_field() -> None:
    async with world() as w:
        await w.play(HELLO + A_MAIL.replace("C Subject: hello", "C| \\x20 (by bank.example)\\r\\n"))
        head, _, body = (await w.content()).partition(b"\r\n\r\n")
        assert head.endswith(b"; Thu, 01 Jan 2026 00:00:00 +0000")
        assert body.startswith(b"  (by bank.example)\r\n")
