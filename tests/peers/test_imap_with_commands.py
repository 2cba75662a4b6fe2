"""Command-line programs that take a mailbox as it is: Dovecot's dsync, GNU Mailutils, and Cyrus SASL's testers."""

from __future__ import annotations

import mailbox
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest
from example_org import Server
from imap_account import ImapAccount
from letters import compose, read
from peer_programs import need_root, program, public_folder, run
from postel_process import PASSWORD

pytestmark = [pytest.mark.peer, pytest.mark.slow]

NAMES = ("one", "two", "three")


@pytest.fixture
def account(server: Server, bob: str) -> ImapAccount:
    account = ImapAccount(server, bob)
    account.fill("INBOX", *(compose(bob, bob, name) for name in NAMES), flags="(\\Seen \\Flagged)")
    return account


# Cyrus SASL


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"])
@pytest.mark.parametrize(
    ("name", "protocol", "end"), [("imtest", "imaps", b"L01 LOGOUT\r\n"), ("pop3test", "pop3s", b"quit\r\n")]
)
def test_cyrus_sasl_logs_in(
    account: ImapAccount, name: str, protocol: str, end: bytes, mechanism: str
) -> None:
    tester = Path("/usr/lib/cyrus/bin") / name
    command = str(tester) if tester.exists() else program(name, "cyrus-clients")
    postel = account.server.postel
    since = len(postel.process.lines)
    said = run(
        command, "-m", mechanism, "-a", account.address, "-u", account.address, "-w", PASSWORD,
        "-s", "-p", str(postel.port(protocol)), "localhost", stdin=end,
    )  # fmt: skip
    assert "Authenticated." in said
    postel.wait_for("login_ok", since=since, mechanism=mechanism, account=account.address)


# GNU Mailutils


@pytest.mark.parametrize("protocol", ["imaps", "pops"])
def test_mailutils_count_letters_and_take_them_out(
    account: ImapAccount, tmp_path: Path, protocol: str
) -> None:
    port = account.server.postel.port({"imaps": "imaps", "pops": "pop3s"}[protocol])
    url = f"{protocol}://{quote(account.address, safe='')}:{quote(PASSWORD)}@localhost:{port}"
    home = {"HOME": str(tmp_path), "USER": "kitt"}
    said = run(program("messages", "mailutils"), url, environment=home)
    assert said.rstrip().endswith(": 3")
    run(program("movemail", "mailutils"), "--preserve", url, tmp_path / "kept", environment=home)
    assert set(account.letters()) == set(NAMES)
    run(program("movemail", "mailutils"), url, tmp_path / "taken", environment=home)
    for name in ("kept", "taken"):
        assert sorted(letter["subject"] for letter in mailbox.mbox(tmp_path / name)) == sorted(NAMES)
    assert account.letters() == {}


# Dovecot, which reads other people's mailboxes by its imapc

_DSYNC = """
base_dir = {folder}/run
log_path = /dev/stderr
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
first_valid_gid = 1
mail_home = {folder}/home
mail_location = maildir:{folder}/home/mail:LAYOUT=fs
imapc_host = 127.0.0.1
imapc_port = {port}
imapc_ssl = imaps
imapc_user = {user}
imapc_password = {password}
imapc_features = rfc822.size fetch-headers fetch-bodystructure
ssl_client_ca_file = {folder}/authority.pem
namespace inbox {{
  inbox = yes
  separator = /
}}
"""


def test_doveadm_backs_up_a_whole_account(account: ImapAccount) -> None:
    need_root("doveadm")
    account.fill("Work/B&AOQ-ume", compose(account.address, account.address, "in the depth"))
    with public_folder("dsync") as folder:
        (folder / "run").mkdir()
        (folder / "home").mkdir()
        shutil.chown(folder / "home", "nobody", "nogroup")
        shutil.copy(account.server.authority, folder / "authority.pem")
        (folder / "authority.pem").chmod(0o644)
        (folder / "conf").write_text(
            _DSYNC.format(folder=folder, port=account.port, user=account.address, password=PASSWORD)
        )
        backup = (program("doveadm", "dovecot-core"), "-c", folder / "conf", "backup", "-R", "imapc:")
        for _ in range(2):  # the second finds nothing to do
            run(*backup, environment={"USER": "nobody"}, folder=folder)
            inbox = _maildir(folder / "home/mail")
            assert set(inbox) == set(NAMES)
            assert all(path.name.endswith(":2,FS") for path in inbox.values())
            assert set(_maildir(folder / "home/mail/Work/B&AOQ-ume")) == {"in the depth"}
        there = account.letters()
        for subject, path in inbox.items():
            assert path.read_bytes().replace(b"\n", b"\r\n") == there[subject].octets


def _maildir(folder: Path) -> dict[str, Path]:
    """Its letters by subject, each there once."""
    paths = [path for part in ("cur", "new") for path in (folder / part).iterdir()]
    found = {read(path.read_bytes())["subject"]: path for path in paths}
    assert len(found) == len(paths)
    return found
