import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import BadSyntax, LocalPart, Mailbox, parse_domain, parse_local_part, parse_mailbox

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=64)


@pytest.mark.parametrize(
    "text",
    [
        "ann@example.org",
        '"a b"@example.org',
        "a.b+c=d@[192.0.2.1]",
        "jürgen@bücher.example",
        "!#$%&'*/?^_`{|}~-@a.b",
    ],
)
def test_addresses_read_back_as_written(text: str) -> None:
    assert str(parse_mailbox(text)) == text


def test_needless_quotes_are_dropped() -> None:
    # RFC 5321 4.1.2: quote only where needed.
    assert str(parse_mailbox('"ann"@example.org')) == "ann@example.org"
    assert parse_mailbox('"a\\nn"@example.org') == parse_mailbox("ann@example.org")


def test_local_parts_keep_their_case_and_have_a_folded_form() -> None:
    # RFC 5321 2.4
    assert parse_mailbox("Ann@example.org") != parse_mailbox("ann@example.org")
    assert parse_mailbox("Ann@Example.org").folded == "ann@example.org"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "@example.org",
        "ann@",
        "a..b@c.d",
        ".a@c.d",
        "a.@c.d",
        "a b@c.d",
        '"a@c.d',
        '""@c.d',
        '"a\r\nb"@c.d',
        '"\x00"@c.d',
        "a\x7f@c.d",
        "a@b@c.d",
        "x" * 300 + "@c.d",
        "a@c.d\n",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_mailbox(text)


@given(PRINTABLE)
def test_any_printable_local_part_survives_the_wire(text: str) -> None:
    assert parse_local_part(str(LocalPart(text))) == LocalPart(text)


@given(PRINTABLE)
def test_any_address_survives_the_wire(text: str) -> None:
    mailbox = Mailbox(LocalPart(text), parse_domain("example.org"))
    assert parse_mailbox(str(mailbox)) == mailbox
