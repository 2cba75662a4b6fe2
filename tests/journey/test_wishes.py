"""Time and rank as originators wish for them, through whole networks: RFC 2852, 4865, 6710, 6758, 3865."""

from __future__ import annotations

from email.message import Message

import pytest

from postel.mail import format_instant
from postel.queue import QueueFilter
from postel.testing import MailNetwork, MailServer, a_message

ZONE = """
example.org.  MX 10 mx.example.org.
example.net.  MX 10 mx.example.net.
old.example.  MX 10 mx.old.example.
"""
NET = '[[domain]]\nname = "example.net"\n'
TRUSTING = NET + "[priority]\naccounts = true\nhighest = 6\n"
GREETS = ["S 220 old", "C EHLO ..."]
DSN = [*GREETS, "S 250-mx.old.example", "S 250 DSN"]
DELIVERED = ["S 250 ok", "C DATA", "S 354 go", "C* .", "S 250 ok", "C QUIT", "S 221 bye"]


async def _two(
    net: MailNetwork, rules: str = NET, theirs: str | None = None
) -> tuple[MailServer, MailServer]:
    a = await net.start("mx.example.net", rules, accounts=["ann@example.net", "dan@example.net"])
    b = await net.start("mx.example.org", theirs, accounts=["bob@example.org"])
    return a, b


async def _send(server: MailServer, to: str, notify: str | None = None, **mail: str) -> str:
    wishes = {name.replace("_", "-"): value for name, value in mail.items()}
    rcpt = {} if notify is None else {"NOTIFY": notify}
    (reply,) = await server.submit(a_message(to=to), mail=wishes, rcpt=rcpt)
    return str(reply)


async def _reports(server: MailServer) -> list[dict[str, str]]:
    return [
        {name: str(value) for part in _status(letter.message) for name, value in part.items()}
        for letter in await server.mailbox("ann")
        if letter.message.get_content_type() == "multipart/report"
    ]


def _status(report: Message) -> list[Message]:
    status = next(p for p in report.walk() if p.get_content_type() == "message/delivery-status")
    groups = status.get_payload()
    assert isinstance(groups, list)
    return groups


# DELIVERBY


@pytest.mark.parametrize(("mode", "status", "action"), [("R", "5.4.7", "failed"), ("N", "4.4.7", "delayed")])
async def test_what_is_late_is_returned_or_reported_at_its_time(mode: str, status: str, action: str) -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        b.unplug()
        assert (await _send(a, "bob@example.org", BY=f"1800;{mode}")).startswith("250")
        await net.pass_time(minutes=29)
        assert await _reports(a) == []
        await net.pass_time(minutes=2)
        (report,) = await _reports(a)
        assert (report["Action"], report["Status"]) == (action, status)
        assert "Arrival-Date" in report and "Deliver-By-Date" in report
        b.plug_in()
        await net.settle()
        assert len(await b.mailbox("bob")) == (mode == "N")


async def test_the_time_that_is_left_goes_on_to_the_next_hop() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(
            net, theirs='[[domain]]\nname = "example.org"\n[domain.aliases]\nfar = "x@old.example"\n'
        )
        net.host("mx.old.example")  # nobody listens there
        b.unplug()
        await _send(a, "far@example.org", BY="7200;R")
        await net.pass_time(minutes=10)
        b.plug_in()
        await net.pass_time(minutes=25)
        (row,) = await b.postel.queue.list()
        left_s = int(str(row.message.parameters["BY"]).partition(";")[0])
        assert 7200 - 35 * 60 <= left_s <= 7200 - 600
        assert str(row.message.parameters["BY"]).endswith(";R")
        await net.settle()
        (report,) = await _reports(a)
        assert report["Reporting-MTA"] == "dns; mx.example.org"
        assert report["Status"] == "5.4.7"


async def test_mode_r_never_goes_to_a_hop_without_deliverby() -> None:
    async with MailNetwork(ZONE) as net:
        a, _ = await _two(net)
        net.host("mx.old.example").script(25, [*DSN, "C QUIT", "S 221 bye"])
        await _send(a, "bob@old.example", BY="3600;R")
        await net.settle()
        (report,) = await _reports(a)
        assert (report["Action"], report["Status"]) == ("failed", "5.3.3")


async def test_mode_r_never_goes_to_a_hop_that_needs_more_time() -> None:
    async with MailNetwork(ZONE) as net:
        a, _ = await _two(net)
        net.host("mx.old.example").script(
            25, [*GREETS, "S 250-old", "S 250 DELIVERBY 3601", "C QUIT", "S 221 bye"]
        )
        await _send(a, "bob@old.example", BY="3600;R")
        await net.settle()
        (report,) = await _reports(a)
        assert (report["Action"], report["Status"]) == ("failed", "5.4.7")


@pytest.mark.parametrize(
    ("notify", "told", "count"),
    [
        (None, " NOTIFY=FAILURE,DELAY", 1),
        ("SUCCESS", " NOTIFY=SUCCESS,DELAY", 1),
        ("NEVER", " NOTIFY=NEVER", 0),
    ],
)
async def test_mode_n_to_a_hop_without_deliverby_is_reported_as_relayed(
    notify: str | None, told: str, count: int
) -> None:
    async with MailNetwork(ZONE) as net:
        a, _ = await _two(net)
        script = [
            *DSN,
            "C MAIL FROM:<ann@example.net>",
            "S 250 ok",
            f"C RCPT TO:<bob@old.example>{told}",
            *DELIVERED,
        ]
        net.host("mx.old.example").script(25, script)
        await _send(a, "bob@old.example", notify, BY="3600;N")
        await net.settle()
        assert [report["Action"] for report in await _reports(a)] == ["relayed"] * count


async def test_a_late_message_goes_to_such_a_hop_without_more_words() -> None:
    async with MailNetwork(ZONE) as net:
        a, _ = await _two(net)
        script = [
            *DSN,
            "C MAIL FROM:<ann@example.net>",
            "S 250 ok",
            "C RCPT TO:<bob@old.example>",
            *DELIVERED,
        ]
        net.host("mx.old.example").script(25, script)
        await _send(a, "bob@old.example", BY="0;N")
        await net.settle()
        assert await _reports(a) == []


async def test_a_traced_message_is_reported_by_each_hop() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        await _send(a, "bob@example.org", BY="3600;NT")
        await net.settle()
        (report,) = await _reports(a)
        assert (report["Action"], report["Reporting-MTA"]) == ("relayed", "dns; mx.example.net")
        assert len(await b.mailbox("bob")) == 1


# FUTURERELEASE


async def test_a_letter_is_held_through_a_restart_and_released_at_its_time() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        at = net.clock.now() + 2 * 86400
        assert (await _send(a, "bob@example.org", HOLDUNTIL=format_instant(at))).startswith("250")
        await net.pass_time(days=1)
        await a.restart()
        assert await a.postel.queue.flush() == 0
        await net.pass_time(hours=23)
        assert len(await b.mailbox("bob")) == 0
        await net.pass_time(hours=2)
        (letter,) = await b.mailbox("bob")
        assert "HOLD" not in letter.content.decode()  # nobody else hears of it


async def test_the_time_of_a_held_letter_counts_from_its_release() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        b.unplug()
        await _send(a, "bob@example.org", HOLDFOR=str(6 * 86400))
        await net.pass_time(days=6, hours=5)
        (report,) = await _reports(a)
        assert report["Action"] == "delayed"
        assert report["Future-Release-Request"] == "for;518400"
        assert "Arrival-Date" in report
        b.plug_in()
        await net.settle()
        assert len(await b.mailbox("bob")) == 1


async def test_it_can_be_released_early_and_cancelled() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        await _send(a, "bob@example.org", HOLDFOR="86400")
        await _send(a, "dan@example.net", HOLDFOR="86400")
        first, second = await a.postel.queue.list()
        assert await a.postel.queue.release(QueueFilter(queue_id=first.message.queue_id), early=True) == 1
        assert await a.postel.queue.remove(QueueFilter(queue_id=second.message.queue_id)) == 1
        await net.settle()
        assert len(await b.mailbox("bob")) == 1
        assert len(await a.mailbox("dan")) == 0


@pytest.mark.parametrize(
    ("mail", "reply"),
    [
        ({"HOLDUNTIL": "2020-01-01T00:00:00Z"}, "501 5.5.4 HOLDUNTIL is an instant that has passed"),
        ({"HOLDFOR": str(31 * 86400)}, "501 5.5.4 HOLDFOR is 2592000 seconds at most"),
        ({"HOLDFOR": "7200", "BY": "3600;N"}, "501 5.5.4 The release would come after the time of BY"),
    ],
)
async def test_a_wish_that_cannot_be_granted_is_refused(mail: dict[str, str], reply: str) -> None:
    async with MailNetwork(ZONE) as net:
        a, _ = await _two(net)
        assert await _send(a, "bob@example.org", **mail) == reply


async def test_an_instant_after_the_time_for_delivery_is_refused() -> None:
    async with MailNetwork(ZONE) as net:
        a, _ = await _two(net)
        at = format_instant(net.clock.now() + 7200)
        reply = await _send(a, "bob@example.org", HOLDUNTIL=at, BY="3600;R")
        assert reply == "501 5.5.4 The release would come after the time of BY"


async def test_an_account_may_have_so_many_letters_wait() -> None:
    async with MailNetwork(ZONE) as net:
        a, _ = await _two(net, NET + "[queue]\nfuture_messages = 2\n")
        replies = [await _send(a, "bob@example.org", HOLDFOR="3600") for _ in range(3)]
        assert [reply[:3] for reply in replies] == ["250", "250", "552"]
        assert "5.7.16" in replies[2]
        assert (await _send(a, "bob@example.org")).startswith("250")
        await net.settle()
        assert (await _send(a, "bob@example.org", HOLDFOR="3600")).startswith("250")


# MT-PRIORITY


async def _received(server: MailServer) -> str:
    (letter,) = await server.mailbox("bob")
    return " ".join(letter.trace[0].split())


async def test_a_priority_is_granted_told_and_traced() -> None:
    async with MailNetwork(ZONE) as net:
        theirs = (
            '[[domain]]\nname = "example.org"\n[priority]\nnetworks = ["0.0.0.0/0", "::/0"]\nhighest = 5\n'
        )
        a, b = await _two(net, TRUSTING, theirs)
        await _send(a, "bob@example.org", MT_PRIORITY="9")
        await net.settle()
        (letter,) = await b.mailbox("bob")
        ours, theirs_ = (" ".join(line.split()) for line in reversed(letter.trace))
        assert "PRIORITY 6;" in ours  # the highest there is
        assert "PRIORITY 5;" in theirs_


async def test_whoever_is_not_trusted_may_only_ask_for_less() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        await _send(a, "bob@example.org", MT_PRIORITY="4")
        await net.settle()
        assert "PRIORITY 0;" in await _received(b)
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        await _send(a, "bob@example.org", MT_PRIORITY="-4")
        await net.settle()
        assert "PRIORITY -4;" in await _received(b)


async def test_a_backlog_goes_by_priority_to_the_next_hop() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net, TRUSTING + "[queue]\nconcurrency = 1\n")
        b.unplug()
        for level in ("0", "-9", "6", "2"):
            await _send(a, "bob@example.org", MT_PRIORITY=level)
        await net.pass_time(minutes=2)
        b.plug_in()
        await net.settle()
        came = [
            letter.trace[1].partition("PRIORITY")[2].split(";")[0].strip()
            for letter in await b.mailbox("bob")
        ]
        assert came == ["6", "2", "0", "-9"]


async def test_a_priority_is_tunnelled_through_a_hop_that_does_not_know_it() -> None:
    async with MailNetwork(ZONE) as net:
        a, _ = await _two(net, TRUSTING + "tunnel = true\n")
        old = net.host("mx.old.example")
        seen = ["C MT-Priority: 3", "C* .", "S 250 ok", "C QUIT", "S 221 bye"]
        script = [
            *GREETS,
            "S 250 old",
            "C MAIL FROM:<ann@example.net>",
            "S 250 ok",
            "C RCPT TO:<bob@old.example>",
        ]
        old.script(25, [*script, "S 250 ok", "C DATA", "S 354 go", *seen])
        await _send(a, "bob@old.example", MT_PRIORITY="3")
        await net.settle()
        assert await _reports(a) == []


@pytest.mark.parametrize(
    ("fields", "level"), [(["3"], "3"), (["9"], "6"), (["3", "4"], None), (["high"], None)]
)
async def test_a_tunnelled_priority_counts_where_it_is_trusted(fields: list[str], level: str | None) -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net, TRUSTING + "tunnel = true\n")
        text = "".join(f"MT-Priority: {value}\n" for value in fields)
        content = f"{text}From: ann@example.net\nTo: bob@example.org\nSubject: x\n\nhello\n"
        await a.submit(content, sender="ann@example.net", to="bob@example.org")
        await net.settle()
        (letter,) = await b.mailbox("bob")
        ours = " ".join(letter.trace[1].split())
        assert ours.partition("PRIORITY ")[2].split(";")[0] == (level or "")


# NO-SOLICITING

UNWANTING = 'no_soliciting = ["org.example:ADV"]'
PICKY = '[[domain]]\nname = "example.org"\nno_soliciting = ["org.example:NEWS"]\n'


async def test_solicitation_that_nobody_wants_is_refused_with_its_class() -> None:
    async with MailNetwork(ZONE) as net:
        a = await net.start("mx.example.net", NET, top=UNWANTING, accounts=["ann@example.net"])
        assert await _send(a, "ann@example.net", SOLICIT="org.example:NEWS,ORG.example:adv") == (
            "550 5.7.1 SOLICIT=ORG.example:adv"
        )
        assert (await _send(a, "ann@example.net", SOLICIT="org.example:NEWS")).startswith("250")


async def test_a_domain_refuses_further_classes_and_they_are_passed_on() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net, theirs=PICKY)
        await _send(a, "bob@example.org", SOLICIT="org.example:NEWS")
        await net.settle()
        (report,) = await _reports(a)
        assert (report["Action"], report["Status"]) == ("failed", "5.7.1")
        assert "SOLICIT=org.example:NEWS" in report["Diagnostic-Code"]
        await _send(a, "bob@example.org", SOLICIT="org.example:OTHER")
        await net.settle()
        (letter,) = await b.mailbox("bob")
        assert all("(SOLICIT=org.example:OTHER)" in line for line in letter.trace)


async def test_the_field_counts_where_nothing_was_said_at_mail() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net, theirs=PICKY)
        for value in ("org.example:NEWS", "org.example:OTHER", "not, a; class"):
            content = (
                f"Solicitation: {value}\nFrom: ann@example.net\nTo: bob@example.org\nSubject: x\n\nhello\n"
            )
            await b.submit(content, sender="ann@example.net", to="bob@example.org", login=False)
            await a.submit(content, sender="ann@example.net", to="bob@example.org")
        await net.settle()
        assert len(await b.mailbox("bob")) == 4
        (report,) = await _reports(a)
        assert report["Status"] == "5.7.1"


# SIZE and quotas


async def test_an_account_gets_what_its_quota_has_room_for() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        await b.quota("bob@example.org", 3800)
        big, small = "x" * 2500, "y" * 200
        for body in (big, small, small):
            await a.submit(
                a_message(to="bob@example.org", body="\n".join([body[:70]] * (len(body) // 70 + 1)))
            )
        await net.pass_time(hours=1)
        held = len(await b.mailbox("bob"))
        assert held in (1, 2)
        (waiting, *_) = await a.queue()
        assert waiting.reply is not None
        assert (waiting.reply.code, str(waiting.reply.status)) == (452, "4.2.2")
        await b.quota("bob@example.org", None)
        await net.settle()
        assert len(await b.mailbox("bob")) == 3


async def test_what_can_never_fit_comes_back_at_once() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        await b.quota("bob@example.org", 500)
        await a.submit(a_message(to="bob@example.org", body="long\n" * 300))
        await net.settle()
        (report,) = await _reports(a)
        assert (report["Action"], report["Status"]) == ("failed", "5.2.3")


async def test_mail_for_a_full_mailbox_comes_back_where_so_configured() -> None:
    async with MailNetwork(ZONE) as net:
        rules = '[[domain]]\nname = "example.org"\n[limits]\nfull_mailbox = "return"\n'
        a, b = await _two(net, theirs=rules)
        await a.submit(a_message(to="bob@example.org"))
        await net.settle()
        await b.quota("bob@example.org", 600)
        await a.submit(a_message(to="bob@example.org"))
        await net.settle()
        (report,) = await _reports(a)
        assert report["Status"] == "5.2.2"


async def test_a_quota_counts_for_mail_that_an_alias_brings() -> None:
    async with MailNetwork(ZONE) as net:
        rules = '[[domain]]\nname = "example.org"\n[domain.aliases]\nall = ["bob"]\n[limits]\nfull_mailbox = "return"\n'
        a, b = await _two(net, theirs=rules)
        await b.quota("bob@example.org", 400)
        await a.submit(a_message(to="all@example.org"))
        await net.settle()
        (report,) = await _reports(a)
        assert report["Status"] == "5.2.3"
        assert len(await b.mailbox("bob")) == 0
