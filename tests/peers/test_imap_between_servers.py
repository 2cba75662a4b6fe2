"""Programs that keep two servers alike or move from one to the other: Dovecot and Postel, in both directions."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from child_process import ChildProcess
from dovecot_instance import dovecot
from example_org import Server
from imap_account import ImapAccount, Mailboxes
from letters import compose
from loopback import accepts, own_address
from peer_programs import PATIENCE_S, eventually, program, run, secret_file
from postel_process import PASSWORD

pytestmark = [pytest.mark.peer, pytest.mark.slow]

CAROL: Final = "carol@store.example"
_TREE: Final = "namespace own {\n inbox = yes\n separator = /\n}\n"


@dataclass(frozen=True)
class AtDovecot(Mailboxes):
    """Carol's account on a Dovecot."""

    host: str

    def connect(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4(self.host, timeout=PATIENCE_S)
        client.login(CAROL, PASSWORD)
        return client


@pytest.fixture
def theirs() -> Iterator[AtDovecot]:
    with dovecot(own_address(port=24), {CAROL: PASSWORD}, more=_TREE) as store:
        eventually(lambda: accepts(store.address, 143), "Dovecot gives IMAP")
        yield AtDovecot(store.address)


@pytest.fixture
def ours(server: Server, bob: str) -> ImapAccount:
    return ImapAccount(server, bob)


def assert_alike(ours: Mailboxes, theirs: Mailboxes, *names: str) -> None:
    """The same letters with the same flags, octet for octet."""
    for name in names:
        assert ours.letters(name) == theirs.letters(name), name


# InterIMAP


def interimap(ours: ImapAccount, theirs: AtDovecot, folder: Path) -> list[str | Path]:
    """The command, which keeps what it knows in `folder`."""
    config = secret_file(
        folder / "interimap",
        f"""
database = {folder}/known.db
[local]
type = imap
STARTTLS = NO
host = {theirs.host}
username = {CAROL}
password = {PASSWORD}
[remote]
type = imaps
host = localhost
port = {ours.port}
SSL_CAfile = {ours.server.authority}
username = {ours.address}
password = {PASSWORD}
compress = YES
""",
    )
    return [program("interimap"), f"--config={config}"]


def test_interimap_keeps_two_servers_alike(ours: ImapAccount, theirs: AtDovecot, tmp_path: Path) -> None:
    def synchronise() -> None:
        run(*interimap(ours, theirs, tmp_path), environment={"HOME": str(tmp_path)})

    theirs.fill("INBOX", *(compose(CAROL, CAROL, subject) for subject in ("first", "second", "third")))
    theirs.fill("Work/B&AOQ-ume", compose(CAROL, CAROL, "in the depth"), flags="(\\Flagged $work)")
    ours.fill("INBOX", compose(CAROL, CAROL, "here before"), flags="(\\Seen)")
    synchronise()
    assert set(ours.letters()) == {"first", "second", "third", "here before"}
    assert_alike(ours, theirs, "INBOX", "Work/B&AOQ-ume", "Sent")

    ours.change("INBOX", "first", "(\\Deleted)")
    ours.change("INBOX", "second", "(\\Answered)")
    theirs.change("INBOX", "third", "(\\Deleted)")
    theirs.change("Work/B&AOQ-ume", "in the depth", "(\\Flagged)", "-FLAGS")
    ours.fill("Plans", compose(CAROL, CAROL, "new here"))
    theirs.fill("INBOX", compose(CAROL, CAROL, "new there"))
    synchronise()
    assert set(ours.letters()) == {"second", "here before", "new there"}
    assert_alike(ours, theirs, "INBOX", "Work/B&AOQ-ume", "Plans")


def test_interimap_hears_by_notify_what_happens_here(
    ours: ImapAccount, theirs: AtDovecot, tmp_path: Path
) -> None:
    command = interimap(ours, theirs, tmp_path)
    theirs.fill("INBOX", compose(CAROL, CAROL, "before"))
    theirs.fill("Work", compose(CAROL, CAROL, "at work"))
    run(*command, environment={"HOME": str(tmp_path)})  # makes its database
    with closing(_Watching([*command, "--watch", "--notify"], tmp_path)):
        for number in range(3):
            ours.fill("INBOX", compose(CAROL, CAROL, f"new {number}"))
            ours.fill("Work", compose(CAROL, CAROL, f"task {number}"))
            theirs.wait_until("INBOX", {"before", *(f"new {known}" for known in range(number + 1))})
            theirs.wait_until("Work", {"at work", *(f"task {known}" for known in range(number + 1))})
        ours.change("INBOX", "before", "(\\Flagged)")
        ours.change("Work", "task 1", "(\\Deleted)")
        eventually(lambda: "\\Flagged" in theirs.letters()["before"].flags, "the flag is there")
        theirs.wait_until("Work", {"at work", "task 0", "task 2"})
    assert_alike(ours, theirs, "INBOX", "Work")


class _Watching(ChildProcess):
    def __init__(self, command: list[str | Path], folder: Path) -> None:
        super().__init__(command, environment={"HOME": str(folder)})

    def close(self) -> None:
        print("\n".join(self.lines))
        self.kill()
