"""The pieces of the machine by themselves, and what holds for any input."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pop3_shell import chunks, connect

from postel.proto import pop3
from postel.proto.pop3.content import Stuffer, TopCutter
from postel.proto.pop3.lines import LineReader, LineTooLong
from postel.proto.pop3.texts import LANGUAGES, TEXTS, Text, match_language

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=20)
# Content is made of what matters: dots, line ends, and a little else.
CONTENTS = st.lists(st.sampled_from([b".", b"\r\n", b"..", b"x", b"\r\n.\r\n", b"\r\n\r\n", b"ab"])).map(
    b"".join
)


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    found, start = [], 0
    while start < len(data):
        size = sizes[len(found) % len(sizes)]
        found.append(data[start : start + size])
        start += size
    return found


def unstuffed(wire: bytes) -> bytes:
    """What a client makes of a multi-line response (RFC 1939 3)."""
    lines = wire.split(b"\r\n")
    assert lines[-2:] == [b".", b""]
    assert b"." not in lines[:-2]
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines[:-2])


@given(CONTENTS, SIZES)
def test_byte_stuffing_is_undone_by_the_client_however_it_was_cut(content: bytes, sizes: list[int]) -> None:
    stuffer = Stuffer()
    wire = b"".join(stuffer.feed(piece) for piece in pieces(content, sizes)) + stuffer.end()
    whole = content if content.endswith(b"\r\n") or not content else content + b"\r\n"
    assert unstuffed(wire) == whole


@given(st.binary(max_size=200), SIZES)
def test_no_content_whatever_contains_an_end_of_the_response(content: bytes, sizes: list[int]) -> None:
    stuffer = Stuffer()
    wire = b"\n" + b"".join(stuffer.feed(piece) for piece in pieces(content, sizes)) + stuffer.end()
    assert wire.index(b"\n.\r\n") == len(wire) - 4
    assert b"\n.\n" not in wire


def top_reference(content: bytes, lines: int) -> bytes:
    """The rule in five lines, on the whole content."""
    if content.startswith(b"\r\n"):
        end = 2
    else:
        found = content.find(b"\n\r\n")
        end = len(content) if found < 0 else found + 3
    return content[:end] + b"".join(content[end:].splitlines(keepends=True)[:lines])


@given(CONTENTS, st.integers(0, 6), SIZES)
def test_top_cuts_where_the_reference_cuts(content: bytes, lines: int, sizes: list[int]) -> None:
    cutter = TopCutter(lines)
    passed = b"".join(cutter.feed(piece) for piece in pieces(content, sizes))
    assert passed == top_reference(content, lines)


def test_the_empty_content_is_only_the_dot() -> None:
    stuffer = Stuffer()
    assert stuffer.feed(b"") + stuffer.end() == b".\r\n"


@given(st.lists(st.text(string.ascii_letters, max_size=30)), SIZES)
def test_lines_come_out_as_they_went_in_however_they_were_cut(texts: list[str], sizes: list[int]) -> None:
    reader, found = LineReader(), []
    for piece in pieces("".join(f"{text}\r\n" for text in texts).encode(), sizes):
        reader.feed(piece)
        while (line := reader.next_line(100)) is not None:
            found.append(line.decode())
    assert found == texts
    assert reader.is_empty


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_line_is_as_long_as_its_limit_and_not_an_octet_longer(size: int) -> None:
    reader = LineReader()
    found: list[bytes | str] = []
    for piece in chunks(b"a" * 8 + b"\r\n" + b"b" * 9 + b"\r\n" + b"c" * 99 + b"\r\nd\r\n", size):
        reader.feed(piece)
        while True:
            try:
                line = reader.next_line(10)
            except LineTooLong:
                found.append("too long")
                continue
            if line is None:
                break
            found.append(line)
    assert found == [b"a" * 8, "too long", "too long", b"d"]


COMMANDS = st.sampled_from(
    [b"USER kitt", b"PASS sesame", b"PASS wrong", b"AUTH PLAIN", b"AUTH PLAIN AGtpdHQAc2VzYW1l", b"AGtpdHQAc2VzYW1l",
     b"*", b"CAPA", b"LANG de", b"LANG", b"UTF8", b"STAT", b"LIST", b"LIST 1", b"UIDL", b"RETR 1", b"RETR 2",
     b"TOP 1 1", b"DELE 1", b"RSET", b"NOOP", b"QUIT", b"nonsense", b"x" * 300, b"AUTH " + b"x" * 300, b"\xff", b""]
)  # fmt: skip


@given(st.lists(COMMANDS, max_size=12), SIZES)
def test_any_split_of_any_session_gives_the_same_events_and_octets(
    lines: list[bytes], sizes: list[int]
) -> None:
    session = b"".join(line + b"\r\n" for line in lines)
    whole, split = connect(b"A: b\r\n\r\n.c\r\nd\r\n", b""), connect(b"A: b\r\n\r\n.c\r\nd\r\n", b"")
    if session:
        whole.say(session)
    for piece in pieces(session, sizes):
        if split.machine.over:
            break
        split.say(piece)
    whole.say(b"")
    split.say(b"")
    assert [str(event) for event in split.events] == [str(event) for event in whole.events]
    assert split.sent == whole.sent
    assert split.machine.ended_because == whole.machine.ended_because


@given(st.lists(COMMANDS, max_size=15))
def test_no_sequence_of_commands_reaches_a_message_without_a_login(lines: list[bytes]) -> None:
    shell = connect(b"A: b\r\n\r\n.c\r\n")
    for line in lines:
        if shell.machine.over:
            break
        was_logged_in = shell.machine.is_logged_in
        before = len(shell.events)
        shell.say(line + b"\r\n")
        touched = any(isinstance(e, pop3.Retrieve | pop3.Update) for e in shell.events[before:])
        assert was_logged_in or not touched


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_and_no_text_looks_like_a_code(language: str) -> None:
    texts = TEXTS[language]
    assert set(texts) == set(Text)
    # RFC 2449 6.4: text that begins with [ would be taken for a response code.
    assert not any(text.startswith("[") for text in texts.values())
    english = TEXTS["en"]
    fields = {text: {f for _, f, _, _ in string.Formatter().parse(english[text]) if f} for text in Text}
    for text in Text:
        assert {f for _, f, _, _ in string.Formatter().parse(texts[text]) if f} == fields[text]


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [("en", "en"), ("DE", "de"), ("de-AT-x-y", "de"), ("*", "de"), ("fr", None), ("", None)],
)
def test_a_language_range_selects_the_nearest_language(wanted: str, tag: str | None) -> None:
    assert match_language(wanted, "de") == tag
