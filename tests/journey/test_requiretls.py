"""REQUIRETLS and TLS-Required (RFC 8689), through whole networks with real TLS."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from postel.delivery import submit
from postel.mail import Parameters, Reply
from postel.net import Endpoint
from postel.proto.sasl import Credentials
from postel.testing import MailNetwork, MailServer, simulate
from postel.testing.mail_server import PASSWORD, envelope
from postel.tls import ClientTls

ZONE = """
example.org.  MX 10 mx.example.org.
example.net.  MX 10 mx.example.net.
gone.example. MX 0 .
"""
REQUIRETLS: Parameters = {"REQUIRETLS": None}
LETTER = b"From: ann@example.net\r\nSubject: secret\r\n\r\nThe word is swordfish.\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("requiretls")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(made / "ca.pem"))
    for name in ("mx.example.net", "mx.example.org", "wrong.example"):
        ca.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(str(made / f"{name}.pem"))
    return made


def rules(folder: Path, domain: str, certificate: str | None, more: str = "") -> str:
    tls = f'[tls]\ncertificate = "{folder}/{certificate}.pem"\nkey = "{folder}/{certificate}.pem"\n'
    return f"""
[[domain]]
name = "{domain}"
{more}
[delivery]
connect_timeout = "1s"
authorities = "{folder}/ca.pem"
{tls if certificate else ""}
"""


async def network(
    net: MailNetwork, folder: Path, certificate: str | None = "mx.example.org", more: str = "", ours: str = ""
) -> tuple[MailServer, MailServer]:
    net.dns.sign("example.org")
    net.dns.sign("example.net")
    a = await net.start(
        "mx.example.net", rules(folder, "example.net", "mx.example.net", ours), accounts=["ann@example.net"]
    )
    b = await net.start(
        "mx.example.org", rules(folder, "example.org", certificate, more), accounts=["bob@example.org"]
    )
    return a, b


async def send(a: MailServer, folder: Path, content: bytes = LETTER, *, to: str = "bob@example.org") -> Reply:
    (reply,) = await submit(
        a.host,
        Endpoint("127.0.0.1", 587),
        envelope("ann@example.net", [to], REQUIRETLS),
        content,
        hostname="program.example",
        server_name="mx.example.net",
        login=Credentials("ann@example.net", PASSWORD),
        tls_context=ClientTls(verify=True, ca_file=folder / "ca.pem"),
    )
    return reply


def test_a_message_that_requires_tls_arrives_over_verified_tls(folder: Path) -> None:
    async def main() -> None:
        async with MailNetwork(ZONE) as net:
            a, b = await network(net, folder)
            assert (await send(a, folder)).code == 250
            await net.settle()
            [letter] = await b.mailbox("bob@example.org")
            assert all("ESMTPS" in trace for trace in letter.trace)

    simulate(main)


@pytest.mark.parametrize(
    ("certificate", "is_signed", "status"),
    [(None, True, "5.7.10"), ("wrong.example", True, "5.7.10"), ("mx.example.org", False, "5.7.10")],
)
def test_where_it_cannot_be_had_the_sender_gets_the_header_back_at_once(
    certificate: str | None, is_signed: bool, status: str, folder: Path
) -> None:
    # RFC 8689 4.2.1 and 5
    async def main() -> None:
        async with MailNetwork(ZONE) as net:
            a, b = await network(net, folder, certificate)
            if not is_signed:
                net.dns._signed.discard("example.org")
            await send(a, folder)
            await net.pass_time(minutes=1)
            [report] = await a.mailbox("ann@example.net")
            assert f"Status: {status}" in report.content.decode()
            assert b"Subject: secret" in report.content and b"swordfish" not in report.content
            assert not await b.mailbox("bob@example.org") and not await a.queue()

    simulate(main)


def test_reports_about_it_require_tls_too_and_members_of_an_alias_keep_it(folder: Path) -> None:
    # RFC 8689 4.1 and 5
    async def main() -> None:
        async with MailNetwork(ZONE) as net:
            alias = '[domain.aliases]\nall = ["bob", "nobody@gone.example"]'
            a, b = await network(net, folder, more=alias)
            await send(a, folder, to="all@example.org")
            await net.pass_time(seconds=1)
            a.unplug()
            await net.pass_time(seconds=30)
            waiting = [entry.message for entry in await b.postel.queue.list()]
            if waiting:  # the report; before the cable was pulled it may have gone
                assert all("REQUIRETLS" in message.parameters for message in waiting)
            a.plug_in()
            await net.settle()
            assert len(await b.mailbox("bob@example.org")) == 1
            [report] = await a.mailbox("ann@example.net")
            assert b"swordfish" not in report.content
            assert "ESMTPS" in report.trace[0]

    simulate(main)


def test_tls_required_no_gets_through_to_a_host_whose_certificate_is_wrong(folder: Path) -> None:
    # RFC 8689 4.2.2
    async def main() -> None:
        async with MailNetwork(ZONE) as net:
            policy = '[tls_policy]\n"example.org" = "verified"'
            a, b = await network(net, folder, "wrong.example", ours=policy)
            await a.submit(LETTER, to="bob@example.org")
            await net.pass_time(minutes=10)
            assert not await b.mailbox("bob@example.org")
            await a.submit(b"TLS-Required: No\r\n" + LETTER, to="bob@example.org")
            await net.pass_time(hours=3)
            [letter] = await b.mailbox("bob@example.org")
            assert letter.message["TLS-Required"] == "No"
            [waiting] = await a.queue()
            assert waiting.reply is not None and "TLS" in waiting.reply.text

    simulate(main)
