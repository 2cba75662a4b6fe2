"""mbsync and offlineimap keep a Maildir and the mailboxes alike, both ways, with flags."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest
from example_org import Server
from imap_account import ImapAccount
from letters import compose, read
from peer_programs import program, run, secret_file
from postel_process import PASSWORD

pytestmark = [pytest.mark.peer, pytest.mark.slow]

# Maildir's letters for flags.
FLAGS = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}


@dataclass(frozen=True)
class Maildir:
    """A tree of Maildirs, one within another."""

    folder: Path

    def letters(self, name: str) -> dict[str, tuple[bytes, frozenset[str]]]:
        """Octets and flags by subject."""
        return {
            read(path.read_bytes())["subject"]: (_octets(path), _flags(path)) for path in self._paths(name)
        }

    def mark(self, name: str, subject: str, flags: str) -> None:
        """Give a letter these flags, and no other."""
        path = self._path(name, subject)
        path.rename(self.folder / name / "cur" / f"{path.name.partition(':')[0]}:2,{flags}")

    def remove(self, name: str, subject: str) -> None:
        """Delete a letter."""
        self._path(name, subject).unlink()

    def put(self, name: str, letter: bytes, flags: str = "") -> None:
        """A new letter."""
        for part in ("cur", "new", "tmp"):
            (self.folder / name / part).mkdir(parents=True, exist_ok=True)
        path = self.folder / name / "cur" / f"1700000000.M{abs(hash(letter))}.host:2,{flags}"
        path.write_bytes(letter.replace(b"\r\n", b"\n"))

    def _path(self, name: str, subject: str) -> Path:
        (path,) = (path for path in self._paths(name) if read(path.read_bytes())["subject"] == subject)
        return path

    def _paths(self, name: str) -> list[Path]:
        return [path for part in ("cur", "new") for path in (self.folder / name / part).iterdir()]


def _octets(path: Path) -> bytes:
    return _without_marks(path.read_bytes())


def _without_marks(octets: bytes) -> bytes:
    """mbsync marks what it copies, and offlineimap what it uploads: to know it again."""
    return re.sub(rb"X-(TUID|OfflineIMAP)[^\n]*\n", b"", octets.replace(b"\r\n", b"\n"))


def _flags(path: Path) -> frozenset[str]:
    return frozenset(FLAGS[letter] for letter in path.name.partition(":2,")[2] if letter in FLAGS)


Synchronise: TypeAlias = Callable[[], str]


def mbsync(account: ImapAccount, folder: Path) -> Synchronise:
    """isync."""
    (folder / "mail").mkdir()
    rc = secret_file(
        folder / "mbsyncrc",
        f"""
IMAPStore far
Host localhost
Port {account.port}
User {account.address}
Pass "{PASSWORD}"
SSLType IMAPS
CertificateFile {account.server.authority}
SystemCertificates no

MaildirStore near
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
CopyArrivalDate yes
""",
    )
    command = (program("mbsync", "isync"), "-V", "-c", rc, "-a")
    return lambda: run(*command, environment={"HOME": str(folder)})


def offlineimap(account: ImapAccount, folder: Path) -> Synchronise:
    """offlineimap3."""
    rc = secret_file(
        folder / "offlineimaprc",
        f"""
[general]
accounts = ann
metadata = {folder}/metadata
[Account ann]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {folder}/mail
sep = /
[Repository far]
type = IMAP
remotehost = localhost
remoteport = {account.port}
remoteuser = {account.address}
remotepass = {PASSWORD}
ssl = yes
sslcacertfile = {account.server.authority}
""",
    )
    command = (program("offlineimap", "offlineimap3"), "-o", "-c", rc, "-u", "basic")
    return lambda: run(*command, environment={"HOME": str(folder)})


@pytest.fixture(params=[mbsync, offlineimap])
def synchronise(request: pytest.FixtureRequest, account: ImapAccount, tmp_path: Path) -> Synchronise:
    return request.param(account, tmp_path)  # type: ignore[no-any-return]


@pytest.fixture
def account(server: Server, ann: str) -> ImapAccount:
    return ImapAccount(server, ann)


def assert_alike(near: Maildir, far: ImapAccount, name: str) -> None:
    """The same letters with the same flags on both sides, octet for octet but for the ends of lines."""
    here, there = near.letters(name), far.letters(name)
    assert {subject: flags for subject, (_, flags) in here.items()} == {
        subject: kept.flags for subject, kept in there.items()
    }
    for subject, (octets, _) in here.items():
        assert octets.replace(b"\r\n", b"\n") == _without_marks(there[subject].octets)


def test_both_sides_become_alike_and_stay_so(
    synchronise: Synchronise, account: ImapAccount, tmp_path: Path
) -> None:
    near, me = Maildir(tmp_path / "mail"), account.address
    account.fill("INBOX", *(compose(me, me, subject) for subject in ("first", "second", "third")))
    account.change("INBOX", "first", "(\\Seen)")
    account.fill("Work/2026", compose(me, me, "in the depth"), flags="(\\Flagged)")
    synchronise()
    for name in ("INBOX", "Work/2026", "Sent"):
        assert_alike(near, account, name)
    assert set(near.letters("INBOX")) == {"first", "second", "third"}

    near.mark("INBOX", "second", "FS")
    near.remove("INBOX", "third")
    near.put("INBOX", compose(me, me, "written at home"), "DS")
    near.put("New", compose(me, me, "in a new mailbox"))
    account.change("Work/2026", "in the depth", "(\\Answered \\Seen)")
    account.change("INBOX", "first", "(\\Deleted)")
    account.fill("INBOX", compose(me, me, "came meanwhile"))
    synchronise()
    for name in ("INBOX", "Work/2026", "New"):
        assert_alike(near, account, name)
    inbox = account.letters("INBOX")
    assert set(inbox) == {"second", "written at home", "came meanwhile"}
    assert inbox["second"].flags == {"\\Flagged", "\\Seen"}
    assert account.letters("Work/2026")["in the depth"].flags == {"\\Flagged", "\\Answered", "\\Seen"}
    assert "New" in account.names()

    before = {name: account.letters(name) for name in account.names()}
    synchronise()
    assert {name: account.letters(name) for name in account.names()} == before, "nothing is left to do"
