"""The IMAP libraries of Node.js: ImapFlow and node-imap."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from example_org import Server
from imap_account import ImapAccount
from peer_programs import REPOSITORY, missing, program, run
from postel_process import PASSWORD

pytestmark = [pytest.mark.peer, pytest.mark.slow]

_MODULES: Final = REPOSITORY / ".peers/node/node_modules"


@pytest.fixture
def account(server: Server, bob: str) -> ImapAccount:
    return ImapAccount(server, bob)


def done_by(script: str, account: ImapAccount) -> dict[str, Any]:
    """What a script of tests/peers/node found."""
    if not _MODULES.is_dir():
        missing("no .peers/node: tools/install-peers.sh")
    said = run(
        program("node", "nodejs"), Path(__file__).parent / "node" / script,
        str(account.port), account.server.authority, account.address, PASSWORD,
        environment={"NODE_PATH": str(_MODULES)},
    )  # fmt: skip
    found = json.loads(said.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_imapflow_works_on_a_mailbox(account: ImapAccount) -> None:
    found = done_by("imapflow.js", account)
    assert {"INBOX", "Work", "Work/Bäume", "Trash"} <= set(found["names"])
    assert found["trash"] == "Trash"
    assert (found["exists"], found["left"], found["heard"], found["moved"]) == (3, 1, 2, 1)
    assert found["subjects"] == ["one", "two", "three"]
    assert found["text"] == "about two\r\n"
    inbox = account.letters()
    assert {subject: sorted(kept.flags) for subject, kept in inbox.items()} == {
        "two": ["\\Flagged", "\\Seen"],
        "news": [],
    }
    assert set(account.letters("Work/B&AOQ-ume")) == {"three"}


def test_node_imap_works_on_a_mailbox(account: ImapAccount) -> None:
    found = done_by("node_imap.js", account)
    assert {"INBOX", "Kept", "Archive"} <= set(found["names"])
    assert (found["total"], found["archive"], found["inbox"]) == (3, 1, 1)
    assert (found["left"], found["sorted"]) == ([1, 3], [3, 1])
    assert [one["uid"] for one in found["letters"]] == [1, 2, 3]
    assert found["letters"][1]["text"] == {
        "HEADER.FIELDS (SUBJECT)": "Subject: two\r\n\r\n",
        "TEXT": "about two\r\n",
    }
    kept = account.letters("Archive")["two"]
    assert kept.flags == {"\\Seen", "\\Flagged", "Work"}
    assert account.letters("Kept")["two"] == kept
    assert set(account.letters()) == {"three"}
