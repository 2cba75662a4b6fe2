"""The outline of a message: the same parts as the MIME reader finds, however it is fed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_kit import Letters
from postel.message import MimeLimits, read_mime
from postel.message.structure.outline import OutlinePart, OutlineReader

LIMITS = MimeLimits(depth=6, parts=20, header_bytes=2000, kept_bytes=20_000)
_PIECES = st.sampled_from((
    b"Content-Type: multipart/mixed; boundary=a\r\n", b"Content-Type: multipart/digest; boundary=b\r\n", b"\r\n",
    b"--a", b"--b", b"--", b"\n", b"\r", b"x" * 1100, b"Content-Type: message/rfc822\r\n", b"text", b" ", b"\0",
    b"\xff",
    b"Content-Type: text/plain\r\n", b"\r\n\r\n", b"Subject: x\r\n", b":",
))  # fmt: skip
contents = st.lists(_PIECES, max_size=30).map(b"".join)


def outline(content: bytes, size: int, limits: MimeLimits | None = None) -> list[OutlinePart]:
    reader = OutlineReader(limits)
    for start in range(0, len(content), size):
        reader.feed(content[start : start + size])
    return reader.finish()


def seen(parts: list[OutlinePart]) -> list[object]:
    return [
        (p.parent, p.kind, p.start, p.body_start, p.end, p.lines, p.head, p.sample, p.encoding) for p in parts
    ]


def offsets(parts: list[OutlinePart]) -> list[tuple[int, ...]]:
    return [(p.start, p.body_start, p.end, p.lines, p.children) for p in parts]


@given(contents)
@settings(max_examples=100)
def test_it_finds_what_the_mime_reader_finds(content: bytes) -> None:
    content = content.lstrip(b" \t")  # a content that begins so is all body for us
    found = [
        (p.start, p.body_start, p.end, p.lines, len(p.children)) for p in read_mime(content, LIMITS).walk()
    ]
    assert offsets(outline(content, len(content) or 1, LIMITS)) == found


@given(contents, st.integers(1, 40))
@settings(max_examples=100)
def test_pieces_do_not_matter(content: bytes, size: int) -> None:
    assert seen(outline(content, size, LIMITS)) == seen(outline(content, len(content) or 1, LIMITS))


def test_letters_of_all_kinds_have_the_same_outline_in_pieces() -> None:
    for letter in Letters(3).some(150):
        assert seen(outline(letter, 13)) == seen(outline(letter, len(letter)))


def test_a_content_that_begins_with_a_blank_is_all_body() -> None:
    content = b" Subject: x\r\n\r\ntext\r\n"
    for size in (1, 5, 100):
        (part,) = outline(content, size)
        assert (part.body_start, part.end, part.head) == (0, len(content), b"")


def test_an_encoded_message_is_looked_into_all_the_same() -> None:
    """RFC 2046 5.2.1: none may be encoded, and those that say so mostly are not."""
    content = (
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nSubject: x\r\n\r\ntext"
    )
    assert len(outline(content, 100)) == 2
    assert read_mime(content).root.is_leaf


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: message/rfc822\r\n\r\n" * 3000,
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3000)
        ),
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 20_000,
    ],
    ids=["messages in messages", "multiparts in multiparts", "very many parts"],
)
def test_limits_hold(content: bytes) -> None:
    limits = MimeLimits()
    reader = OutlineReader(limits)
    reader.feed(content)
    parts = reader.finish()
    assert not reader.is_whole
    assert len(parts) <= limits.parts
    depth: dict[int, int] = {-1: 0}
    for at, part in enumerate(parts):
        depth[at] = depth[part.parent] + 1
    assert max(depth.values()) <= limits.depth + 2
