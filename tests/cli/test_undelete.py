"""`postel account undelete`: what was expunged comes back."""

from __future__ import annotations

from cli_kit import Site

from postel.app import Bench
from postel.store import MailboxName

ANN = "ann@drag.net"
MBOX = "From ann@x Tue Nov 24 03:00:00 2026\nSubject: hello\n\nbody\n"


def expunge(site: Site, name: str) -> None:
    async def work(bench: Bench) -> None:
        account = await bench.rooms.directory.find(ANN)
        assert account is not None
        box = await bench.rooms.store.mailbox(account.id, MailboxName(name))
        assert box is not None
        await bench.rooms.store.remove(box.id, range(1, box.uid_next))

    site.on_bench(work)


def messages(site: Site) -> int:
    number = site.json("account", "list")[0]["messages"]
    assert isinstance(number, int)
    return number


def test_expunged_mail_comes_back_into_its_mailbox(site: Site) -> None:
    site.add_account(ANN)
    for name in ("INBOX", "Work", "Work"):
        site.ok("import", ANN, "-", "--mailbox", name, stdin=MBOX)
    for name in ("INBOX", "Work"):
        expunge(site, name)
    assert messages(site) == 0
    assert [(row["mailbox"], row["messages"]) for row in site.json("account", "undelete", ANN, "--list")] == [
        ("INBOX", 1),
        ("Work", 2),
    ]
    assert site.ok("account", "undelete", ANN, "--mailbox", "Work") == "Brought back 2 messages into Work.\n"
    assert "INBOX" in site.ok("account", "undelete", ANN, "--list")
    assert "1 message into INBOX" in site.ok("account", "undelete", ANN, "--since", "1h")
    assert messages(site) == 3
    assert "nothing can be had back" in site.refused("account", "undelete", ANN)


def test_only_what_was_expunged_since_comes_back(site: Site) -> None:
    site.add_account(ANN)
    site.ok("import", ANN, "-", stdin=MBOX)
    expunge(site, "INBOX")
    assert "Nothing can be had back" in site.ok("account", "undelete", ANN, "--list", "--since", "2200-01-01")
    assert site.json("account", "undelete", ANN, "--since", "2001-01-01") == [
        {"mailbox": "INBOX", "messages": 1}
    ]


def test_what_does_not_fit_into_the_quota_stays_where_it_is(site: Site) -> None:
    site.add_account(ANN)
    site.ok("import", ANN, "-", stdin=MBOX)
    expunge(site, "INBOX")
    site.ok("account", "quota", ANN, "10 B")
    assert "does not fit into the quota" in site.refused("account", "undelete", ANN)
    site.ok("account", "quota", ANN, "none")
    assert "1 message" in site.ok("account", "undelete", ANN)


def test_what_cannot_be_is_said(site: Site) -> None:
    site.add_account(ANN)
    assert "neither a time ago" in site.refused("account", "undelete", ANN, "--since", "soon", status=2)
    assert "no account" in site.refused("account", "undelete", "kitt@drag.net")
    site.refused("account", "undelete", ANN, "--mailbox", "a//b", status=2)
