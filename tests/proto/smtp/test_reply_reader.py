"""Replies off the wire."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import Reply, Status
from postel.proto.smtp.reply_reader import BadReply, ReplyLimits, ReplyReader, WireReply


def read(data: bytes, limits: ReplyLimits | None = None) -> list[WireReply]:
    reader = ReplyReader(limits or ReplyLimits())
    reader.receive(data)
    replies = []
    while (reply := reader.next_reply()) is not None:
        replies.append(reply)
    return replies


def test_a_reply_of_one_line() -> None:
    assert read(b"250 OK\r\n") == [WireReply(250, ("OK",))]


def test_a_reply_of_several_lines() -> None:
    assert read(b"250-a\r\n250-b\r\n250 c\r\n354 go\r\n") == [
        WireReply(250, ("a", "b", "c")),
        WireReply(354, ("go",)),
    ]


@pytest.mark.parametrize("line", [b"250\r\n", b"250 \r\n", b"250\n"])
def test_a_code_may_stand_alone(line: bytes) -> None:
    assert read(line) == [WireReply(250, ("",))]


def test_half_a_reply_is_none_yet() -> None:
    reader = ReplyReader(ReplyLimits())
    assert reader.is_empty
    reader.receive(b"250-a\r\n25")
    assert reader.next_reply() is None
    assert not reader.is_empty
    reader.receive(b"0 b\r\n")
    assert reader.next_reply() == WireReply(250, ("a", "b"))
    assert reader.is_empty


@pytest.mark.parametrize(
    "line",
    [
        b"\r\n",
        b"hello\r\n",
        b"2500 x\r\n",
        b"25 x\r\n",
        b"150 x\r\n",
        b"999 x\r\n",
        b"250x\r\n",
        b" 250 x\r\n",
        b"\xff\xfe\r\n",
    ],
)
def test_what_is_no_reply_is_a_fault_of_the_server(line: bytes) -> None:
    with pytest.raises(BadReply):
        read(line)


def test_a_code_may_not_change_midway() -> None:
    with pytest.raises(BadReply, match="midway"):
        read(b"250-a\r\n550 b\r\n")


@pytest.mark.parametrize(
    "flood", [b"2" * 1000, b"250-" + b"x" * 1000, b"250-x\r\n" * 100, (b"250-" + b"x" * 40 + b"\r\n") * 8]
)
def test_every_dimension_of_a_reply_has_a_limit(flood: bytes) -> None:
    with pytest.raises(BadReply, match="more than"):
        read(flood, ReplyLimits(line=100, lines=50, octets=300))


def test_the_status_is_taken_off_every_line() -> None:
    (reply,) = read(b"550-5.1.1 The mailbox\r\n550-5.1.1 is not\r\n550 5.1.1 here\r\n")
    assert reply.reply() == Reply(550, Status(5, 1, 1), "The mailbox\nis not\nhere")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"550 5.1.1\r\n", Reply(550, Status(5, 1, 1), "")),
        (b"550 4.1.1 x\r\n", Reply(550, None, "4.1.1 x")),
        (b"550 5.1.1x\r\n", Reply(550, None, "5.1.1x")),
        (b"550 5.1.1234 x\r\n", Reply(550, None, "5.1.1234 x")),
        (b"250 2.1.5  two blanks\r\n", Reply(250, Status(2, 1, 5), "two blanks")),
    ],
)
def test_what_does_not_agree_with_the_code_is_text(line: bytes, expected: Reply) -> None:
    assert read(line)[0].reply() == expected


def test_a_line_without_the_status_of_the_first_is_kept_whole() -> None:
    assert read(b"550-5.1.1 no\r\n550 such\r\n")[0].reply().text == "no\nsuch"


def test_controls_never_reach_a_log() -> None:
    assert read(b"550 a\x1b[2Jb\rc\xff\r\n")[0].lines == ("a?[2Jb?c\ufffd",)


@given(
    st.lists(
        st.tuples(st.integers(200, 599), st.lists(st.text(max_size=20), min_size=1, max_size=5)), max_size=5
    ),
    st.data(),
)
def test_any_split_gives_the_same_replies(replies: list[tuple[int, list[str]]], data: st.DataObject) -> None:
    wire = b"".join(
        Reply(code, None, "\n".join(t.replace("\n", "") for t in texts)).format() for code, texts in replies
    )
    reader, split = ReplyReader(ReplyLimits()), []
    while wire:
        cut = data.draw(st.integers(1, len(wire)))
        reader.receive(wire[:cut])
        wire = wire[cut:]
        while (reply := reader.next_reply()) is not None:
            split.append(reply)
    assert [reply.code for reply in split] == [code for code, _ in replies]
    assert [len(reply.lines) for reply in split] == [len(texts) for _, texts in replies]


@given(st.binary())
def test_nothing_but_a_bad_reply_escapes(data: bytes) -> None:
    with contextlib.suppress(BadReply):
        read(data)


@pytest.mark.timeout(60)
def test_a_line_that_drips_in_costs_linear_time() -> None:
    reader = ReplyReader(ReplyLimits(line=2_000_000))
    for _ in range(300_000):  # quadratic work would not end within the time that a test has
        reader.receive(b"2")
        assert reader.next_reply() is None
