"""One job, done by the IMAP libraries of many languages: a script each, and the same mailboxes afterwards.

The job: make Kept, put a letter there, show the subjects and the text of INBOX, flag `two` and copy it to Kept, and
delete `one`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from example_org import Server
from imap_account import ImapAccount
from letters import body_of, compose
from scripts import said_by

pytestmark = [pytest.mark.peer, pytest.mark.slow]

_JOB: Final = {"subject": "one two three", "text": "about three"}
_SORTED: Final = {"sorted": "two three", "left": "2"}
_ROUNDCUBE: Final = {
    **_SORTED, "threads": "3", "type": "text/plain", "special": "Trash", "subscribed": "Kept", "rights": "mine",
    "comment": "for later", "answered": "three", "meanwhile": "one two three news", "moved": "1",
}  # fmt: skip
_HORDE: Final = {
    **_SORTED, "threads": "2", "type": "text/plain", "from": "found", "copied": "1", "special": "Trash",
    "subscribed": "Kept", "moved": "1", "meanwhile": "1,4 vanished 3 changed", "rights": "mine",
    "comment": "for later", "delimiter": "/",
}  # fmt: skip
_JAKARTA: Final = {
    **_SORTED, "type": "text/plain", "special": "Trash", "delimiter": "/", "rights": "true", "moved": "1",
    "heard": "1", "meanwhile": "MessageVanishedEvent MessageChangedEvent", "answered": "true",
}  # fmt: skip


@dataclass(frozen=True)
class Library:
    """A script, and what it says beside the subjects and the text.

    appends     its library can put letters into a mailbox.
    rewrites    its library copies a letter by writing one that means the same.
    """

    script: str
    says: dict[str, str]
    appends: bool = True
    rewrites: bool = False


_LIBRARIES: Final = (
    Library("mail_imapclient.pl", {**_SORTED, "threads": "2", "type": "text/plain", "from": "example.org"}),
    Library("net_imap_client.pl", {"left": "2", "threads": "2", "type": "text/plain"}),
    Library("net_imap_simple.pl", {"left": "2"}),
    Library("mail_box.pl", {"type": "text/plain"}, appends=False, rewrites=True),
    Library(
        "net_imap.rb",
        {"left": "2", "threads": "2", "delimiter": "/", "special": "Trash", "heard": "3"},
    ),
    Library(
        "imap.php",
        {**_SORTED, "threads": "2", "boxes": "Kept", "subscribed": "Kept", "unseen": "1", "kept": "2"},
    ),
    Library("roundcube.php", _ROUNDCUBE),
    Library("horde.php", _HORDE),
    Library("JakartaMail.java", _JAKARTA),
    Library("gnus.el", {"left": "2", "unread": "1", "ticked": "t", "found": "(INBOX Kept Kept)"}),
    Library("imapfilter.lua", {"left": "2"}, appends=False),
    Library("imap4.tcl", {}, appends=False),
    Library("with_imap_tools.py", {**_SORTED, "heard": "3"}),
    Library("with_aioimaplib.py", {"left": "2", "heard": "3"}),
    Library("imap_simple.js", {"left": "2"}),
    Library("emailjs.js", {"left": "2", "type": "text/plain", "special": "Trash"}),
)


@pytest.fixture
def account(server: Server, bob: str) -> ImapAccount:
    account = ImapAccount(server, bob)
    account.fill("INBOX", *(compose(bob, bob, name, f"about {name}\r\n") for name in ("one", "two", "three")))
    return account


@pytest.mark.parametrize("library", _LIBRARIES, ids=lambda library: library.script)
def test_a_library_does_the_job(account: ImapAccount, tmp_path: Path, library: Library) -> None:
    said = said_by(library.script, account.server, "imaps", account.address, tmp_path)
    assert {key: said.get(key) for key in {**_JOB, **library.says}} == {**_JOB, **library.says}
    assert "error" not in said
    inbox, kept = account.letters(), account.letters("Kept")
    assert set(inbox) == {"two", "three"}
    assert "\\Flagged" in inbox["two"].flags
    assert set(kept) == ({"two", "written"} if library.appends else {"two"})
    assert body_of(kept["two"].octets) == body_of(inbox["two"].octets)
    assert library.rewrites or kept["two"] == inbox["two"]
    assert not library.appends or kept["written"].flags == {"\\Seen"}
