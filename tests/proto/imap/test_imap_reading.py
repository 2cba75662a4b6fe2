"""Search programs by themselves, codes, and responses that are none."""

from __future__ import annotations

import pytest

from postel.mail import BadSyntax
from postel.proto import NEED_DATA, imap
from postel.proto.imap import client_values as heard
from postel.proto.imap import codes

READING = imap.Reading(frozenset({"FILTERS"}))


def test_a_search_program_stands_by_itself() -> None:
    found = imap.parse_search_program(b"UNSEEN FILTER other", READING)
    assert found == imap.And((imap.Not(imap.HasFlag(b"\\Seen")), imap.Filtered("other")))
    latin = imap.parse_search_program(b"CHARSET ISO-8859-1 SUBJECT {1+}\r\n\xfc", READING)
    assert latin == imap.InHeader(b"Subject", "ü")


@pytest.mark.parametrize("text", [b"", b"NONSENSE", b"ALL)", b"CHARSET KLINGON ALL", b"SUBJECT {3}\r\nx"])
def test_what_is_no_search_program(text: bytes) -> None:
    with pytest.raises(imap.Refused):
        imap.parse_search_program(text, READING)


@pytest.mark.parametrize(
    "line",
    [
        b"* FETCH\r\n",
        b"* 1 FETCH x\r\n",
        b"* 1 FETCH (UID\r\n",
        b"* 1 FETCH (UID 1 =)\r\n",
        b"* LIST x\r\n",
        b"* STATUS x\r\n",
        b"* VANISHED *\r\n",
        b"* VANISHED (x)\r\n",
        b"* X (a\r\n",
        b'* X "a\r\n',
        b"* X \0\r\n",
        b"* X " + b"(" * 300 + b"\r\n",
        b"c1\r\n",
        b"c1 FINE\r\n",
        b"\r\n",
        b"*\r\n",
    ],
)
def test_a_response_that_is_none_ends_the_session(line: bytes) -> None:
    client = imap.ImapClient(is_greeted=True)
    client.receive(line)
    events = []
    while (event := client.next_event()) is not NEED_DATA:
        events.append(event)
    assert isinstance(events[-1], heard.Lost) or line == b"* FETCH\r\n"
    assert client.over or line == b"* FETCH\r\n"


def test_names_in_any_coding_are_heard() -> None:
    client = imap.ImapClient(is_greeted=True)
    client.receive(b'* LIST () "/" &Jjo!\r\n* LIST () "/" "gr\xc3\xbcn"\r\n* 3 NEWS\r\n* CAPABILITY IDLE\r\n')
    assert client.next_event() == heard.ListData((), "/", "&Jjo!")
    assert client.next_event() == heard.ListData((), "/", "grün")
    assert client.next_event() == heard.OtherData(b"NEWS", (b"3",))
    assert client.next_event() == heard.CapabilityData(frozenset({"IDLE"}))


def test_a_server_that_goes_away_is_lost() -> None:
    client = imap.ImapClient(is_greeted=True)
    client.receive(b"")
    assert client.next_event() == heard.Lost("the server closed the connection")
    client.receive(b"more")
    assert client.next_event() is NEED_DATA


def test_literals_have_a_limit_together() -> None:
    client = imap.ImapClient(imap.ClientLimits(literal=10, literals=15), is_greeted=True)
    client.receive(b"* 1 FETCH (A {10}\r\n0123456789 B {10}\r\n")
    assert client.next_event() == heard.Lost("the server sends too large a response")


def test_tls_makes_the_client_forget() -> None:
    client = imap.ImapClient(is_greeted=True)
    client.receive(b"* CAPABILITY STARTTLS\r\n")
    client.next_event()
    client.receive(b"* CAPABILITY AUTH=PLAIN\r\n")
    client.tls_started()
    assert client.next_event() is NEED_DATA
    assert not client.capabilities


def test_more_response_codes() -> None:
    assert [
        code.format()
        for code in (
            codes.uid_next(7),
            codes.uid_validity(8),
            codes.highest_modseq(9),
            codes.append_limit(10),
            codes.bad_event(["MessageNew"]),
            codes.no_update(b"a1"),
            codes.undefined_filter("x"),
            codes.metadata_max_size(5),
            codes.referral("imap://h/"),
            codes.url_mech("INTERNAL"),
        )
    ] == [
        b"UIDNEXT 7",
        b"UIDVALIDITY 8",
        b"HIGHESTMODSEQ 9",
        b"APPENDLIMIT 10",
        b"BADEVENT (MessageNew)",
        b'NOUPDATE "a1"',
        b"UNDEFINED-FILTER x",
        b"METADATA MAXSIZE 5",
        b"REFERRAL imap://h/",
        b"URLMECH INTERNAL",
    ]


def test_names_are_utf8_where_they_are() -> None:
    with pytest.raises(BadSyntax):
        imap.parse_name(b"\xff", is_utf8=True)
