"""Mail programs for people, used at a terminal: mutt, NeoMutt, Alpine and aerc."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from example_org import Server
from imap_account import ImapAccount
from letters import compose
from own_screen import screen
from peer_programs import eventually, program, secret_file
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


def test_alpine_sorts_saves_flags_and_deletes(account: ImapAccount, tmp_path: Path) -> None:
    account.fill("Kept")
    where = f"{{localhost:{account.port}/ssl/user={account.address}}}"
    features = (
        "enable-flag-cmd,enable-aggregate-command-set,expunge-without-confirm,quit-without-confirm,"
        "save-will-not-delete"
    )
    rc = secret_file(
        tmp_path / "pinerc",
        f"inbox-path={where}INBOX\nfolder-collections=Mail {where}[]\nsort-key=Subject\nlast-version-used=9.99\n"
        f"feature-list={features}\n",
    )
    environment = {"HOME": str(tmp_path), "SSL_CERT_FILE": str(account.server.authority)}
    with screen(program("alpine"), "-p", rc, "-i", environment=environment) as seen:
        seen.wait_for("ENTER PASSWORD")
        seen.press(f"{PASSWORD}\r", until="Preserve password")
        seen.press("n", until="keep me")
        seen.type("j1\r")  # where it may not be, when `n` was pressed once more
        seen.press("s", until="SAVE Msg #1")
        seen.type("Kept\r")
        eventually(lambda: set(account.letters("Kept")) == {"copy me"}, "it is copied")
        seen.type("nd")  # the next one is deleted, and then it is at the one after that
        eventually(lambda: "\\Deleted" in account.letters()["delete me"].flags, "it is marked")
        seen.press("*", until="Flag")
        seen.type("\r")
        eventually(lambda: "\\Flagged" in account.letters()["flag me"].flags, "it is flagged")
        seen.type("n\r")
        seen.answer("about", "<x")
        account.wait_until("INBOX", {"copy me", "flag me", "keep me"})
        seen.type("q")
        assert seen.wait_for_end() == 0
    inbox = account.letters()
    assert "\\Seen" in inbox["keep me"].flags
    assert account.letters("Kept")["copy me"].octets == inbox["copy me"].octets


def test_aerc_sorts_copies_flags_moves_and_hears_of_new_mail(account: ImapAccount, tmp_path: Path) -> None:
    (tmp_path / "aerc").mkdir()
    (tmp_path / "aerc/aerc.conf").write_text(
        "[ui]\nsort = subject\n[viewer]\npager = cat\n[filters]\ntext/plain = cat\n"
    )
    user = f"{quote(account.address, safe='')}:{quote(PASSWORD)}"
    secret_file(
        tmp_path / "aerc/accounts.conf",
        f"[own]\nsource = imaps://{user}@localhost:{account.port}\ndefault = INBOX\nfrom = {account.address}\n",
    )
    environment = {
        **{f"XDG_{name}": str(tmp_path) for name in ("CONFIG_HOME", "CACHE_HOME", "DATA_HOME", "RUNTIME_DIR")},
        "HOME": str(tmp_path), "SSL_CERT_FILE": str(account.server.authority),
    }  # fmt: skip
    with screen(program("aerc"), environment=environment) as seen:
        for subject in ("copy me", "delete me", "flag me", "keep me"):
            seen.wait_for(subject)
        seen.type(":mkdir Kept\r")
        seen.wait_for("(no messages)")
        seen.answer("Kept", ":cf INBOX\r")
        seen.answer("keep me", ":select 0\r:copy Kept\r")
        eventually(lambda: set(account.letters("Kept")) == {"copy me"}, "it is copied")
        seen.type(":select 2\r:flag\r")
        eventually(lambda: "\\Flagged" in account.letters()["flag me"].flags, "it is flagged")
        seen.type(":select 3\r:view\r")
        seen.answer("about", ":close\r")
        eventually(lambda: "\\Seen" in account.letters()["keep me"].flags, "it has been read")
        seen.type(":select 1\r:move Trash\r")
        account.wait_until("INBOX", {"copy me", "flag me", "keep me"})
        assert set(account.letters("Trash")) == {"delete me"}
        account.fill("INBOX", compose(account.address, account.address, "came meanwhile"))
        seen.answer("came", ":quit\r")
        assert seen.wait_for_end() == 0
    assert account.letters("Kept")["copy me"].octets == account.letters()["copy me"].octets
