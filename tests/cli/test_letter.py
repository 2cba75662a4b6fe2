from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.cli.letter import Author, read_letter
from postel.mail import parse_mailbox

FRITO = Author(
    mailbox=parse_mailbox("frito@drag.net"),
    full_name="Frito Lay",
    hostname="mail.drag.net",
    unique="1",
    written_at=1767225600.0,
)
WHOLE = b"Date: x\r\nMessage-ID: <1@x>\r\nFrom: a@b.c\r\n"


def sent(*chunks: bytes, dot_ends: bool = False, author: Author = FRITO) -> bytes:
    return b"".join(read_letter(chunks, dot_ends=dot_ends).completed(author))


def test_what_is_missing_is_added_before_what_is_there() -> None:
    assert sent(b"Subject: hello\n\nHello!\n") == (
        b"From: Frito Lay <frito@drag.net>\r\n"
        b"Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
        b"Message-ID: <1@mail.drag.net>\r\n"
        b"Subject: hello\r\n\r\nHello!\r\n"
    )


def test_a_whole_message_stays_as_it_is() -> None:
    assert sent(WHOLE + b"\r\nHello!\r\n") == WHOLE + b"\r\nHello!\r\n"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_end_in_crlf_whatever_they_ended_in(end: bytes) -> None:
    text = (WHOLE + b"\r\none\r\n\r\ntwo").replace(b"\r\n", end)
    assert sent(text) == WHOLE + b"\r\none\r\n\r\ntwo\r\n"


def test_blind_copies_are_taken_out() -> None:
    header = WHOLE + b"Bcc: secret@example.org,\r\n other@example.org\r\nSubject: x\r\n"
    assert sent(header + b"\r\n") == WHOLE + b"Subject: x\r\n\r\n"


def test_a_body_without_header_or_blank_line_is_a_body() -> None:
    assert sent(WHOLE, b"this is no field\nnor: this\n").endswith(
        b"\r\n\r\nthis is no field\r\nnor: this\r\n"
    )
    assert sent(b"no field\n").partition(b"\r\n\r\n")[2] == b"no field\r\n"


def test_a_text_too_long_for_a_header_is_a_body() -> None:
    line = b"a line of text that is no field\r\n"
    assert sent(line * 10_000).partition(b"\r\n\r\n")[2] == line * 10_000


def test_the_line_that_mailbox_files_begin_with_is_left_out() -> None:
    assert sent(b"From ann Mon Jan 1\n", WHOLE, b"\n") == WHOLE + b"\r\n"


def test_nothing_at_all_becomes_an_empty_message() -> None:
    header, _, body = sent().partition(b"\r\n\r\n")
    assert header.count(b"\r\n") == 2
    assert body == b""


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("", b"From: <frito@drag.net>"),
        ("Dr. Frito", b'From: "Dr. Frito" <frito@drag.net>'),
        ("Fr\u00eet\u00f4", b"From: =?utf-8?"),
        ("x\r\nBcc: y@z.a", b"From: "),
    ],
)
def test_the_full_name_cannot_break_out_of_its_field(name: str, field: bytes) -> None:
    author = Author(
        mailbox=FRITO.mailbox, full_name=name, hostname="mail.drag.net", unique="1", written_at=0.0
    )
    message = sent(b"\n", author=author)
    assert message.startswith(field)
    assert b"\r\nBcc" not in message


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (b"one\n.\ntwo\n", b"one\r\n"),
        (b".\ntwo\n", b""),
        (b"one\n.", b"one\r\n"),
        (b"one\n..\n.x\n", b"one\r\n..\r\n.x\r\n"),
        (b"one\n. \n", b"one\r\n. \r\n"),
    ],
)
def test_a_single_dot_ends_the_message(text: bytes, body: bytes) -> None:
    assert sent(WHOLE, b"\n", text, dot_ends=True) == WHOLE + b"\r\n" + body
    unended = sent(WHOLE, b"\n", text)
    assert len(unended) >= len(WHOLE + body)


def split(text: bytes, cuts: Sequence[int]) -> Iterable[bytes]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(places)]


@given(
    st.lists(st.sampled_from([b"\r\n", b"\n", b".", b"\r\n.\r\n", b"a", b"x: y\n", b" "]), max_size=20),
    st.lists(st.integers(0, 200), max_size=10),
    st.booleans(),
)
def test_it_makes_no_difference_how_the_octets_come(
    parts: list[bytes], cuts: list[int], dot_ends: bool
) -> None:
    text = b"".join(parts)
    assert sent(*split(text, cuts), dot_ends=dot_ends) == sent(text, dot_ends=dot_ends)
