"""Lines off the front of a buffer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from postel.proto.smtp import SmtpLimits
from postel.proto.smtp.lines import LineReader, LineTrouble

LIMITS = SmtpLimits(endless_line=512)


def take_all(pieces: list[bytes], limit: int) -> list[bytes | LineTrouble]:
    reader, buffer, taken = LineReader(LIMITS), bytearray(), []
    for piece in pieces:
        buffer += piece
        while (line := reader.take(buffer, limit)) is not None:
            taken.append(line)
            if line is LineTrouble.ENDLESS:
                return taken
        assert len(buffer) <= limit
    return taken


@given(
    st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"x" * 9, b"y" * 300])).map(b"".join), st.integers(1, 40)
)
def test_any_split_gives_the_same_lines(stream: bytes, step: int) -> None:
    whole = take_all([stream], 10)
    assert take_all([stream[n : n + step] for n in range(0, len(stream), step)], 10) == whole
    assert take_all([stream[n : n + 1] for n in range(len(stream))], 10) == whole


def test_a_line_too_long_is_swallowed_to_its_end() -> None:
    assert take_all([b"x" * 11 + b"\nab\n"], 10) == [LineTrouble.TOO_LONG, b"ab\n"]


def test_a_line_of_exactly_the_limit_is_given() -> None:
    assert take_all([b"x" * 9 + b"\n"], 10) == [b"x" * 9 + b"\n"]


def test_a_line_without_end_is_told_before_it_ends() -> None:
    assert take_all([b"x" * 100] * 6, 10) == [LineTrouble.ENDLESS]
