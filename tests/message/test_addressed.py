"""What a search of an address field looks through."""

import pytest

from postel.message import IndexedContent, field_contains, index_content

WRITTEN = (
    "user@example.org",
    "Name <user@example.org>",
    "<user (comment)@ (another) example.org>",
    "user@example.org (Name)",
    "other@example.net, user @ example . org",
    "group: a@b.example, user\r\n @example.org;",
)


@pytest.mark.parametrize("value", WRITTEN)
@pytest.mark.parametrize("field", ["From", "To", "Cc", "Bcc"])
def test_an_address_is_found_however_it_is_written(field: str, value: str) -> None:
    header = f"{field}: {value}\r\n\r\n".encode()
    assert field_contains(header, field.encode(), "user@example.org")
    assert not field_contains(header, field.encode(), "user@example.com")
    keys = IndexedContent.read(index_content(header)).keys
    assert "user@example.org" in {"From": keys.from_, "To": keys.to, "Cc": keys.cc, "Bcc": keys.bcc}[field]


def test_a_name_with_quoted_pairs_is_found_as_it_is_read_and_as_it_is_written() -> None:
    header = b'From: "Ann \\"the cat\\" Lee" <ann@example.org>\r\n\r\n'
    keys = IndexedContent.read(index_content(header)).keys
    for needle in ('ann "the cat" lee', '\\"the cat\\"', "ann@example.org"):
        assert field_contains(header, b"from", needle)
        assert needle in keys.from_


def test_what_is_shown_already_is_not_kept_twice() -> None:
    header = b"From: Ann <ann@example.org>\r\nTo: a@example.org, b@example.org\r\n\r\n"
    keys = IndexedContent.read(index_content(header)).keys
    assert keys.from_ == "ann <ann@example.org>"
    assert keys.to == "a@example.org, b@example.org"


def test_other_fields_hold_what_is_written() -> None:
    assert not field_contains(b"X-From: a @ b\r\n\r\n", b"x-from", "a@b")
