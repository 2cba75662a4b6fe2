"""Content made transparent: whatever goes in, the end of mail data comes out once."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.proto.smtp.dot_stuffing import DotStuffer


def stuff(*chunks: bytes) -> bytes:
    stuffer = DotStuffer()
    return b"".join(stuffer.stuff(chunk) for chunk in chunks) + stuffer.end()


def unstuff(wire: bytes) -> bytes:
    """RFC 5321 4.5.2, read by lines: five lines to compare with."""
    lines = wire.split(b"\r\n")
    end = lines.index(b".")
    assert lines[end + 1 :] == [b""]
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines[:end])


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b"", b".\r\n"),
        (b"hello\r\n", b"hello\r\n.\r\n"),
        (b"hello", b"hello\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"..\r\n.", b"...\r\n..\r\n.\r\n"),
        (b"a\r\n.b\r\n", b"a\r\n..b\r\n.\r\n"),
        (b"\r\n\r\n", b"\r\n\r\n.\r\n"),
    ],
)
def test_dots_at_line_starts_are_doubled(content: bytes, wire: bytes) -> None:
    assert stuff(content) == wire
    assert stuff(*(bytes([octet]) for octet in content)) == wire


lines = st.lists(st.sampled_from([b".", b"..", b"a", b"", b".a", b"a."]), max_size=8)


@given(lines, st.data())
def test_a_server_gets_back_what_went_in(parts: list[bytes], data: st.DataObject) -> None:
    content = b"".join(part + b"\r\n" for part in parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=6)))
    chunks = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    assert unstuff(stuff(*chunks)) == content


@given(
    st.lists(
        st.lists(st.sampled_from([b"\r", b"\n", b".", b"a", b"\0"]), max_size=8).map(b"".join), max_size=5
    )
)
def test_no_content_whatever_ends_the_data_early(chunks: list[bytes]) -> None:
    wire = stuff(*chunks)
    # even to a server that takes a bare CR or LF for a line end
    assert re.split(rb"\r\n|\r|\n", wire).count(b".") == 1
    assert wire.endswith(b".\r\n")
    assert wire.count(b"\n") == wire.count(b"\r") == wire.count(b"\r\n")


@given(st.binary(), st.data())
def test_cutting_changes_nothing(content: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(content)))
    assert stuff(content[:cut], content[cut:]) == stuff(content)


@given(st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"a", b"."]), max_size=30), st.data())
def test_what_a_server_has_and_what_is_sent_then_are_the_content(
    pieces: list[bytes], data: st.DataObject
) -> None:
    """RFC 1845 3: whatever whole lines a server has of a content, stuffing from there gives the rest."""
    whole = _unstuffed(_stuffed(pieces, 0))
    lines = [index + 2 for index in range(len(whole)) if whole[index : index + 2] == b"\r\n"]
    offset = data.draw(st.sampled_from([0, *lines]))
    cut = data.draw(st.integers(1, 5))
    joined = b"".join(pieces)
    chunks = [joined[start : start + cut] for start in range(0, len(joined), cut)]
    assert whole[:offset] + _unstuffed(_stuffed(chunks, offset)) == whole


@given(st.binary(max_size=40), st.integers(1, 100))
def test_content_that_ends_before_the_offset_is_found_out(content: bytes, beyond: int) -> None:
    stuffer = DotStuffer(len(_unstuffed(_stuffed([content], 0))) + beyond)
    assert stuffer.stuff(content) + stuffer.end() == b".\r\n"
    assert stuffer.is_short


def _stuffed(chunks: list[bytes], skip: int) -> bytes:
    stuffer = DotStuffer(skip)
    return b"".join(map(stuffer.stuff, chunks)) + stuffer.end()


def _unstuffed(wire: bytes) -> bytes:
    """As a server reads it (RFC 5321 4.5.2)."""
    assert wire.endswith(b".\r\n")
    return (b"\r\n" + wire[:-3]).replace(b"\r\n.", b"\r\n")[2:]
