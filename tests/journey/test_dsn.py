"""Who hears what of a message (RFC 3461), through whole networks."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import Message

import pytest

from postel.mail import NO_PARAMETERS, Parameters
from postel.testing import MailNetwork, MailServer, a_message

ZONE = """
example.org.  MX 10 mx.example.org.
example.net.  MX 10 mx.example.net.
old.example.  MX 10 mx.old.example.
"""
ALIASES = """
[[domain]]
name = "example.net"
[domain.aliases]
one = ["bob@example.org"]
two = ["bob@example.org", "carol@example.org"]
copy = ["ann", "bob@example.org"]
lost = ["nobody@example.org", "carol@example.org"]
"""
# A server of before 1996, and one that only refuses.
OLD = ["S 220 old", "C EHLO ...", "S 250 mx.old.example", "C MAIL FROM:<ann@example.net>", "S 250 ok"]
TAKES = [*OLD, "C RCPT TO:<bob@old.example>", "S 250 ok", "C DATA", "S 354 go", "C* .", "S 250 ok", "C QUIT"]
REFUSES = [*OLD, "C RCPT TO:<bob@old.example>", "S 550 no such user", "C QUIT"]


async def _two(net: MailNetwork) -> tuple[MailServer, MailServer]:
    a = await net.start("mx.example.net", ALIASES, accounts=["ann@example.net", "dan@example.net"])
    b = await net.start("mx.example.org", accounts=["bob@example.org", "carol@example.org"])
    return a, b


async def _send(
    server: MailServer, to: str, notify: str | None, mail: Parameters = NO_PARAMETERS, **rcpt: str
) -> None:
    wishes = {} if notify is None else {"NOTIFY": notify}
    (reply,) = await server.submit(a_message(to=to), mail=mail, rcpt={**wishes, **rcpt})
    assert reply.code == 250


async def _reports(server: MailServer) -> list[dict[str, str]]:
    """The fields about the recipients in the reports that Ann got, those about the message among them."""
    return [
        {name: str(value) for part in _status(letter.message) for name, value in part.items()}
        for letter in await server.mailbox("ann")
        if letter.message.get_content_type() == "multipart/report"
    ]


def _status(report: Message) -> Sequence[Message]:
    status = next(p for p in report.walk() if p.get_content_type() == "message/delivery-status")
    groups = status.get_payload()
    assert isinstance(groups, list)
    return groups


async def test_delivery_into_a_mailbox_here_is_reported() -> None:
    async with MailNetwork(ZONE) as net:
        a, _ = await _two(net)
        mail = {"ENVID": "QQ+2B1", "RET": "FULL"}
        await _send(a, "dan@example.net", "SUCCESS", mail, ORCPT="rfc822;Dan+2BX@Example.NET")
        await net.settle()
        (report,) = await _reports(a)
        assert report["Action"] == "delivered"
        assert report["Status"].startswith("2.")
        assert report["Reporting-MTA"] == "dns; mx.example.net"
        assert report["Original-Envelope-Id"] == "QQ+1"
        assert report["Original-Recipient"] == "rfc822;Dan+X@Example.NET"
        assert report["Final-Recipient"] == "rfc822;dan@example.net"
        (letter,) = await a.mailbox("ann")
        assert str(letter.message["Return-Path"]) == "<>"
        assert b"message/rfc822" not in letter.content  # only a failure returns the content


async def test_a_next_hop_with_dsn_reports_by_itself_and_is_told_all() -> None:
    async with MailNetwork(ZONE) as net:
        a, _ = await _two(net)
        mail = {"ENVID": "QQ1", "RET": "HDRS"}
        await _send(a, "bob@example.org", "SUCCESS,FAILURE", mail, ORCPT="rfc822;bob@example.org")
        await net.settle()
        (report,) = await _reports(a)
        assert report["Action"] == "delivered"
        assert report["Reporting-MTA"] == "dns; mx.example.org"
        assert report["Original-Envelope-Id"] == "QQ1"
        assert report["Original-Recipient"] == "rfc822;bob@example.org"


async def test_a_next_hop_without_dsn_has_the_message_reported_as_relayed() -> None:
    async with MailNetwork(ZONE) as net:
        a, _ = await _two(net)
        net.host("mx.old.example").script(25, TAKES)
        await _send(a, "bob@old.example", "SUCCESS", {"ENVID": "QQ1"}, ORCPT="rfc822;bob@old.example")
        await net.settle()
        (report,) = await _reports(a)
        assert report["Action"] == "relayed"
        assert report["Remote-MTA"] == "dns; mx.old.example"
        assert report["Diagnostic-Code"].startswith("smtp; 250")
        assert report["Original-Recipient"] == "rfc822;bob@old.example"


@pytest.mark.parametrize("notify", [None, "NEVER", "FAILURE", "DELAY"])
async def test_success_is_told_only_to_those_who_asked(notify: str | None) -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        net.host("mx.old.example").script(25, TAKES)
        for to in ("dan@example.net", "bob@example.org", "bob@old.example", "two@example.net"):
            await _send(a, to, notify)
        await net.settle()
        assert await _reports(a) == []
        assert len(await b.mailbox("bob")) == 2


@pytest.mark.parametrize(
    ("notify", "is_told"), [(None, True), ("FAILURE", True), ("NEVER", False), ("SUCCESS,DELAY", False)]
)
async def test_failure_is_told_unless_the_wish_excludes_it(notify: str | None, is_told: bool) -> None:
    async with MailNetwork(ZONE) as net:
        a, _ = await _two(net)
        net.host("mx.old.example").script(25, REFUSES)
        await _send(a, "bob@old.example", notify, {"RET": "HDRS", "ENVID": "QQ1"})
        await _send(a, "nobody@example.org", notify, {"RET": "HDRS", "ENVID": "QQ1"})
        await net.settle()
        reports = await _reports(a)
        assert [report["Action"] for report in reports] == ["failed"] * (2 * is_told)
        assert all(report["Original-Envelope-Id"] == "QQ1" for report in reports)
        assert all("Original-Recipient" not in report for report in reports)
        for letter in await a.mailbox("ann"):
            assert b"text/rfc822-headers" in letter.content  # RET=HDRS
            assert b"Hello!" not in letter.content


@pytest.mark.parametrize(
    ("notify", "actions"),
    [
        (None, ["delayed", "failed"]),
        ("DELAY", ["delayed"]),
        ("FAILURE", ["failed"]),
        ("SUCCESS", []),
        ("NEVER", []),
    ],
)
async def test_delay_and_the_end_of_patience_are_told_as_wished(
    notify: str | None, actions: list[str]
) -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        b.unplug()
        await _send(a, "bob@example.org", notify)
        await net.settle()
        assert [report["Action"] for report in await _reports(a)] == actions


async def test_an_alias_of_one_member_hands_everything_on() -> None:
    async with MailNetwork(ZONE) as net:
        a, _ = await _two(net)
        await _send(a, "one@example.net", "SUCCESS", ORCPT="rfc822;one@example.net")
        await net.settle()
        (report,) = await _reports(a)
        assert report["Action"] == "delivered"
        assert report["Reporting-MTA"] == "dns; mx.example.org"
        assert report["Original-Recipient"] == "rfc822;one@example.net"
        assert report["Final-Recipient"] == "rfc822;bob@example.org"


async def test_the_next_hop_is_told_by_which_alias_somebody_is_meant() -> None:
    async with MailNetwork(ZONE) as net:
        a, _ = await _two(net)
        await _send(a, "one@example.net", "SUCCESS")
        await net.settle()
        (report,) = await _reports(a)
        assert report["Original-Recipient"] == "rfc822;one@example.net"


@pytest.mark.parametrize("alias", ["two", "copy"])
async def test_an_alias_of_many_is_reported_as_expanded_and_its_members_are_not(alias: str) -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        await _send(a, f"{alias}@example.net", "SUCCESS,FAILURE", ORCPT=f"rfc822;{alias}@example.net")
        await net.settle()
        (report,) = await _reports(a)
        assert report["Action"] == "expanded"
        assert report["Final-Recipient"] == f"rfc822;{alias}@example.net"
        assert report["Original-Recipient"] == f"rfc822;{alias}@example.net"
        assert len(await b.mailbox("bob")) == 1


async def test_a_member_inherits_the_wish_to_hear_of_failure() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        await _send(a, "lost@example.net", "FAILURE", ORCPT="rfc822;lost@example.net")
        await _send(a, "lost@example.net", "NEVER")
        await net.settle()
        (report,) = await _reports(a)
        assert report["Action"] == "failed"
        assert report["Final-Recipient"] == "rfc822;nobody@example.org"
        assert report["Original-Recipient"] == "rfc822;lost@example.net"
        assert len(await b.mailbox("carol")) == 2


async def test_nobody_is_told_about_a_message_with_a_null_reverse_path() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        rcpt = {"NOTIFY": "SUCCESS,FAILURE,DELAY"}
        (reply,) = await b.submit(
            a_message(to="bob@example.org"), sender="", to="bob@example.org", login=False, rcpt=rcpt
        )
        assert reply.code == 250
        await net.settle()
        assert len(await b.mailbox("bob")) == 1
        assert not await b.mailbox("carol")
        assert not await a.mailbox("ann")
