"""Mail programs for people, used at a terminal: mutt and NeoMutt."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_org import Server
from imap_account import ImapAccount
from letters import compose
from own_screen import screen
from peer_programs import program, secret_file
from postel_process import PASSWORD

pytestmark = [pytest.mark.peer, pytest.mark.slow]


@pytest.fixture
def account(server: Server, bob: str) -> ImapAccount:
    account = ImapAccount(server, bob)
    subjects = ("keep me", "copy me", "delete me", "flag me")
    account.fill("INBOX", *(compose(bob, bob, subject, f"about {subject}\r\n") for subject in subjects))
    return account


@pytest.mark.parametrize("name", ["mutt", "neomutt"])
def test_mutt_reads_copies_flags_and_deletes(account: ImapAccount, tmp_path: Path, name: str) -> None:
    rc = secret_file(
        tmp_path / "muttrc",
        f"""
set folder = "imaps://localhost:{account.port}/"
set spoolfile = "+INBOX"
set imap_user = "{account.address}"
set imap_pass = "{PASSWORD}"
set ssl_verify_host = yes
set certificate_file = "{account.server.authority}"
set ssl_ca_certificates_file = "{account.server.authority}"
set ssl_force_tls = yes
set header_cache = "{tmp_path}/headers"
set message_cachedir = "{tmp_path}/bodies"
set imap_qresync = yes
set delete = yes
set quit = yes
set confirmappend = no
set confirmcreate = no
set wait_key = no
set pager = "builtin"
set pager_stop = yes
""",
    )
    command = (program(name), "-n", "-F", rc, "-e")
    environment = {"HOME": str(tmp_path)}
    keys = (
        "<tag-pattern>~s copy<enter><tag-prefix><copy-message>=Kept<enter><untag-pattern>~A<enter>"
        "<limit>~s delete<enter><delete-message><limit>~A<enter>"
        "<search>~s flag<enter><flag-message>"
        "<search>~b 'about keep'<enter><display-message><exit><quit>"
    )
    for round_keys in (keys, "<limit>~A<enter><search>~s 'flag'<enter><display-message><exit><quit>"):
        with screen(*command, f'push "{round_keys}"', environment=environment) as seen:
            assert seen.wait_for_end() == 0, seen.text[-2000:]
    inbox = account.letters()
    assert {subject: kept.flags - {"Old"} for subject, kept in inbox.items()} == {
        "keep me": {"\\Seen"},
        "copy me": set(),
        "flag me": {"\\Flagged", "\\Seen"},
    }
    assert account.letters("Kept")["copy me"].octets == inbox["copy me"].octets
