"""The content reader, against a reference that does the same octet by octet."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postel.proto.smtp import SmtpLimits, content
from postel.proto.smtp.content import ContentTrouble, DataReader, has_longer_line

PIECES = [
    b"\r\n",
    b"\r",
    b"\n",
    b".",
    b"..",
    b"a",
    b"\0",
    b"\xff",
    b"\r\n.",
    b"\r\n.\r",
    b"\r\n.\r\n",
    b"MAIL",
]
streams = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)


def reference(stream: bytes) -> tuple[bytes | None, bytes] | None:
    """What follows DATA -> content (None where CR or LF stands alone) and what comes after it; None: no end."""
    whole = b"\r\n" + stream
    for end in range(len(whole)):
        if whole[end : end + 5] == b"\r\n.\r\n":
            lines = whole[: end + 2].split(b"\r\n")[1:-1]
            if any(b"\r" in line or b"\n" in line for line in lines):
                return None, whole[end + 5 :]
            content = b"".join((line[1:] if line[:1] == b"." else line) + b"\r\n" for line in lines)
            return content, whole[end + 5 :]
    return None


def read_all(pieces: list[bytes], limits: SmtpLimits | None = None) -> tuple[DataReader, bytes, bytes]:
    buffer = bytearray()
    reader = DataReader(limits or SmtpLimits(), buffer)
    content = b""
    for number, piece in enumerate(pieces):
        buffer += piece
        content += reader.read(buffer)
        if reader.is_done:
            return reader, content, bytes(buffer) + b"".join(pieces[number + 1 :])
    return reader, content, bytes(buffer)


@given(streams, st.integers(1, 9))
def test_any_stream_is_read_as_the_reference_reads_it(stream: bytes, step: int) -> None:
    expected = reference(stream)
    for pieces in ([stream], [stream[n : n + step] for n in range(0, len(stream), step)]):
        reader, content, rest = read_all(pieces)
        assert reader.is_done == (expected is not None)
        if expected is None:
            continue
        assert rest == expected[1]
        if expected[0] is None:
            assert reader.trouble is ContentTrouble.BARE_NEWLINE
        else:
            assert reader.trouble is None
            assert content == expected[0]
            assert reader.size_bytes == len(content)
            assert reader.is_8bit == (not content.isascii())


@given(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\r", b"").replace(b"\n", b""))))
def test_dot_stuffing_is_undone(lines: list[bytes]) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    stuffed = b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines)
    reader, read, rest = read_all([stuffed + b".\r\nQUIT\r\n"])
    assert (read, rest, reader.trouble) == (content, b"QUIT\r\n", None)


@given(st.lists(st.integers(0, 12), max_size=8), st.integers(1, 6), st.integers(1, 12))
def test_long_lines_are_found_whatever_the_cuts(lengths: list[int], step: int, limit: int) -> None:
    text = b"".join(b"x" * length + b"\n" for length in lengths)
    found, already = False, 0
    for start in range(0, len(text), step):
        piece = text[start : start + step]
        found |= has_longer_line(piece, limit, already)
        last = piece.rfind(b"\n")
        already = len(piece) - last - 1 + (already if last < 0 else 0)
    assert found == any(length + 1 > limit for length in lengths)


def test_a_message_of_exactly_the_limit_is_taken() -> None:
    limits = SmtpLimits(message_size=65_536)
    line = b"x" * 62 + b"\r\n"
    reader, content, _ = read_all([line * 1024 + b".\r\n"], limits)
    assert (len(content), reader.trouble) == (65_536, None)
    reader, _, _ = read_all([line * 1024 + b"\r\n.\r\n"], limits)
    assert reader.trouble is ContentTrouble.TOO_BIG


def test_trouble_is_swallowed_without_keeping_it() -> None:
    buffer = bytearray()
    reader = DataReader(SmtpLimits(), buffer)
    for _ in range(100):
        buffer += b"\n" * 65_536
        assert reader.read(buffer) == b""
        assert len(buffer) < 5
    assert reader.trouble is ContentTrouble.BARE_NEWLINE


def test_a_line_without_end_is_refused_though_it_comes_in_pieces() -> None:
    reader, _, _ = read_all([b"x" * 60_000] * 20)
    assert reader.trouble is ContentTrouble.LINE_TOO_LONG


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("line", [b"x" * 76 + b"\r\n", b"\r\n", b"..\r\n"])
def test_the_work_is_linear(line: bytes) -> None:
    """Seconds if it is; a quadratic reader would not be through within the time that a test has."""
    buffer = bytearray()
    reader = DataReader(SmtpLimits(message_size=1 << 40), buffer)
    piece = line * (1_048_576 // len(line))
    for _ in range(64):
        buffer += piece
        assert reader.read(buffer)


@settings(max_examples=50)
@given(st.lists(st.sampled_from([b"x" * 30_000, b"\n", b"\r\n", b"y", b"\r\n.."]), max_size=8).map(b"".join))
def test_which_trouble_comes_first_does_not_depend_on_the_cuts(stream: bytes) -> None:
    limits = SmtpLimits(message_size=65_536, text_line_accepted=50_000)
    whole = read_all([stream], limits)[0]
    halves = read_all([stream[: len(stream) // 2], stream[len(stream) // 2 :]], limits)[0]
    ends = read_all(
        [stream[:-3], *(stream[n : n + 1] for n in range(max(len(stream) - 3, 0), len(stream)))], limits
    )[0]
    assert whole.trouble == halves.trouble == ends.trouble


def _read_all(pieces: list[bytes]) -> tuple[object, ...]:
    buffer = bytearray()
    reader = DataReader(SmtpLimits(text_line_accepted=1100), buffer)
    given = b""
    for piece in pieces:
        buffer += piece
        given += reader.read(buffer)
    return (
        given,
        bytes(buffer),
        reader.is_done,
        reader.trouble,
        reader.size_bytes,
        reader.is_8bit,
        reader.has_long_lines,
    )


_LINES = st.sampled_from(
    [
        b"",
        b".",
        b"..",
        b".x",
        b"x",
        b"x" * 997,
        b"x" * 998,
        b"x" * 999,
        b"x" * 1099,
        b"\r",
        b"\n",
        b"\xe4",
        b"a.b",
    ]
)
_ENDS = st.sampled_from([b"\r\n"] * 8 + [b"\n", b"\r"])


@given(
    lines=st.lists(st.tuples(_LINES, _ENDS), max_size=12),
    cuts=st.lists(st.integers(0, 6000), max_size=5),
)
def test_plain_lines_are_read_as_any_others(lines: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    data = b"".join(line + end for line, end in lines) + b".\r\nMAIL"
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(places)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "plain_end", lambda raw, longest, already: None)
        as_any_others = _read_all(pieces)
    assert _read_all(pieces) == as_any_others
