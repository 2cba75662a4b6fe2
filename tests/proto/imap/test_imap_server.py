"""The server machine as its shell sees it."""

from __future__ import annotations

import itertools
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import LocalFault
from postel.proto import NEED_DATA, PAUSED, imap
from postel.proto.imap import capabilities

OPTIONS = imap.ImapOptions(
    hostname="imap.example.org",
    capabilities=(
        "IMAP4rev2",
        "IDLE",
        "MULTIAPPEND",
        "CATENATE",
        "COMPRESS=DEFLATE",
        "UNAUTHENTICATE",
        "APPENDLIMIT",
    ),
    offers_plaintext=True,
    mechanisms=("PLAIN",),
)


def next_of(talk: imap.ImapServer) -> Any:
    return talk.next_event()


def logged_in(options: imap.ImapOptions = OPTIONS) -> imap.ImapServer:
    talk = imap.ImapServer(options)
    assert isinstance(next_of(talk), imap.Connected)
    talk.answer(imap.Result(imap.Condition.PREAUTH, "Welcome"))
    talk.data_to_send()
    return talk


def received(talk: imap.ImapServer, data: bytes) -> Any:
    talk.receive(data)
    return next_of(talk)


def test_preauth_greets_whom_we_know() -> None:
    talk = imap.ImapServer(OPTIONS)
    next_of(talk)
    talk.answer(imap.Result(imap.Condition.PREAUTH))
    assert talk.data_to_send().startswith(b"* PREAUTH [CAPABILITY IMAP4rev1 IMAP4rev2 IDLE")
    assert talk.is_logged_in
    assert talk.state is imap.State.AUTHENTICATED


def test_bye_turns_away() -> None:
    talk = imap.ImapServer(OPTIONS)
    next_of(talk)
    talk.answer(imap.BYE.saying("Not now", imap.codes.UNAVAILABLE))
    assert next_of(talk) == imap.Closed(imap.Ending.REFUSED)
    assert talk.over
    assert talk.data_to_send() == b"* BYE [UNAVAILABLE] Not now\r\n"
    assert next_of(talk) is NEED_DATA


def test_nothing_is_looked_at_while_an_answer_is_owed() -> None:
    talk = logged_in()
    received(talk, b"a NOOP\r\nb NOOP\r\n" + b"x" * 70_000)
    assert next_of(talk) is PAUSED
    assert talk.is_crowded
    talk.send(imap.responses.exists(4))
    talk.answer()
    assert talk.data_to_send() == b"* 4 EXISTS\r\na OK NOOP completed\r\n"
    assert next_of(talk).tag == b"b"


def test_much_is_due() -> None:
    talk = logged_in()
    assert not talk.is_full
    talk.send(b"x" * 70_000)
    assert talk.is_full
    talk.data_to_send()
    assert not talk.is_full


def test_an_answer_must_be_owed_and_enough() -> None:
    talk = logged_in()
    talk.answer()
    with pytest.raises(LocalFault):
        talk.answer(imap.OK)
    received(talk, b"a LIST {0+}\r\n *\r\n")
    with pytest.raises(LocalFault):
        talk.answer()


def test_nothing_is_said_behind_the_bye_of_a_session_that_is_shut_down() -> None:
    talk = logged_in()
    received(talk, b'a LIST "" *\r\n')
    talk.data_to_send()
    talk.shut_down(imap.BYE.saying("The mailbox is gone"))
    talk.send(b"* 1 EXISTS\r\n")
    talk.answer(imap.OK)
    assert talk.data_to_send() == b"* BYE The mailbox is gone\r\n"


def test_what_was_read_ahead_of_an_upload_goes_with_the_session() -> None:
    talk = logged_in()
    received(talk, b"a APPEND x {5+}\r\nhello\r\n")
    talk.shut_down()
    assert isinstance(talk.next_event(), imap.UploadAborted)
    assert isinstance(talk.next_event(), imap.Closed)


def test_a_challenge_answers_authenticate_only() -> None:
    talk = logged_in()
    received(talk, b"a NOOP\r\n")
    with pytest.raises(LocalFault):
        talk.challenge(b"")


def test_an_upload_is_ok_at_its_end_only() -> None:
    talk = logged_in()
    received(talk, b"a APPEND x {5}\r\n")
    with pytest.raises(LocalFault):
        talk.answer(imap.OK)


def test_a_large_message_is_never_held() -> None:
    talk = logged_in()
    received(talk, b"a APPEND x {1000000}\r\n")
    talk.answer()
    assert next_of(talk).size == 1_000_000
    talk.answer()
    size = 0
    for _ in range(10):
        assert next_of(talk) is NEED_DATA
        talk.receive(b"x" * 100_000)
        while isinstance(event := next_of(talk), imap.LiteralChunk):
            assert len(event.data) <= 65536
            size += len(event.data)
            if size == 1_000_000:
                break
    assert isinstance(next_of(talk), imap.MessageEnd)
    assert isinstance(received(talk, b"\r\n"), imap.UploadEnd)
    talk.answer(imap.OK.saying("", imap.codes.append_uid(7, imap.UidSet.of([4]))))
    assert talk.data_to_send() == b"+ Ready for the literal\r\na OK [APPENDUID 7 4] APPEND completed\r\n"


def test_an_upload_may_be_refused_after_any_chunk() -> None:
    talk = logged_in()
    received(talk, b"a APPEND x {10+}\r\n")
    talk.answer()
    next_of(talk)
    talk.answer()
    assert isinstance(received(talk, b"0123"), imap.LiteralChunk)
    talk.answer(imap.NO.saying("The disk is full", imap.codes.SERVERBUG))
    assert talk.data_to_send() == b""
    assert received(talk, b"456789 {3+}\r\nabc\r\nb NOOP\r\n").tag == b"b"
    assert talk.data_to_send() == b"a NO [SERVERBUG] The disk is full\r\n"


def test_too_many_literals_among_the_arguments_of_an_upload() -> None:
    talk = logged_in(replace(OPTIONS, limits=imap.ImapLimits(faults_before_close=100)))
    talk.receive(b"a APPEND x CATENATE (" + b" ".join([b"URL {2+}\r\n/x"] * 70) + b")\r\nb NOOP\r\n")
    events = []
    while (event := next_of(talk)) is not NEED_DATA and event is not PAUSED:
        events.append(event)
    assert isinstance(events[-1], imap.Received)
    assert talk.data_to_send() == b"a BAD Too many literals\r\n"


def test_shutting_down_ends_even_what_is_in_hand() -> None:
    talk = logged_in()
    received(talk, b"a APPEND x {5+}\r\n")
    talk.answer()
    next_of(talk)
    talk.answer()
    received(talk, b"abc")
    assert not talk.is_between_commands
    talk.shut_down()
    assert [next_of(talk), next_of(talk)] == [imap.UploadAborted(), imap.Closed(imap.Ending.REFUSED)]
    assert talk.data_to_send() == b"* BYE [UNAVAILABLE] The server is shutting down\r\n"
    talk.receive(b"de\r\n")
    talk.timed_out()
    assert talk.over


def test_news_may_be_told_while_idling() -> None:
    talk = logged_in()
    received(talk, b"a IDLE\r\n")
    talk.answer()
    assert talk.is_idling
    assert next_of(talk) is NEED_DATA
    talk.send(imap.responses.exists(5))
    assert talk.data_to_send() == b"+ Idling\r\n* 5 EXISTS\r\n"
    assert isinstance(received(talk, b"done\r\n"), imap.IdleDone)
    assert not talk.is_idling


def test_timeouts_before_and_after_the_login() -> None:
    talk = imap.ImapServer(OPTIONS)
    assert talk.timeout_s == OPTIONS.limits.login_s
    assert logged_in().timeout_s == 1800.0


def test_a_mailbox_that_is_gone_is_deselected() -> None:
    talk = logged_in()
    received(talk, b"a SELECT x\r\n")
    talk.answer(imap.OK)
    assert talk.state is imap.State.SELECTED
    talk.deselect()
    assert talk.state is imap.State.AUTHENTICATED


def test_options_may_change_between_events() -> None:
    talk = logged_in()
    talk.options = replace(OPTIONS, capabilities=("IDLE", "ID"))
    talk.receive(b"a CAPABILITY\r\n")
    next_of(talk)
    talk.answer()
    assert b"* CAPABILITY IMAP4rev1 IDLE ID LITERAL+ SASL-IR ENABLE\r\n" in talk.data_to_send()


def test_tls_starts_only_when_asked_for() -> None:
    with pytest.raises(LocalFault):
        logged_in().tls_started(OPTIONS)


def deflater() -> Any:
    return zlib.compressobj(6, zlib.DEFLATED, -15)


def test_both_directions_are_deflated() -> None:
    talk = logged_in()
    received(talk, b"a COMPRESS DEFLATE\r\n")
    talk.answer()
    assert talk.data_to_send() == b"a OK COMPRESS completed\r\n"
    assert talk.is_compressed
    deflate, inflate = deflater(), zlib.decompressobj(-15)
    data = deflate.compress(b"b COMPRESS DEFLATE\r\nc NOOP\r\n") + deflate.flush(zlib.Z_SYNC_FLUSH)
    for octet in data:
        talk.receive(bytes([octet]))
        while (event := next_of(talk)) is not NEED_DATA:
            if event.wants_answer:
                talk.answer()
    assert inflate.decompress(talk.data_to_send()) == (
        b"b NO [COMPRESSIONACTIVE] Compression is active already\r\nc OK NOOP completed\r\n"
    )
    assert talk.data_to_send() == b""


def compressed(data: bytes) -> imap.ImapServer:
    talk = logged_in()
    received(talk, b"a COMPRESS DEFLATE\r\n")
    talk.answer()
    talk.receive(data)
    return talk


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x03\x00"])
def test_what_is_no_deflate_stream_ends_the_session(data: bytes) -> None:
    talk = compressed(data)
    assert isinstance(next_of(talk), imap.Misbehaved)
    assert next_of(talk) == imap.Closed(imap.Ending.FAULT)


def test_little_does_not_become_much() -> None:
    deflate = deflater()
    bomb = deflate.compress(b"x" * 50_000_000) + deflate.flush(zlib.Z_SYNC_FLUSH)
    talk = compressed(bomb)
    while not talk.over:
        assert next_of(talk) is not NEED_DATA
        assert len(talk._intake.inbox) <= 200_000


def test_who_idles_compressed_reads_one_stream() -> None:
    talk = logged_in()
    received(talk, b"a COMPRESS DEFLATE\r\n")
    talk.answer()
    talk.data_to_send()
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    told = b""
    for command in (b"b IDLE\r\n", b"DONE\r\n", b"c NOOP\r\n", b"d IDLE\r\n", b"DONE\r\n"):
        received(talk, deflate.compress(command) + deflate.flush(zlib.Z_SYNC_FLUSH))
        talk.answer()
        told += inflate.decompress(talk.data_to_send())
        talk.send(b"* 7 EXISTS\r\n" * 50)
        told += inflate.decompress(talk.data_to_send())
    assert told.count(b"* 7 EXISTS\r\n") == 250
    assert told.endswith(b"d OK IDLE completed\r\n" + b"* 7 EXISTS\r\n" * 50)


def test_commands_behind_compress_end_the_session() -> None:
    talk = logged_in()
    received(talk, b"a COMPRESS DEFLATE\r\nb NOOP\r\n")
    talk.answer()
    assert isinstance(next_of(talk), imap.Misbehaved)
    assert next_of(talk) == imap.Closed(imap.Ending.FAULT)


def test_every_command_of_the_table_has_its_words() -> None:
    for name, row in imap.COMMANDS.items():
        assert name == row.name == name.upper()
        assert row.states


def test_what_rev2_holds_is_understood_with_it() -> None:
    found = capabilities.understood(OPTIONS)
    assert {"MOVE", "ESEARCH", "BINARY", "UIDPLUS", "IMAP4REV2"} <= found
    assert "SORT" not in found


def test_limits_have_floors() -> None:
    with pytest.raises(ValueError, match="1800"):
        imap.ImapLimits(inactivity_s=60)
    with pytest.raises(ValueError, match="8192"):
        imap.ImapLimits(command=100)


SESSION = (
    b"a LOGIN {4}\r\nkitt {6+}\r\nsesame\r\nb SELECT x\r\nc APPEND {1+}\r\ny (\\Seen) {5}\r\nhello {3+}\r\nabc "
    b"CATENATE (URL /x TEXT {2+}\r\nhi)\r\nd BAD\r\ne APPEND y {4+}\r\na\0bc\r\nf AUTHENTICATE PLAIN\r\n"
    b"g IDLE\r\nDONE\r\nh APPEND y {9999+}\r\n" + b"x" * 9999 + b"\r\ni LOGOUT\r\n"
)
SMALL = replace(OPTIONS, limits=imap.ImapLimits(append=5000, swallow=10_000))


def play(pieces: list[bytes]) -> tuple[list[Any], bytes]:
    """What happens in words, chunks put together, and what is said."""
    talk = imap.ImapServer(SMALL)
    seen: list[Any] = []
    said = b""
    for piece in [*pieces, b""]:
        talk.receive(piece)
        while (event := next_of(talk)) is not NEED_DATA:
            if isinstance(event, imap.LiteralChunk) and seen and isinstance(seen[-1], imap.LiteralChunk):
                seen[-1] = imap.LiteralChunk(seen[-1].data + event.data)
            else:
                if isinstance(event, imap.UploadAborted) and isinstance(seen[-1], imap.LiteralChunk):
                    seen.pop()  # how much of it came before the fault is of no account
                seen.append(event)
            is_upload = isinstance(event, imap.Received) and isinstance(event.command, imap.Append)
            wants = isinstance(event, imap.Received | imap.UploadEnd) and not is_upload
            if event.wants_answer:
                alone = isinstance(event, imap.Received) and isinstance(
                    event.command, imap.Idle | imap.Logout
                )
                talk.answer(imap.OK if wants and not alone else None)
        said += talk.data_to_send()
    chunks = b"/".join(event.data for event in seen if isinstance(event, imap.LiteralChunk))
    return [*map(str, seen), chunks], said


@given(st.lists(st.integers(0, len(SESSION)), max_size=8))
def test_any_split_of_the_octets_gives_the_same_events(places: list[int]) -> None:
    cuts = [0, *sorted(places), len(SESSION)]
    pieces = [SESSION[a:b] for a, b in itertools.pairwise(cuts) if a != b]
    assert play(pieces) == play([SESSION])
