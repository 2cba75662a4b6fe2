"""BDAT from our client to our server: content comes as it was, however it and the octets on the wire are cut."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postel.proto import NEED_DATA, PAUSED
from postel.proto.smtp import Chunk, ChunkEnd, DataEnd, Offered, ServerOptions, SmtpLimits, SmtpServer
from postel.proto.smtp.chunk_writer import CHUNK_BYTES, ChunkWriter
from postel.proto.smtp.chunks import ChunkReader
from postel.proto.smtp.content import ContentTrouble

HELLO = b"EHLO a.example\r\nMAIL FROM:<ann@example.net>%b\r\nRCPT TO:<bob@example.org>\r\n"
pieces = st.lists(
    st.sampled_from([b"\r\n", b"\r", b"\n", b".", b".\r\n", b"line\r\n", b"\xff", b"a" * 30, b""]),
    max_size=12,
)


def received(wire: bytes, cuts: list[int]) -> tuple[bytes, list[Any]]:
    """The content that a server sees of octets cut like this, and the events beside it."""
    server = SmtpServer(ServerOptions(hostname="mx.example.org"))
    events: list[Any] = []
    start = 0
    for end in [*sorted(cut % (len(wire) + 1) for cut in cuts), len(wire)]:
        run(server, events)
        if wire[start:end]:
            server.receive(wire[start:end])
        start = end
    run(server, events)
    content = b"".join(event.data for event in events if isinstance(event, Chunk))
    return content, [event for event in events if not isinstance(event, Chunk)]


def run(server: SmtpServer, events: list[Any]) -> None:
    while (event := server.next_event()) is not NEED_DATA and event is not PAUSED:
        events.append(event)
        server.answer()


@settings(max_examples=200)
@given(pieces, st.lists(st.integers(0, 10_000), max_size=8), st.lists(st.integers(1, 9), max_size=6))
def test_binary_content_is_the_same_however_it_is_cut(
    parts: list[bytes], cuts: list[int], sizes: list[int]
) -> None:
    whole, wire, place = b"".join(parts), HELLO % b" BODY=BINARYMIME", 0
    for size in sizes:
        chunk = whole[place : place + size]
        wire += b"BDAT %d\r\n%b" % (len(chunk), chunk)
        place += len(chunk)
    wire += b"BDAT %d LAST\r\n%b" % (len(whole) - place, whole[place:])
    content, events = received(wire, cuts)
    assert content == whole
    assert isinstance(events[-1], DataEnd) and events[-1].size_bytes == len(whole)
    assert sum(isinstance(event, ChunkEnd) for event in events) == len(sizes)


@settings(max_examples=200)
@given(pieces, st.lists(st.integers(0, 10_000), max_size=8))
def test_our_server_takes_whatever_our_client_makes_of_text(parts: list[bytes], cuts: list[int]) -> None:
    writer = ChunkWriter(is_binary=False)
    wire = HELLO % b"" + b"".join(map(writer.write, parts)) + writer.end()
    content, events = received(wire, cuts)
    assert isinstance(events[-1], DataEnd)
    lines = b"".join(parts).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    expected = lines.replace(b"\n", b"\r\n")
    assert content == (expected if not expected or expected.endswith(b"\r\n") else expected + b"\r\n")


@settings(max_examples=200)
@given(pieces, st.lists(st.integers(0, 10_000), max_size=8))
def test_what_is_wrong_with_text_does_not_depend_on_the_cuts(parts: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(parts)
    bounds = [0, *sorted(cut % (len(whole) + 1) for cut in cuts), len(whole)]
    reader = ChunkReader(SmtpLimits(), is_binary=False)
    content = b""
    for place, (start, end) in enumerate(pairwise(bounds)):
        reader.begin(end - start, is_last=place == len(bounds) - 2)
        buffer = bytearray(whole[start:end] + b"QUIT\r\n")
        content += reader.read(buffer)
        assert buffer == b"QUIT\r\n"
    pairs = whole.count(b"\r\n")
    is_bare = whole.count(b"\r") != pairs or whole.count(b"\n") != pairs
    assert reader.trouble is (ContentTrouble.BARE_NEWLINE if is_bare else None)
    assert is_bare or content == whole


def test_large_content_goes_out_in_chunks_of_a_sensible_size() -> None:
    writer = ChunkWriter(is_binary=True)
    out = [writer.write(bytes(100_000)) for _ in range(9)]
    assert [piece[: piece.index(b"\r")] for piece in out if piece] == [b"BDAT 300000"] * 3
    assert writer.end() == b"BDAT 0 LAST\r\n"
    assert CHUNK_BYTES == 262_144


def test_nothing_is_written_once_a_chunk_was_refused() -> None:
    writer = ChunkWriter(is_binary=True)
    writer.is_refused = True
    assert writer.write(bytes(300_000)) == b""


@pytest.mark.parametrize(
    ("texts", "limit"),
    [
        (("RCPTMAX=20",), 20),
        (("mailmax=3", "rcptmax=07"), 7),
        (("RCPTMAX=0",), None),
        (("RCPTMAX=x",), None),
        ((), None),
    ],
)
def test_a_limit_is_read_where_it_is_one(texts: tuple[str, ...], limit: int | None) -> None:
    assert Offered({"LIMITS": texts}).limit("RCPTMAX") == limit
