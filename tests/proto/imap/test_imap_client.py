"""The client machine: alone, and against the server machine."""

from __future__ import annotations

import datetime
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import LocalFault
from postel.proto import NEED_DATA, PAUSED, imap
from postel.proto.imap import client_values as heard


def events_of(client: imap.ImapClient) -> list[Any]:
    found = []
    while (event := client.next_event()) is not NEED_DATA:
        found.append(event)
    return found


def greeted(capabilities: bytes = b"IMAP4rev1") -> imap.ImapClient:
    client = imap.ImapClient()
    client.receive(b"* OK [CAPABILITY " + capabilities + b"] hello\r\n")
    events_of(client)
    return client


def test_the_greeting_tells_what_the_server_can_do() -> None:
    client = imap.ImapClient()
    client.receive(b"* OK [CAPABILITY IMAP4rev1 LITERAL+ auth=plain] hello\r\n")
    assert isinstance(events_of(client)[0], heard.Greeted)
    assert client.can("literal+")
    assert client.can("AUTH=PLAIN")
    assert not client.can("IDLE")


def test_a_server_that_does_not_want_us_is_lost() -> None:
    client = imap.ImapClient()
    client.receive(b"* BYE too many\r\n")
    assert [type(event).__name__ for event in events_of(client)] == ["Greeted", "Lost"]
    assert client.over


def test_what_is_no_imap_is_lost() -> None:
    for nonsense in (b"220 smtp ready\r\n", b"+OK pop\r\n", b"* OK\n", b"* FOO\r\n"):
        client = imap.ImapClient()
        client.receive(nonsense)
        assert isinstance(events_of(client)[-1], heard.Lost)


def test_a_literal_waits_for_leave_and_what_is_behind_it_too() -> None:
    client = greeted()
    first = client.login("ann", "p\u00e4ss")
    client.command(b"NOOP")
    assert client.data_to_send() == first + b' LOGIN "ann" {5}\r\n'
    assert client.is_waiting
    client.receive(b"+ go on\r\n")
    events_of(client)
    assert client.data_to_send() == "päss".encode() + b"\r\nc2 NOOP\r\n"


def test_a_command_refused_before_its_literal_sends_no_more_of_it() -> None:
    client = greeted()
    client.command(b"NOOP")
    tag = client.login("ann", "p\u00e4ss")
    client.command(b"NOOP")
    client.data_to_send()
    client.receive(b"c1 OK done\r\n")
    assert client.is_waiting
    client.receive(tag + b" NO no\r\n")
    assert [event.tag for event in events_of(client)] == [b"c1", tag]
    assert client.data_to_send() == b"c3 NOOP\r\n"


def test_literal_plus_does_not_wait() -> None:
    client = greeted(b"IMAP4rev1 LITERAL+")
    client.login("ann", "p\u00e4ss")
    assert client.data_to_send() == 'c1 LOGIN "ann" {5+}\r\npäss\r\n'.encode()


def test_an_uploaded_message_comes_in_pieces() -> None:
    client = greeted(b"IMAP4rev1 LITERAL+")
    when = datetime.datetime(2020, 2, 3, 4, 5, 6, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    client.append("Entw\u00fcrfe", 5, [b"\\Seen"], when)
    client.more(b"he")
    client.more(b"llo")
    client.command(b"NOOP")
    assert client.data_to_send() == (
        b'c1 APPEND "Entw&APw-rfe" (\\Seen) " 3-Feb-2020 04:05:06 +0200" {5+}\r\nhello\r\nc2 NOOP\r\n'
    )
    with pytest.raises(LocalFault):
        client.more(b"!")


def test_a_refused_upload_takes_what_is_still_given_and_drops_it() -> None:
    client = greeted()
    tag = client.append("x", 5)
    client.data_to_send()
    client.receive(tag + b" NO [TRYCREATE] no\r\n")
    events_of(client)
    client.more(b"hello")
    client.command(b"NOOP")
    assert client.data_to_send() == b"c2 NOOP\r\n"


def test_nothing_may_be_said_within_an_upload() -> None:
    client = greeted()
    client.append("x", 5)
    with pytest.raises(LocalFault):
        client.command(b"NOOP")


def test_untagged_data_has_its_types() -> None:
    client = greeted()
    client.receive(
        b"* 3 EXISTS\r\n* 1 RECENT\r\n* 2 EXPUNGE\r\n* VANISHED (EARLIER) 1:3,7\r\n* FLAGS (\\Seen $x)\r\n"
        b'* LIST (\\HasChildren) "/" "Entw&APw-rfe" ("CHILDINFO" ("SUBSCRIBED"))\r\n* LSUB () NIL x\r\n'
        b"* STATUS x (MESSAGES 3 MAILBOXID (abc))\r\n* SEARCH 1 2 3\r\n* OK [UIDVALIDITY 7] fine\r\n"
    )
    assert events_of(client) == [
        heard.Exists(3),
        heard.OtherData(b"RECENT", (b"1",)),
        heard.Expunged(2),
        heard.Vanished(imap.UidSet.of([1, 2, 3, 7]), earlier=True),
        heard.OtherData(b"FLAGS", ((b"\\Seen", b"$x"),)),
        heard.ListData((b"\\HasChildren",), "/", "Entwürfe"),
        heard.ListData((), "", "x", is_lsub=True),
        heard.StatusData("x", {b"MESSAGES": b"3", b"MAILBOXID": (b"abc",)}),
        heard.SearchData((1, 2, 3)),
        heard.Remark(heard.Told(imap.Condition.OK, "fine", imap.Code(b"UIDVALIDITY", b"7"))),
    ]


def test_fetched_items_by_their_names() -> None:
    client = greeted()
    client.receive(
        b'* 12 FETCH (UID 7 FLAGS (\\Seen) BODY[HEADER.FIELDS (To "From")]<0> {5}\r\nTo: x '
        b'ENVELOPE ("a\\"b" NIL ((NIL NIL "u" "h"))) body[] "q")\r\n'
    )
    (found,) = events_of(client)
    assert (found.number, found.uid, found.flags) == (12, 7, (b"\\Seen",))
    assert found.items[b'BODY[HEADER.FIELDS (TO "FROM")]<0>'] == b"To: x"
    assert found.items[b"ENVELOPE"] == (b'a"b', None, ((None, None, b"u", b"h"),))
    assert found.items[b"BODY[]"] == b"q"


def test_a_large_literal_comes_in_pieces() -> None:
    client = imap.ImapClient(imap.ClientLimits(literal=10), is_greeted=True)
    client.receive(b"* 1 FETCH (UID 7 BODY[] {20}\r\n0123456789")
    found = events_of(client)
    client.receive(b"abcdefghij FLAGS () BINARY[1] ~{11}\r\n01234567890)\r\n")
    found += events_of(client)
    assert b"".join(e.data for e in found if isinstance(e, heard.LiteralPiece) and e.item == b"BODY[]") == (
        b"0123456789abcdefghij"
    )
    assert [event.is_last for event in found[:-1]] == [False, True, True]
    assert found[-1].items == {
        b"UID": b"7",
        b"BODY[]": heard.STREAMED,
        b"FLAGS": (),
        b"BINARY[1]": heard.STREAMED,
    }


def test_literals_that_are_no_message_are_not_endless() -> None:
    client = imap.ImapClient(imap.ClientLimits(literal=10), is_greeted=True)
    client.receive(b"* LIST () NIL {20}\r\n")
    assert isinstance(events_of(client)[-1], heard.Lost)


def test_authenticate_and_its_challenges() -> None:
    client = greeted(b"IMAP4rev1 SASL-IR")
    tag = client.authenticate("PLAIN", b"\0a\0b")
    assert client.data_to_send() == tag + b" AUTHENTICATE PLAIN AGEAYg==\r\n"
    client.receive(b"+ d2hvPw==\r\n")
    assert events_of(client) == [heard.Challenged(b"who?")]
    client.respond(b"me")
    client.respond(None)
    assert client.data_to_send() == b"bWU=\r\n*\r\n"
    client.receive(tag + b" NO no\r\n")
    events_of(client)
    with pytest.raises(LocalFault):
        client.respond(b"")


def test_utf8_names_once_they_are_switched_on() -> None:
    client = greeted()
    client.enable("UTF8=ACCEPT")
    client.select("gr\u00fcn")
    client.receive(b"* ENABLED UTF8=ACCEPT\r\n")
    events_of(client)
    client.select("gr\u00fcn", read_only=True, parameters=b"(CONDSTORE)")
    assert client.data_to_send().splitlines()[1:] == [
        b'c2 SELECT "gr&APw-n"',
        'c3 EXAMINE "grün" (CONDSTORE)'.encode(),
    ]


def test_the_other_commands_read_as_the_server_reads_them() -> None:
    client = greeted()
    uids = imap.UidSet.of([1, 2, 5])
    client.list("", "*", returns=b"RETURN (SUBSCRIBED)")
    client.lsub("", "*")
    client.status("x y", [b"MESSAGES"])
    client.on_mailbox(b"RENAME", "a", "b")
    client.fetch(uids, [b"UID", b"BODY.PEEK[]"], modifier=b"(CHANGEDSINCE 5)")
    client.store(uids, b"+FLAGS.SILENT", [b"\\Seen"])
    client.search(b"UNSEEN")
    client.copy(uids, "x", move=True)
    client.expunge()
    client.expunge(uids)
    client.idle()
    client.done()
    client.starttls()
    client.logout()
    assert client.data_to_send() == (
        b'c1 LIST "" "*" RETURN (SUBSCRIBED)\r\nc2 LSUB "" "*"\r\nc3 STATUS "x y" (MESSAGES)\r\n'
        b'c4 RENAME "a" "b"\r\nc5 UID FETCH 1:2,5 (UID BODY.PEEK[]) (CHANGEDSINCE 5)\r\n'
        b"c6 UID STORE 1:2,5 +FLAGS.SILENT (\\Seen)\r\nc7 UID SEARCH UNSEEN\r\n"
        b'c8 UID MOVE 1:2,5 "x"\r\nc9 EXPUNGE\r\nc10 UID EXPUNGE 1:2,5\r\nc11 IDLE\r\nDONE\r\n'
        b"c12 STARTTLS\r\nc13 LOGOUT\r\n"
    )


ANSWERS = (
    b"* OK [CAPABILITY IMAP4rev1] hi\r\n* 1 FETCH (UID 7 BODY[] {12}\r\nhello\r\nhello ENVELOPE (NIL (NIL)))\r\n"
    b'* LIST () "/" {5}\r\na\r\nbc\r\n+ go\r\nc1 OK [X "]"] done\r\n* BYE\r\n'
)


@given(st.lists(st.integers(0, len(ANSWERS)), max_size=6))
def test_any_split_of_the_octets_gives_the_same_events(places: list[int]) -> None:
    whole, split = imap.ImapClient(), imap.ImapClient()
    whole.receive(ANSWERS)
    found = []
    cuts = [0, *sorted(places), len(ANSWERS)]
    for start, end in itertools.pairwise(cuts):
        if start != end:
            split.receive(ANSWERS[start:end])
            found += events_of(split)
    assert found == events_of(whole)


def talk(client: imap.ImapClient, server: imap.ImapServer, seen: list[Any]) -> list[Any]:
    """Let both talk until neither has anything to say; what the client heard."""
    found: list[Any] = []
    while True:
        while (event := server.next_event()) is not NEED_DATA and event is not PAUSED:
            seen.append(event)
            if event.wants_answer:
                alone = isinstance(event, imap.Received) and not isinstance(event.command, imap.Append)
                server.answer(imap.OK if alone or isinstance(event, imap.UploadEnd) else None)
        said = server.data_to_send()
        client.receive(said) if said else None
        found += events_of(client)
        asked = client.data_to_send()
        server.receive(asked) if asked else None
        if not said and not asked:
            return found


@pytest.mark.parametrize("literal_plus", [True, False])
def test_client_and_server_understand_each_other(literal_plus: bool) -> None:
    server = imap.ImapServer(imap.ImapOptions(hostname="x", offers_plaintext=True, literal_plus=literal_plus))
    client, seen = imap.ImapClient(), list[Any]()
    talk(client, server, seen)
    client.login("\u00e4nn", 'a"b\\c')
    client.append("Entw\u00fcrfe", 10_000, [b"\\Draft"])
    client.more(b"x" * 10_000)
    client.select("INBOX")
    client.fetch(imap.UidSet.of(range(1, 9)), [b"BODY.PEEK[HEADER.FIELDS (To)]"])
    found = talk(client, server, seen)
    assert [event.told.is_ok for event in found if isinstance(event, heard.Completed)] == [True] * 4
    commands = [event.command for event in seen if isinstance(event, imap.Received)]
    assert commands[:2] == [imap.Login("änn", 'a"b\\c'), imap.Append(imap.MailboxName("Entwürfe"))]
    assert sum(len(event.data) for event in seen if isinstance(event, imap.LiteralChunk)) == 10_000
    assert isinstance(commands[3], imap.Fetch)
