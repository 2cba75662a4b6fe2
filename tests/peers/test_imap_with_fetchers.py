"""Programs that take mail out of IMAP mailboxes: each letter whole and once, and gone when they say so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from example_org import Server
from imap_account import ImapAccount
from letters import compose
from peer_programs import program, run, secret_file
from postel_process import PASSWORD

pytestmark = [pytest.mark.peer, pytest.mark.slow]

ELSEWHERE = "Work/B&AOQ-ume"  # Work/Bäume


@pytest.fixture
def account(server: Server, bob: str) -> ImapAccount:
    """Three letters in INBOX, the last one of a million octets, and one in another mailbox."""
    account = ImapAccount(server, bob)
    bodies = ["first\r\n.\r\n..\r\nend\r\n", "Grüße\r\n\r\n", ("." * 97 + "\r\n") * 10_000]
    account.fill(
        "INBOX", *(compose(bob, bob, f"letter {number}", text) for number, text in enumerate(bodies))
    )
    account.fill(ELSEWHERE, compose(bob, bob, "elsewhere"))
    return account


def octets_of(account: ImapAccount, name: str = "INBOX") -> list[bytes]:
    return [kept.octets for kept in account.letters(name).values()]


def assert_all_there(found: bytes, letters: list[bytes]) -> None:
    """Each letter is in `found` whole and once, whatever its line ends have become."""
    found = found.replace(b"\r\n", b"\n")
    assert [found.count(letter.replace(b"\r\n", b"\n")) for letter in letters] == [1] * len(letters)


# fetchmail


@pytest.mark.parametrize(
    ("protocol", "tls"), [("imap", "sslproto TLS1.2+ sslcertck"), ("imaps", "ssl sslcertck")]
)
def test_fetchmail_keeps_then_takes(account: ImapAccount, tmp_path: Path, protocol: str, tls: str) -> None:
    server = account.server

    def fetch(*options: str, folder: str = "INBOX", status: int = 0) -> bytes:
        rc = secret_file(
            tmp_path / "fetchmailrc",
            f"""
            poll 127.0.0.1 protocol imap port {server.postel.port(protocol)} timeout 60
              user "{account.address}" password "{PASSWORD}" {tls} sslcertfile "{server.authority}"
              sslcommonname "mail.example.org" folder "{folder}"
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
    letters = octets_of(account)
    assert_all_there(fetch("keep"), letters)
    assert {kept.flags for kept in account.letters().values()} == {frozenset(["\\Seen"])}
    assert fetch("keep", status=nothing_new) == b"", "it takes only what is not seen"
    assert_all_there(fetch("fetchall", "nokeep"), letters)
    assert account.letters() == {}
    assert_all_there(fetch(folder=ELSEWHERE), [compose(account.address, account.address, "elsewhere")])


# getmail


def test_getmail_leaves_then_deletes(account: ImapAccount, tmp_path: Path) -> None:
    def fetch(*, delete: bool, read_all: bool) -> bytes:
        rc = secret_file(
            tmp_path / "getmailrc",
            f"""
[retriever]
type = SimpleIMAPSSLRetriever
server = 127.0.0.1
port = {account.port}
username = {account.address}
password = {PASSWORD}
mailboxes = ("INBOX", "Work/Bäume")
timeout = 60
ca_certs = {account.server.authority}
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
        return re.sub(rb"X-getmail-[^\n]*\n", b"", (tmp_path / "box").read_bytes())

    letters = [*octets_of(account), *octets_of(account, ELSEWHERE)]
    assert_all_there(fetch(delete=False, read_all=True), letters)
    assert fetch(delete=False, read_all=False) == b""
    assert_all_there(fetch(delete=True, read_all=True), letters)
    assert account.letters() == account.letters(ELSEWHERE) == {}


# curl


@pytest.mark.parametrize("protocol", ["imap", "imaps"])
def test_curl_lists_reads_searches_appends_and_marks(
    account: ImapAccount, tmp_path: Path, protocol: str
) -> None:
    port = account.server.postel.port(protocol)

    def curl(path: str, *options: str | Path) -> bytes:
        (tmp_path / "out").write_bytes(b"")
        run(
            program("curl"), "--silent", "--show-error", "--max-time", "60", "--ssl-reqd",
            "--cacert", account.server.authority, "--user", f"{account.address}:{PASSWORD}",
            "--output", tmp_path / "out", *options, f"{protocol}://127.0.0.1:{port}/{path}",
        )  # fmt: skip
        return (tmp_path / "out").read_bytes()

    assert b'"/" INBOX' in curl("")
    kept = account.letters()
    for number, letter in enumerate(kept.values(), 1):
        assert curl(f"INBOX;UID={number}") == letter.octets
    assert curl("INBOX;MAILINDEX=1;SECTION=TEXT") == b"first\r\n.\r\n..\r\nend\r\n"
    assert curl("INBOX;UID=1;SECTION=HEADER.FIELDS%20(Subject)") == b"Subject: letter 0\r\n\r\n"
    assert curl("INBOX?SUBJECT%20%22letter%202%22") == b"* SEARCH 3\r\n"
    assert curl("INBOX?TEXT%20first") == b"* SEARCH 1\r\n"
    new = compose(account.address, account.address, "from curl")
    (tmp_path / "letter").write_bytes(new)
    curl("Drafts", "--upload-file", tmp_path / "letter")
    assert account.letters("Drafts")["from curl"].octets == new
    curl("INBOX", "--request", "STORE 1 +Flags \\Deleted")
    curl("INBOX", "--request", "EXPUNGE")
    assert set(account.letters()) == {"letter 1", "letter 2"}
    assert b"MESSAGES 2" in curl("", "--request", "STATUS INBOX (MESSAGES)")
