"""Mail programs fetch from Postel by POP3: each letter whole, once, and gone when they say so."""

from __future__ import annotations

import poplib
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from example_org import Server
from letters import compose
from peer_programs import PATIENCE_S, program, run, secret_file
from postel_process import PASSWORD

pytestmark = [pytest.mark.peer, pytest.mark.slow]


@pytest.fixture
def letters(server: Server, ann: str, bob: str) -> list[bytes]:
    """Three letters for bob, the last one of a million octets."""
    bodies = ["first\r\n.\r\n..\r\nend\r\n", "Grüße\r\n\r\n", ("." * 97 + "\r\n") * 10_000]
    composed = [compose(ann, bob, f"letter {number}", body) for number, body in enumerate(bodies, 1)]
    for letter in composed:
        server.postel.submit(letter, ann, bob)
    server.postel.wait_for_letters(bob, 3)
    return composed


def assert_all_there(found: bytes, letters: list[bytes]) -> None:
    """Each letter is in `found` whole and once, whatever its line ends have become."""
    found = found.replace(b"\r\n", b"\n")
    assert [found.count(letter.replace(b"\r\n", b"\n")) for letter in letters] == [1] * len(letters)


# fetchmail


@pytest.mark.parametrize(
    ("protocol", "tls"), [("pop3", "sslproto TLS1.2+ sslcertck"), ("pop3s", "ssl sslcertck")]
)
def test_fetchmail_keeps_then_takes(
    server: Server, bob: str, letters: list[bytes], tmp_path: Path, protocol: str, tls: str
) -> None:
    def fetch(*options: str, status: int = 0) -> bytes:
        rc = secret_file(
            tmp_path / "fetchmailrc",
            f"""
            poll 127.0.0.1 protocol pop3 port {server.postel.port(protocol)} uidl timeout 60
              user "{bob}" password "{PASSWORD}" {tls} sslcertfile "{server.authority}"
              sslcommonname "mail.example.org"
              mda "cat >> {tmp_path}/box" {" ".join(options)}
            """,
        )
        (tmp_path / "box").write_bytes(b"")
        run(
            program("fetchmail"), "-f", rc, "--nodetach", "--nosyslog", "--invisible",
            "--pidfile", tmp_path / "pid", "--idfile", tmp_path / "ids",
            environment={"HOME": str(tmp_path), "USER": "kitt"}, status=status,
        )  # fmt: skip
        return (tmp_path / "box").read_bytes()

    nothing_new = 1
    assert_all_there(fetch("keep"), letters)
    assert fetch("keep", status=nothing_new) == b"", "it knows them by their unique ids"
    assert_all_there(fetch("fetchall", "nokeep"), letters)
    assert server.postel.letters(bob) == []


# getmail


def test_getmail_leaves_then_deletes(server: Server, bob: str, letters: list[bytes], tmp_path: Path) -> None:
    def fetch(*, delete: bool, read_all: bool) -> bytes:
        rc = secret_file(
            tmp_path / "getmailrc",
            f"""
[retriever]
type = SimplePOP3SSLRetriever
server = 127.0.0.1
port = {server.postel.port("pop3s")}
username = {bob}
password = {PASSWORD}
timeout = 60
ca_certs = {server.authority}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >> {tmp_path}/box")
allow_root_commands = true
unixfrom = false
[options]
delete = {delete}
read_all = {read_all}
delivered_to = false
received = false
""",
        )
        (tmp_path / "box").write_bytes(b"")
        said = run(
            program("getmail", "getmail6"), f"--getmaildir={tmp_path}", f"--rcfile={rc}",
            environment={"HOME": str(tmp_path)},
        )  # fmt: skip
        assert "error" not in said.lower()
        return (tmp_path / "box").read_bytes()

    assert_all_there(fetch(delete=False, read_all=True), letters)
    assert fetch(delete=False, read_all=False) == b""
    assert_all_there(fetch(delete=True, read_all=True), letters)
    assert server.postel.letters(bob) == []


# mpop


@pytest.mark.parametrize(("protocol", "stls"), [("pop3", "on"), ("pop3s", "off")])
def test_mpop_keeps_then_takes(
    server: Server, bob: str, letters: list[bytes], tmp_path: Path, protocol: str, stls: str
) -> None:
    def fetch(uids: str, keep: str) -> bytes:
        rc = secret_file(
            tmp_path / "mpoprc",
            f"""
            account default
            host 127.0.0.1
            port {server.postel.port(protocol)}
            user {bob}
            password {PASSWORD}
            auth plain
            tls on
            tls_starttls {stls}
            tls_trust_file {server.authority}
            pipelining on
            keep {keep}
            received_header off
            uidls_file {tmp_path}/{uids}
            delivery mda "cat >> {tmp_path}/box"
            """,
        )
        (tmp_path / "box").write_bytes(b"")
        run(program("mpop"), f"--file={rc}", environment={"HOME": str(tmp_path)})
        return (tmp_path / "box").read_bytes()

    assert_all_there(fetch("uids", "on"), letters)
    assert fetch("uids", "on") == b""
    assert_all_there(fetch("other-uids", "off"), letters)
    assert server.postel.letters(bob) == []


# curl


@pytest.mark.parametrize("protocol", ["pop3", "pop3s"])
def test_curl_lists_reads_tops_and_deletes(
    server: Server, bob: str, letters: list[bytes], tmp_path: Path, protocol: str
) -> None:
    def curl(path: str, *options: str) -> bytes:
        (tmp_path / "out").write_bytes(b"")
        run(
            program("curl"), "--silent", "--show-error", "--max-time", "60", "--ssl-reqd",
            "--cacert", server.authority, "--user", f"{bob}:{PASSWORD}", "--output", tmp_path / "out", *options,
            f"{protocol}://127.0.0.1:{server.postel.port(protocol)}/{path}",
        )  # fmt: skip
        return (tmp_path / "out").read_bytes()

    assert [line.split()[0] for line in curl("").splitlines()] == [b"1", b"2", b"3"]
    assert len({line.split()[1] for line in curl("", "--request", "UIDL").splitlines()}) == 3
    for number, letter in enumerate(letters, 1):
        assert curl(str(number)).endswith(letter)
    assert curl("", "--request", "TOP 3 1").count(b"." * 97) == 1
    for _ in letters:
        curl("1", "--request", "DELE", "--head")  # its way to say that no text follows
    assert curl("").strip() == b"", "curl ends even an empty list with a line end"


# poplib


def verifying(server: Server) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.authority))


@contextmanager
def pop3(server: Server, person: str, *, stls: bool = True) -> Iterator[poplib.POP3]:
    client: poplib.POP3
    since = len(server.postel.process.lines)
    if stls:
        client = poplib.POP3("127.0.0.1", server.postel.port("pop3"), timeout=PATIENCE_S)
        client.stls(verifying(server))
    else:
        port = server.postel.port("pop3s")
        client = poplib.POP3_SSL("127.0.0.1", port, timeout=PATIENCE_S, context=verifying(server))
    client.user(person)
    client.pass_(PASSWORD)
    try:
        yield client
    finally:
        client.close()
        server.postel.wait_for("session_closed", since=since)  # and the maildrop is free for the next


def uidls(client: poplib.POP3) -> dict[int, bytes]:
    return {int(number): uid for number, uid in (line.split() for line in client.uidl()[1])}


@pytest.mark.parametrize("stls", [True, False])
def test_poplib_reads_whole_letters_and_deletes_only_when_it_quits(
    server: Server, bob: str, letters: list[bytes], stls: bool
) -> None:
    with pop3(server, bob, stls=stls) as client:
        before = uidls(client)
        for number, letter in enumerate(letters, 1):
            lines, size = client.retr(number)[1:]
            text = b"".join(line + b"\r\n" for line in lines)
            assert text.endswith(letter)
            assert size == len(text) == int(client.list(number).split()[2])
        client.dele(1)
    with pop3(server, bob, stls=stls) as client:
        assert uidls(client) == before, "the connection was closed without QUIT"
        client.dele(2)
        client.rset()
        client.dele(1)
        client.dele(3)
        client.quit()
    with pop3(server, bob, stls=stls) as client:
        assert uidls(client) == {1: before[2]}
        assert client.retr(1)[1][-2:] == ["Grüße".encode(), b""]


def test_poplib_tops_to_see_what_is_there(server: Server, bob: str, letters: list[bytes]) -> None:
    with pop3(server, bob) as client:
        head = client.top(1, 0)[1]
        assert b"Subject: letter 1" in head
        assert head[-1] == b""
        assert client.top(1, 2)[1][-2:] == [b"first", b"."]
        assert client.top(1, 99)[1] == client.retr(1)[1]


def test_a_second_reader_is_told_that_the_maildrop_is_in_use(server: Server, bob: str) -> None:
    with pop3(server, bob), pytest.raises(poplib.error_proto, match="IN-USE"), pop3(server, bob):
        pass


def test_a_wrong_password_opens_nothing(server: Server, bob: str) -> None:
    client = poplib.POP3("127.0.0.1", server.postel.port("pop3"), timeout=PATIENCE_S)
    with closing(client):
        with pytest.raises(poplib.error_proto, match="TLS"):
            client.user(bob)
        client.stls(verifying(server))
        client.user(bob)
        with pytest.raises(poplib.error_proto, match="AUTH"):
            client.pass_("wrong")
