"""`postel import imap://...` moves an account from Dovecot, and a second run takes what is new only."""

from __future__ import annotations

import imaplib

import pytest
from dovecot_instance import dovecot
from example_org import Server
from imap_account import ImapAccount
from letters import compose
from loopback import own_address
from peer_programs import PATIENCE_S

pytestmark = [pytest.mark.peer, pytest.mark.slow]

OLD, SECRET = "carol@store.example", "sesame street"


def _put(address: str, mailbox: str, letter: bytes, flags: str) -> None:
    client = imaplib.IMAP4(address, timeout=PATIENCE_S)
    client.login(OLD, SECRET)
    client.create(mailbox)
    kind, said = client.append(mailbox, flags, '"23-Nov-2020 12:00:00 +0100"', letter)
    assert kind == "OK", said
    client.logout()


@pytest.mark.parametrize(
    ("prefix", "separator"),
    [("", "/"), ("INBOX.", ".")],
    ids=["by slashes", "as Courier and Cyrus"],
)
def test_an_account_moves_from_dovecot_and_nothing_comes_twice(
    server: Server, bob: str, prefix: str, separator: str
) -> None:
    tree = f"namespace own {{\n inbox = yes\n prefix = {prefix}\n separator = {separator}\n}}\n"
    large = compose(OLD, OLD, "large") + b"x" * 70 + (b"\r\n" + b"y" * 70) * 8000 + b"\r\n"
    with dovecot(own_address(port=24), {OLD: SECRET}, more=tree) as old:
        _put(old.address, "INBOX", large, "(\\Seen $work)")
        _put(old.address, f"{prefix}Plans{separator}2020", compose(OLD, OLD, "plan"), "(\\Flagged)")
        url = f"imap://carol%40store.example@{old.address}:143"

        def run() -> str:
            options = ("--password-stdin", "--insecure")
            return server.postel.command("import", bob, url, *options, stdin=f"{SECRET}\n")

        assert "Imported 2 messages" in run()
        assert "Imported 0 messages" in run()
        _put(old.address, "INBOX", compose(OLD, OLD, "new"), "()")
        assert "Imported 1 message " in run()
    account = ImapAccount(server, bob)
    inbox = account.letters()
    assert set(inbox) == {"large", "new"}
    assert inbox["large"].octets == large and inbox["large"].flags == {"\\Seen", "$work"}
    assert account.letters("Plans/2020")["plan"].flags == {"\\Flagged"}
    assert "INBOX" in account.names() and not any(name.startswith("INBOX/") for name in account.names())
