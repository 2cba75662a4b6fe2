"""Python's IMAP libraries do with a mailbox what programs built on them do."""

from __future__ import annotations

import imaplib
import ssl
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from example_org import Server
from imap_account import ImapAccount
from imapclient import IMAPClient, SocketTimeout
from letters import compose
from peer_programs import PATIENCE_S
from postel_process import PASSWORD

pytestmark = [pytest.mark.peer, pytest.mark.slow]


@pytest.fixture
def account(server: Server, bob: str) -> ImapAccount:
    return ImapAccount(server, bob)


@pytest.fixture
def client(account: ImapAccount) -> Iterator[IMAPClient]:
    """Logged in."""
    context = ssl.create_default_context(cafile=str(account.server.authority))
    timeout = SocketTimeout(connect=PATIENCE_S, read=PATIENCE_S)
    made = IMAPClient("127.0.0.1", account.port, ssl_context=context, timeout=timeout)
    made.login(account.address, PASSWORD)
    yield made
    made.logout()


def letter(account: ImapAccount, subject: str) -> bytes:
    return compose(account.address, account.address, subject)


# imaplib


def test_imaplib_starts_tls_and_works_on_a_mailbox(account: ImapAccount) -> None:
    client = imaplib.IMAP4("127.0.0.1", account.server.postel.port("imap"), timeout=PATIENCE_S)
    assert "LOGINDISABLED" in client.capabilities
    client.starttls(ssl.create_default_context(cafile=str(account.server.authority)))
    client.login(account.address, PASSWORD)
    written = letter(account, "one")
    for hour in (12, 13, 14):
        assert client.append("INBOX", "(\\Seen)", f'"23-Nov-2026 {hour}:00:00 +0100"', written)[0] == "OK"
    assert client.select() == ("OK", [b"3"])
    assert client.response("UIDVALIDITY")[1][0].isdigit()
    kind, data = client.uid("FETCH", "1:*", "(INTERNALDATE RFC822.SIZE RFC822)")
    assert kind == "OK"
    assert [part[1] for part in data if isinstance(part, tuple)] == [written] * 3
    assert f"RFC822.SIZE {len(written)}".encode() in data[0][0]
    assert client.copy("1:2", "Archive")[0] == "OK"
    assert client.store("2", "+FLAGS.SILENT", "\\Deleted") == ("OK", [None])
    assert client.expunge() == ("OK", [b"2"])
    assert client.search(None, "SEEN", "SINCE", "23-Nov-2026") == ("OK", [b"1 2"])
    assert client.sort("REVERSE ARRIVAL", "UTF-8", "ALL") == ("OK", [b"2 1"])
    assert client.thread("REFERENCES", "UTF-8", "ALL")[0] == "OK"
    assert client.getquotaroot("INBOX")[0] == "OK"
    assert client.status("Archive", "(MESSAGES UIDNEXT UNSEEN)")[1] == [
        b"Archive (MESSAGES 2 UIDNEXT 3 UNSEEN 0)"
    ]
    assert client.rename("Archive", "Alt")[0] == "OK"
    assert client.select("None")[0] == "NO"
    with pytest.raises(imaplib.IMAP4.error, match="BAD"):
        client.xatom("XYZZY")
    assert client.select("Alt") == ("OK", [b"2"])
    assert client.close()[0] == "OK"
    assert client.logout()[0] == "BYE"


def test_imaplib_is_told_that_a_password_is_wrong(account: ImapAccount) -> None:
    context = ssl.create_default_context(cafile=str(account.server.authority))
    client = imaplib.IMAP4_SSL("127.0.0.1", account.port, ssl_context=context, timeout=PATIENCE_S)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login(account.address, "wrong")
    client.authenticate("PLAIN", lambda _: f"\0{account.address}\0{PASSWORD}".encode())
    client.logout()


# imapclient


def test_imapclient_makes_a_tree_and_moves_letters_in_it(account: ImapAccount, client: IMAPClient) -> None:
    names = ["Bücher & mehr", "Bücher & mehr/日本語"]
    for name in names:
        client.create_folder(name)
        client.subscribe_folder(name)
    assert {name for _, _, name in client.list_sub_folders()} >= set(names)
    assert client.find_special_folder(b"\\Trash") == "Trash"
    assert client.namespace().personal == (("", "/"),)
    for number in range(5):
        client.append("INBOX", letter(account, f"number {number}"), flags=[b"\\Seen", b"$Work"])
    client.select_folder("INBOX")
    assert client.search(["KEYWORD", "$Work", "SUBJECT", "number 3"]) == [4]
    client.move([2, 3], names[1])
    client.delete_messages([1])
    client.uid_expunge([1])
    assert client.search() == [4, 5]
    client.select_folder(names[1], readonly=True)
    found = client.fetch(client.search(), ["ENVELOPE", "FLAGS", "BODYSTRUCTURE", "BODY.PEEK[]"])
    assert {one[b"ENVELOPE"].subject for one in found.values()} == {b"number 1", b"number 2"}
    assert {one[b"BODY[]"] for one in found.values()} == {
        letter(account, f"number {number}") for number in (1, 2)
    }
    assert all(set(one[b"FLAGS"]) >= {b"\\Seen", b"$Work"} for one in found.values())
    assert found[1][b"BODYSTRUCTURE"][0:2] == (b"text", b"plain")
    assert found[1][b"ENVELOPE"].date == datetime(2026, 11, 23, 12)
    client.unselect_folder()
    client.rename_folder(names[0], "Books")
    assert client.folder_exists("Books/日本語")
    client.delete_folder("Books/日本語")
    assert not client.folder_exists("Books/日本語")


def test_imapclient_asks_for_changes_only(account: ImapAccount, client: IMAPClient) -> None:
    arrived = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=1)))
    for number in range(3):
        client.append("INBOX", letter(account, f"number {number}"), msg_time=arrived)
    client.enable("CONDSTORE")
    known = client.select_folder("INBOX")[b"HIGHESTMODSEQ"]
    client.add_flags([2], [b"\\Flagged"])
    found = client.fetch([1, 2, 3], ["FLAGS", "INTERNALDATE"], modifiers=[f"CHANGEDSINCE {known}"])
    assert list(found) == [2]
    assert found[2][b"MODSEQ"][0] > known
    assert client.sort("REVERSE SUBJECT") == [3, 2, 1]
    assert client.thread("REFERENCES") == ((1,), (2,), (3,))
    status = client.folder_status("INBOX", ["MESSAGES", "UNSEEN", "HIGHESTMODSEQ"])
    assert (status[b"MESSAGES"], status[b"UNSEEN"]) == (3, 3)


def test_imapclient_idles_and_hears_of_everything(account: ImapAccount, client: IMAPClient) -> None:
    client.append("INBOX", letter(account, "old"))
    client.select_folder("INBOX")
    client.idle()
    heard: list[object] = []

    def wait_for(*wanted: object) -> None:
        while not set(map(str, wanted)) <= set(map(str, heard)):
            news = client.idle_check(timeout=PATIENCE_S)
            assert news, (wanted, heard)
            heard.extend(news)
        heard.clear()

    others = threading.Thread(target=lambda: account.fill("INBOX", letter(account, "new")))
    others.start()
    wait_for((2, b"EXISTS"))
    others.join()
    account.change("INBOX", "old", "(\\Flagged)")
    wait_for((1, b"FETCH", (b"FLAGS", (b"\\Flagged", b"\\Recent"))))
    account.change("INBOX", "new", "(\\Deleted)")
    wait_for((2, b"EXPUNGE"))
    account.server.postel.submit(letter(account, "by SMTP"), account.address, account.address)
    wait_for((2, b"EXISTS"))
    assert b"IDLE completed" in client.idle_done()[0]
    assert len(client.search()) == 2
