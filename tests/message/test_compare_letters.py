"""tools/compare_letters.py: letters from files, and where values differ."""

from __future__ import annotations

from pathlib import Path

from tools.compare_letters import differences_of, is_same, letters_in, numbers_of, read_value

LETTER = b"Subject: one\r\n\r\nbody\r\n"


def test_letters_are_files_or_in_mbox_files(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "1.eml").write_bytes(LETTER.replace(b"\r\n", b"\n"))
    mbox = b"From a@b Thu Jan  1 00:00:00 2026\n" + LETTER.replace(b"\r\n", b"\n") + b"\n"
    (tmp_path / "mbox").write_bytes(mbox * 2)
    found = list(letters_in(tmp_path))
    assert [letter.name for letter in found] == ["below/1.eml", "mbox 1", "mbox 2"]
    assert {letter.octets for letter in found} == {LETTER}


def test_a_difference_is_told_as_deep_as_it_is() -> None:
    one, _ = read_value(b'("text" ("name" "a") NIL (1 2))')
    other, _ = read_value(b'("TEXT" ("name" {1}\r\nb) NIL (1))')
    assert list(differences_of(one, other, "BODY")) == [
        ("BODY.2.2", b"a", b"b"),
        ("BODY.4", ["1", "2"], ["1"]),
    ]


def test_parts_have_their_numbers() -> None:
    text = b'("text" "plain" NIL NIL NIL "7bit" 1 1)'
    nested = b'("message" "rfc822" NIL NIL NIL "7bit" 9 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) %b 3)'
    several = b'(%b%b "mixed")' % (text, nested % b'(%b%b "mixed")' % (text, text))
    assert list(numbers_of(read_value(several)[0])) == [b"1", b"2", b"2.1", b"2.2"]
    assert list(numbers_of(read_value(text)[0])) == [b"1"]
    assert list(numbers_of(read_value(nested % text)[0])) == [b"1", b"1.1"]


def test_an_empty_section_is_none() -> None:
    assert is_same(b"", None) and is_same(b"a: b\r\n\r\n", b"a: b") and not is_same(b"a", b"b")
