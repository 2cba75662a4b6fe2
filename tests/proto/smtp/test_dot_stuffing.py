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
