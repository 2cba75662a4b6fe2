"""TLS by policy, certificates by name, XCLIENT, XFORWARD and the PROXY protocol, with programs of others."""

from __future__ import annotations

import re
import smtplib
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import trustme
from child_process import ChildProcess
from letters import compose
from loopback import accepts, free_port, own_address
from mail_peer import MailPeer, PeerPlan, running
from peer_programs import PATIENCE_S, eventually, need_root, program, public_folder, run
from postel_process import PostelProcess
from postfix_instance import PostfixInstance

pytestmark = [pytest.mark.peer, pytest.mark.slow]

NOBODY_ASKED = "127.0.0.1"  # there is no DNS server: routes name their hops
FRITO, KITT = "frito@drag.net", "kitt@free.org"
DRAG = """
hostname = "mail.drag.net"

[[domain]]
name = "drag.net"
"""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def issue(authority: trustme.CA, folder: Path, *names: str, file: str = "cert.pem") -> Path:
    """A certificate with its key in one file."""
    folder.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(str(folder / file))
    return folder / file


def hand_in(peer: MailPeer, letter: bytes, sender: str, recipient: str) -> None:
    """A program on the peer's side hands it a letter."""
    with smtplib.SMTP(peer.plan.address, 25, timeout=PATIENCE_S) as client:
        assert client.sendmail(sender, [recipient], letter) == {}


# Postel as the client of Postfix


@contextmanager
def free_org(folder: Path, more: str = "", certificate: Path | None = None) -> Iterator[MailPeer]:
    need_root("Postfix on port 25")
    if certificate is not None:
        more += f"\nsmtpd_tls_cert_file = {certificate}\nsmtpd_tls_key_file = {certificate}\n"
    plan = PeerPlan(
        hostname="mx.free.org",
        address=own_address(port=25),
        name_server=NOBODY_ASKED,
        domains=["free.org"],
        mailboxes=["kitt"],
        more="\n" + more + "\n",
    )
    with running(PostfixInstance, plan) as peer:
        yield peer


def routed(peer: MailPeer, route: str, delivery: str = "") -> str:
    return f"""{DRAG}
[delivery]
source = ["{own_address()}"]
{delivery}
[queue]
retry = ["1s"]

[route."free.org"]
to = "smtp:[{peer.plan.address}]:25"
{route}
"""


@pytest.mark.parametrize(
    ("names", "is_fine"), [('["mx.free.org"]', True), ('[".free.org"]', True), ('["mx.other.org"]', False)]
)
def test_postel_gives_mail_only_to_a_postfix_with_the_right_name(
    names: str, is_fine: bool, authority: trustme.CA, tmp_path: Path
) -> None:
    with public_folder("tls") as folder:
        certificate = issue(authority, folder, "mx.free.org")
        with free_org(folder, certificate=certificate) as peer:
            config = routed(peer, f'tls = "verified"\nnames = {names}', f'authorities = "{folder}/ca.pem"\n')
            with PostelProcess(tmp_path, config, protocols=("submission",)) as postel:
                postel.add_account(FRITO)
                postel.start()
                for _ in range(2):
                    postel.submit(compose(FRITO, KITT), FRITO, KITT)
                if is_fine:
                    postel.wait_for("relayed", recipient=KITT)
                    assert eventually(lambda: len(peer.letters("kitt")) == 2, "both letters")
                else:
                    told = postel.wait_for("hop_tls_failed")
                    assert "the certificate is not for mx.other.org" in told["because"]
                    assert not peer.letters("kitt")


def test_a_postfix_without_tls_gets_no_mail_where_it_must_have_it(tmp_path: Path) -> None:
    with free_org(tmp_path, "smtpd_tls_security_level = none") as peer:
        config = routed(peer, 'tls = "must"')
        with PostelProcess(tmp_path / "postel", config, protocols=("submission",)) as postel:
            postel.add_account(FRITO)
            postel.start()
            postel.submit(compose(FRITO, KITT), FRITO, KITT)
            assert "TLS is required" in postel.wait_for("lane_down")["because"]
            assert not peer.letters("kitt")


def test_postfix_is_told_where_a_message_came_from(tmp_path: Path) -> None:
    source = own_address()
    with free_org(tmp_path, f"smtpd_authorized_xforward_hosts = {source}") as peer:
        config = routed(peer, "xforward = true").replace('source = ["', f'source = ["{source}"] #')
        with PostelProcess(tmp_path / "postel", config, protocols=("submission",)) as postel:
            postel.add_account(FRITO)
            postel.start()
            postel.submit(compose(FRITO, KITT), FRITO, KITT)
            relayed = postel.wait_for("relayed", recipient=KITT)
            logged = eventually(
                lambda: re.search(r"orig_queue_id=(\S+), orig_client=(\S+)", peer.log()),
                "its log tells of it",
            )
            assert logged is not None and logged[1] == relayed["id"] and logged[2].endswith("[127.0.0.1]")


# Postel as the server of Postfix


@contextmanager
def towards_postel(folder: Path, postel: PostelProcess, more: str) -> Iterator[MailPeer]:
    more += f"\nrelayhost = [{postel.address}]:{postel.port('smtp')}\n"
    with free_org(folder, more) as peer:
        yield peer


def drag_net(folder: Path, authority: trustme.CA, more: str = "") -> PostelProcess:
    """A Postel with two certificates."""
    issue(authority, folder, "mail.drag.net")
    issue(authority, folder, "mail.other.example", file="other.pem")
    config = f"""{DRAG}
[tls]
certificate = "cert.pem"
key = "cert.pem"

[[certificate]]
chain = "other.pem"
key = "other.pem"
{more}"""
    return PostelProcess(folder, config, protocols=("smtp", "submission", "submissions", "pop3"))


@pytest.mark.parametrize(
    ("name", "sni", "is_fine"),
    [
        ("mail.drag.net", "", True),
        ("mail.other.example", "mail.other.example", True),
        ("mail.other.example", "", False),
    ],
)
def test_postfix_verifies_postel_by_the_name_it_asked_for(
    name: str, sni: str, is_fine: bool, authority: trustme.CA, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(public_folder("ca"))
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        postel = stack.enter_context(drag_net(tmp_path, authority))
        postel.add_account(FRITO)
        postel.start()
        more = f"smtp_tls_security_level = secure\nsmtp_tls_CAfile = {folder}/ca.pem"
        more += f"\nsmtp_tls_secure_cert_match = {name}"
        more += f"\nsmtp_tls_servername = {sni}" if sni else ""
        peer = stack.enter_context(towards_postel(folder, postel, more))
        hand_in(peer, compose(KITT, FRITO), KITT, FRITO)
        if is_fine:
            postel.letter(FRITO)
            assert "Verified TLS connection established" in peer.log()
        else:
            eventually(lambda: "Server certificate not verified" in peer.log(), "its log tells why")


def test_postfix_forwards_where_mail_came_from(authority: trustme.CA, tmp_path: Path) -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(public_folder("x"))
        postel = drag_net(tmp_path, authority)
        text = postel.config.read_text()
        postel.config.write_text(
            text.replace('protocol = "smtp"\n', 'protocol = "smtp"\nxforward = ["127.0.0.0/8"]\n')
        )
        stack.enter_context(postel)
        postel.add_account(FRITO)
        postel.start()
        peer = stack.enter_context(towards_postel(folder, postel, "smtp_send_xforward_command = yes"))
        hand_in(peer, compose(KITT, FRITO), KITT, FRITO)
        accepted = postel.wait_for("message_accepted", ident="")
        assert accepted["origin"] == "127.0.0.1" and accepted["client"] == peer.plan.address
        assert accepted["ident"] in peer.log(), "by its own queue id"
        postel.wait_for_letters(FRITO)


# openssl


def openssl(postel: PostelProcess, protocol: str, *arguments: str | Path) -> str:
    port = postel.port(protocol)
    starttls = {"smtp": ("-starttls", "smtp"), "pop3": ("-starttls", "pop3")}.get(protocol, ())
    return run(
        program("openssl"), "s_client", "-connect", f"127.0.0.1:{port}", *starttls, *arguments,
        stdin=b"QUIT\r\n", status=None,
    )  # fmt: skip


@pytest.mark.parametrize("protocol", ["smtp", "submissions", "pop3"])
def test_openssl_is_shown_the_certificate_of_the_name_and_resumes(
    protocol: str, authority: trustme.CA, tmp_path: Path
) -> None:
    # RFC 6066 3; RFC 8446 2.2
    with drag_net(tmp_path, authority) as postel:
        postel.start()
        ca = ("-CAfile", tmp_path / "ca.pem")
        for name in ("mail.drag.net", "mail.other.example"):
            said = openssl(postel, protocol, "-servername", name, "-verify_hostname", name, *ca)
            assert "Verify return code: 0 (ok)" in said
        wrong = openssl(postel, protocol, "-servername", "x.example", "-verify_hostname", "x.example", *ca)
        assert "Verify return code: 62" in wrong, "the first one is shown, which has another name"
        session = tmp_path / "session"
        first = openssl(
            postel, protocol, "-tls1_2", "-servername", "mail.other.example", "-sess_out", session
        )
        again = openssl(postel, protocol, "-tls1_2", "-servername", "mail.other.example", "-sess_in", session)
        assert "New, TLSv1.2" in first and "Reused, TLSv1.2" in again
        assert "Cipher is (NONE)" in openssl(postel, protocol, "-tls1_1"), "RFC 8996"


# swaks


def test_swaks_says_by_xclient_who_it_is(authority: trustme.CA, tmp_path: Path) -> None:
    postel = drag_net(tmp_path, authority)
    text = postel.config.read_text()
    postel.config.write_text(
        text.replace('protocol = "smtp"\n', 'protocol = "smtp"\nxclient = ["127.0.0.1"]\n')
    )
    with postel:
        postel.add_account(FRITO)
        postel.start()
        said = run(
            program("swaks"), "--server", "127.0.0.1", "--port", str(postel.port("smtp")), "--to", FRITO,
            "--from", KITT, "--xclient", "NAME=c.example.net ADDR=198.51.100.7", "--xclient-helo", "c.example.net",
        )  # fmt: skip
        assert " -> XCLIENT" in said
        assert postel.wait_for("client_named", client="198.51.100.7")["by"] == "127.0.0.1"
        assert b"(c.example.net [198.51.100.7])" in postel.letter(FRITO)


# HAProxy


@pytest.mark.parametrize("version", ["send-proxy", "send-proxy-v2"])
def test_behind_haproxy_clients_keep_their_address(
    version: str, authority: trustme.CA, tmp_path: Path
) -> None:
    postel = drag_net(tmp_path, authority)
    text = postel.config.read_text()
    for protocol in ("smtp", "submissions"):
        text = text.replace(f'protocol = "{protocol}"\n', f'protocol = "{protocol}"\nproxy = ["127.0.0.1"]\n')
    postel.config.write_text(text)
    with postel:
        postel.add_account(FRITO)
        postel.start()
        ports = {protocol: free_port("127.0.0.1") for protocol in ("smtp", "submissions")}
        lines = "".join(
            f"listen {protocol}\n  bind 127.0.0.1:{port}\n"
            f"  server postel 127.0.0.1:{postel.port(protocol)} {version} check inter 200ms\n"
            for protocol, port in ports.items()
        )
        (tmp_path / "haproxy.cfg").write_text(
            "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n" + lines
        )
        haproxy = ChildProcess([program("haproxy"), "-db", "-f", tmp_path / "haproxy.cfg"], folder=tmp_path)
        try:
            for port in ports.values():
                eventually(lambda port=port: accepts("127.0.0.1", port), "HAProxy listens")  # type: ignore[misc]
            source = own_address()
            with smtplib.SMTP(
                "127.0.0.1", ports["smtp"], timeout=PATIENCE_S, source_address=(source, 0)
            ) as client:
                client.sendmail(KITT, [FRITO], compose(KITT, FRITO))
            assert f"[{source}]".encode() in postel.letter(FRITO)
            assert postel.wait_for("message_accepted")["client"] == source
            said = run(
                program("openssl"), "s_client", "-connect", f"127.0.0.1:{ports['submissions']}", "-quiet",
                "-CAfile", tmp_path / "ca.pem", "-verify_hostname", "mail.drag.net", "-verify_return_error",
                stdin=b"QUIT\r\n", status=None,
            )  # fmt: skip
            assert "220 mail.drag.net" in said, "TLS begins behind the header"
        finally:
            haproxy.kill()
        with socket.create_connection(("127.0.0.1", postel.port("smtp")), timeout=PATIENCE_S) as direct:
            direct.sendall(b"EHLO no.header.example\r\n")
            with suppress(ConnectionResetError):
                assert direct.recv(100) == b""
        postel.wait_for("proxy_refused", because="does not begin with")
