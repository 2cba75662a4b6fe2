import io
import mailbox
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.cli.mbox import MboxWriter, NotMbox, Quoting, parse_separator_date, split_mbox

NEW_YEAR = 1767225600.0


def read(text: bytes, quoting: Quoting = Quoting.MBOXRD) -> list[bytes]:
    return [b"".join(message.pieces) for message in split_mbox(io.BytesIO(text), quoting)]


def written(*messages: bytes, size: int = 1 << 20) -> bytes:
    file = io.BytesIO()
    writer = MboxWriter(file)
    for message in messages:
        writer.begin("ann@free.org", NEW_YEAR)
        for start in range(0, len(message), size):
            writer.write(message[start : start + size])
        writer.end()
    return file.getvalue()


SEPARATOR = b"From ann@free.org Thu Jan  1 00:00:00 2026\n"


def test_messages_stand_behind_their_separators() -> None:
    text = SEPARATOR + b"Subject: 1\n\none\n\n" + SEPARATOR + b"Subject: 2\n\ntwo\n\n\n" + SEPARATOR + b"\n"
    assert read(text) == [b"Subject: 1\n\none\n", b"Subject: 2\n\ntwo\n\n", b""]


def test_the_last_message_need_not_end_in_an_empty_line() -> None:
    assert read(SEPARATOR + b"a: b\n\nthe end") == [b"a: b\n\nthe end"]
    assert read(SEPARATOR.rstrip()) == [b""]


def test_an_empty_file_has_no_messages_and_another_file_is_none() -> None:
    assert read(b"") == read(b"\n\n") == []
    with pytest.raises(NotMbox):
        read(b"Subject: hello\n")


def test_only_a_line_behind_an_empty_one_separates() -> None:
    text = SEPARATOR + b"\none\n" + SEPARATOR + b"\nFrom here on it is text\n\nFrom now on too\n"
    assert len(read(text)) == 1
    assert len(read(SEPARATOR + b"\n\nFrom MAILER-DAEMON\na: b\n")) == 2


@pytest.mark.parametrize(
    ("quoting", "line"),
    [
        (Quoting.MBOXRD, b"From a\n>From b\n>>From c\n> From d\n"),
        (Quoting.MBOXO, b"From a\n>>From b\n>>>From c\n> From d\n"),
        (Quoting.NONE, b">From a\n>>From b\n>>>From c\n> From d\n"),
    ],
)
def test_quotes_are_taken_away_as_the_writer_set_them(quoting: Quoting, line: bytes) -> None:
    text = b"a: b\n\n>From a\n>>From b\n>>>From c\n> From d\n"
    assert read(SEPARATOR + text, quoting) == [b"a: b\n\n" + line]


def test_lines_of_any_length_stream() -> None:
    line = b"x" * 300_000
    assert read(SEPARATOR + b"\n" + line + b"\nFrom y\n\n") == [b"\n" + line + b"\nFrom y\n"]
    assert b"".join([SEPARATOR, b"\n", line, b"\n\n"]) == written(b"\n" + line + b"\n", size=1000)


@pytest.mark.parametrize(
    ("line", "at"),
    [
        (b"From a@b Thu Jan  1 00:00:00 2026", NEW_YEAR),
        (b"From - Thu Jan 1 00:00 2026", NEW_YEAR),
        (b"From a@b Thu Jan  1 01:00:00 2026 +0100", NEW_YEAR),
        (b"From a@b Wed Dec 31 19:00:00 -0500 2025", NEW_YEAR),
        (b"From a@b Thu Jan  1 00:00:00 GMT 2026\r\n", NEW_YEAR),
        (b"From a@b Thu Jan 32 00:00:00 2026", None),
        (b"From a@b Thu Foo  1 00:00:00 2026", None),
        (b"From a@b", None),
    ],
)
def test_separators_tell_when_a_message_came(line: bytes, at: float | None) -> None:
    assert parse_separator_date(line) == at


def test_a_sender_with_blanks_stays_one_word() -> None:
    file = io.BytesIO()
    MboxWriter(file).begin('"a b"@x', NEW_YEAR)
    MboxWriter(file).begin("", NEW_YEAR)
    assert file.getvalue().splitlines() == [
        b'From "ab"@x Thu Jan  1 00:00:00 2026',
        b"From MAILER-DAEMON Thu Jan  1 00:00:00 2026",
    ]


def test_the_standard_library_reads_what_we_write(tmp_path: Path) -> None:
    (tmp_path / "mbox").write_bytes(written(b"Subject: 1\n\none\n", b"Subject: 2\n\nFrom x\n"))
    box = mailbox.mbox(tmp_path / "mbox")
    assert [message["Subject"] for message in box] == ["1", "2"]
    box.close()


PARTS = st.sampled_from([b"From ", b">", b"\n", SEPARATOR, b"x", b" ", b"a: b\n", b"\n\n"])


@given(st.lists(st.lists(PARTS, max_size=12).map(b"".join), max_size=4), st.integers(1, 9))
def test_what_is_written_is_read_again(messages: list[bytes], size: int) -> None:
    whole = [message + b"\n" for message in messages]
    assert read(written(*whole, size=size)) == whole
