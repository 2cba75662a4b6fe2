"""Untagged responses as octets."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postel.proto import NEED_DATA, imap
from postel.proto.imap import FetchAtom, Partial, UidSet, codes, parse_uid_set
from postel.proto.imap import client_values as heard
from postel.proto.imap import responses as say


def client_hears(octets: bytes) -> list[object]:
    client = imap.ImapClient(is_greeted=True)
    client.receive(octets)
    found = []
    while (event := client.next_event()) is not NEED_DATA:
        found.append(event)
    return found


def test_lines_of_many_messages_at_once() -> None:
    assert say.fetch_lines((FetchAtom.FLAGS,), [1, 2], [b"\\Seen", b""]) == (
        b"* 1 FETCH (FLAGS (\\Seen))\r\n* 2 FETCH (FLAGS ())\r\n"
    )
    items = (FetchAtom.UID, FetchAtom.RFC822_SIZE, FetchAtom.MODSEQ, b"PREVIEW %b")
    assert say.fetch_lines(items, [7], [9], [100], [5], [b'"x"']) == (
        b'* 7 FETCH (UID 9 RFC822.SIZE 100 MODSEQ (5) PREVIEW "x")\r\n'
    )
    assert say.fetch_lines((FetchAtom.FLAGS,), [9], [b""], uid_only=True) == b"* 9 UIDFETCH (FLAGS ())\r\n"


def test_columns_are_of_one_length() -> None:
    with pytest.raises(ValueError, match="shorter"):
        say.fetch_lines((FetchAtom.UID,), [1, 2], [1])


def test_one_line_around_a_literal() -> None:
    line = say.fetch_begin(3) + b"UID 5 BODY[] " + say.literal_head(2) + b"hi" + say.FETCH_END
    assert line == b"* 3 FETCH (UID 5 BODY[] {2}\r\nhi)\r\n"
    assert say.fetch_begin(5, uid_only=True) == b"* 5 UIDFETCH ("


@given(st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2100, 1, 1)), st.integers(-840, 840))
def test_internal_dates_read_as_they_are_written(moment: datetime.datetime, zone_minutes: int) -> None:
    zone = datetime.timezone(datetime.timedelta(minutes=zone_minutes))
    moment = moment.replace(tzinfo=zone, microsecond=0)
    written = say.internal_date(moment)
    assert len(written) == 26
    assert imap.Cursor(b'"%b"' % written, imap.Reading()).date_time() == moment


def test_days_have_a_blank_before_one_digit() -> None:
    assert say.internal_dates([0, 86400 * 9 + 1]) == [
        b" 1-Jan-1970 00:00:00 +0000",
        b"10-Jan-1970 00:00:01 +0000",
    ]


@given(st.binary(max_size=50))
@example(b"a}")
def test_strings_read_as_they_are_written(octets: bytes) -> None:
    for written in (say.string(octets), say.astring(octets), say.nstring(octets)):
        (found,) = client_hears(b"* X " + written + b"\r\n")
        assert found == heard.OtherData(b"X", (octets,))


def test_how_strings_are_written() -> None:
    assert say.string(b'a"b\\') == b'"a\\"b\\\\"'
    assert say.string(b"a\r\nb") == b"{4}\r\na\r\nb"
    assert say.string("ü".encode()) == b"{2}\r\n\xc3\xbc"
    assert say.text_string("ü", is_utf8=True) == b'"\xc3\xbc"'
    assert say.literal(b"a\0") == b"~{2}\r\na\0"
    assert say.astring(b"nil") == b'"nil"'
    assert say.astring(b"a]b") == b"a]b"
    assert say.nstring(None) == b"NIL"
    assert say.string(b"x" * 1001).startswith(b"{1001}\r\n")


def test_what_is_told_of_a_mailbox() -> None:
    assert say.exists(3) + say.recent(0) == b"* 3 EXISTS\r\n* 0 RECENT\r\n"
    assert say.expunged([5, 3]) == b"* 5 EXPUNGE\r\n* 3 EXPUNGE\r\n"
    assert say.vanished(UidSet.of([1, 2, 9]), earlier=True) == b"* VANISHED (EARLIER) 1:2,9\r\n"
    assert say.vanished(UidSet.of([1])) == b"* VANISHED 1\r\n"
    assert say.flags([b"\\Seen", b"$x"]) == b"* FLAGS (\\Seen $x)\r\n"


def test_listings() -> None:
    assert (
        say.listing([b"\\HasChildren"], "/", "grün", is_utf8=False)
        == b'* LIST (\\HasChildren) "/" gr&APw-n\r\n'
    )
    assert say.listing([], "", "grün", is_utf8=True) == '* LIST () NIL "grün"\r\n'.encode()
    assert say.listing([], "/", "b", is_utf8=False, child_info=[b"SUBSCRIBED"], old_name="a b") == (
        b'* LIST () "/" b ("CHILDINFO" ("SUBSCRIBED") "OLDNAME" ("a b"))\r\n'
    )
    assert say.root("/") == b'* LIST (\\Noselect) "/" ""\r\n'
    assert say.lsub([], "/", "x y", is_utf8=False) == b'* LSUB () "/" "x y"\r\n'


def test_status_and_namespace() -> None:
    values = {imap.StatusItem.MESSAGES: 3, imap.StatusItem.MAILBOXID: "F1", imap.StatusItem.APPENDLIMIT: None}
    assert say.status("INBOX", values, is_utf8=False) == (
        b"* STATUS INBOX (MESSAGES 3 MAILBOXID (F1) APPENDLIMIT NIL)\r\n"
    )
    assert say.namespace([("", "/")], [("Other Users/", "/")], [], is_utf8=False) == (
        b'* NAMESPACE (("" "/")) (("Other Users/" "/")) NIL\r\n'
    )


def test_what_was_found() -> None:
    assert say.search([]) == b"* SEARCH\r\n"
    assert say.search([2, 84], 917162500) == b"* SEARCH 2 84 (MODSEQ 917162500)\r\n"
    assert say.sort([5, 3]) == b"* SORT 5 3\r\n"
    found = say.Found(
        min=2, max=9, count=3, all=b"2,8:9", partial=(Partial(-1, -10), b""), modseq=5, relevancy=[4, 99]
    )
    assert say.esearch(b"a1", found, uid=True) == (
        b'* ESEARCH (TAG "a1") UID MIN 2 MAX 9 COUNT 3 ALL 2,8:9 PARTIAL (-1:-10 NIL) RELEVANCY (4 99) MODSEQ 5\r\n'
    )
    changes = say.Found(added=[(1, b"43"), (0, b"44:45")], removed=[(0, b"7")])
    source = say.Source("x y", 7, False)
    assert say.esearch(b"a", changes, uid=False, source=source) == (
        b'* ESEARCH (TAG "a" MAILBOX "x y" UIDVALIDITY 7) ADDTO (1 43 0 44:45) REMOVEFROM (0 7)\r\n'
    )
    assert say.esearch(None, say.Found(count=0), uid=False) == b"* ESEARCH COUNT 0\r\n"


@given(st.lists(st.integers(1, 30), unique=True))
def test_a_set_in_its_order(numbers: list[int]) -> None:
    written = say.ordered_set(numbers)
    ranges = [part.partition(b":") for part in written.split(b",") if part]
    read = [n for low, _, high in ranges for n in range(int(low), int(high or low) + 1)]
    assert read == numbers
    assert parse_uid_set(say.ascending_set(numbers)) == UidSet.of(numbers) if numbers else not written


def test_conversations() -> None:
    forest: list[say.Node] = [
        (2, []),
        (3, [(6, [(4, [(23, [])]), (44, [(7, [(96, [])])])])]),
        (None, [(3, []), (5, [])]),
    ]
    assert say.thread(forest) == b"* THREAD (2)(3 6 (4 23)(44 7 96))((3)(5))\r\n"
    assert say.thread([]) == b"* THREAD\r\n"
    assert say.thread([(None, [(8, [])])]) == b"* THREAD (8)\r\n"


def test_a_conversation_as_long_as_you_like() -> None:
    node: say.Node = (1, [])
    for number in range(2, 30_000):
        node = (number, [node, (None, [])] if number % 2 else [node])
    assert say.thread([node]).startswith(b"* THREAD (29999 (29998 29997 ")


def test_rights_and_quotas() -> None:
    assert say.acl("INBOX", {"ann": "lrs", "x y": ""}, is_utf8=False) == b'* ACL INBOX ann lrs "x y" ""\r\n'
    assert say.list_rights("INBOX", "ann", "la", ["r", "te"], is_utf8=False) == (
        b"* LISTRIGHTS INBOX ann la r te d\r\n"
    )
    assert say.my_rights("INBOX", "lrs", is_utf8=False) == b"* MYRIGHTS INBOX lrs\r\n"
    assert (
        say.quota("", [("STORAGE", 10, 512), ("MESSAGE", 1, 9)])
        == b'* QUOTA "" (STORAGE 10 512 MESSAGE 1 9)\r\n'
    )
    assert say.quota_root("INBOX", [""], is_utf8=False) == b'* QUOTAROOT INBOX ""\r\n'


def test_annotations_and_urls() -> None:
    values = [("/shared/comment", b"hi"), ("/private/x", None), ("/private/b", b"\0")]
    assert say.metadata(None, values, is_utf8=False) == (
        b'* METADATA "" (/shared/comment "hi" /private/x NIL /private/b ~{1}\r\n\0)\r\n'
    )
    assert say.metadata_changed("INBOX", ["/a", "/b"], is_utf8=False) == b"* METADATA INBOX /a /b\r\n"
    assert say.generated_urls(["imap://x"]) == b'* GENURLAUTH "imap://x"\r\n'
    assert say.fetched_url("imap://x", b"hi") == b'* URLFETCH "imap://x" {2}\r\nhi\r\n'
    assert say.fetched_url("imap://x", None) == b'* URLFETCH "imap://x" NIL\r\n'


def test_what_is_told_of_the_session() -> None:
    assert say.untagged("Still here", codes.in_progress(b"a", 4, None)) == (
        b'* OK [INPROGRESS ("a" 4 NIL)] Still here\r\n'
    )
    assert say.capability(["IMAP4rev1", "IDLE"]) == b"* CAPABILITY IMAP4rev1 IDLE\r\n"
    assert say.enabled([]) + say.enabled(["QRESYNC"]) == b"* ENABLED\r\n* ENABLED QRESYNC\r\n"
    assert say.server_id({"name": "Postel"}) + say.server_id({}) == b'* ID ("name" "Postel")\r\n* ID NIL\r\n'
    assert say.language(["en", "de"]) == b'* LANGUAGE ("en" "de")\r\n'
    assert say.comparator("i;ascii-casemap", ["i;octet"]) == b'* COMPARATOR "i;ascii-casemap" ("i;octet")\r\n'


def test_response_codes() -> None:
    uids = UidSet.of([4, 5])
    assert [
        code.format()
        for code in (
            codes.permanent_flags([b"\\Seen", b"\\*"]),
            codes.bad_charset(["UTF-8"]),
            codes.append_uid(7, uids),
            codes.copy_uid(7, uids, UidSet.of([1, 2])),
            codes.modified(uids),
            codes.mailbox_id("F1"),
            codes.bad_url('a"]b'),
            codes.message_limit(1000, 5),
            codes.message_limit(1000),
            codes.metadata_long_entries(2),
            codes.in_progress(),
            codes.in_progress(b"a]", 4, 9),
            codes.unseen(3),
        )
    ] == [
        b"PERMANENTFLAGS (\\Seen \\*)",
        b"BADCHARSET (UTF-8)",
        b"APPENDUID 7 4:5",
        b"COPYUID 7 4:5 1:2",
        b"MODIFIED 4:5",
        b"MAILBOXID (F1)",
        b'BADURL "a\\"%5Db"',
        b"MESSAGELIMIT 1000 5",
        b"MESSAGELIMIT 1000",
        b"METADATA LONGENTRIES 2",
        b"INPROGRESS",
        b"INPROGRESS (NIL 4 9)",  # RFC 9585 4
        b"UNSEEN 3",
    ]


def test_a_result_is_one_line_whatever_its_text_holds() -> None:
    assert imap.NO.saying("a\r\nb", codes.NOPERM).format(b"t") == b"t NO [NOPERM] a  b\r\n"
    assert imap.OK.format() == b"* OK Done\r\n"
