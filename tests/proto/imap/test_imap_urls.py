"""IMAP URLs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import BadSyntax
from postel.proto.imap import ImapUrl, Section, SectionText, UrlAuth, check_name, parse_imap_url

TOKEN = "91354a473744909de610943775f92038"
AUTHORIZED = f"imap://joe@example.com/INBOX/;uid=20/;section=1.2;expire=2030-01-02T03:04:05Z;urlauth=submit+fred:internal:{TOKEN}"


def test_every_part_of_a_url() -> None:
    found = parse_imap_url(
        "imap://ann;AUTH=PLAIN@Imap.Example.Org:1143/gr%C3%BCn/x;UIDVALIDITY=7/;UID=20/;SECTION=1.HEADER.FIELDS%20(To)"
        "/;PARTIAL=5.1024"
    )
    assert found == ImapUrl(
        host="imap.example.org",
        port=1143,
        user="ann",
        mechanism="PLAIN",
        mailbox=check_name("grün/x"),
        uid_validity=7,
        uid=20,
        section=Section((1,), SectionText.FIELDS, (b"To",)),
        partial=(5, 1024),
    )


def test_an_authorized_url_keeps_what_was_signed() -> None:
    found = parse_imap_url(AUTHORIZED)
    assert found.auth == UrlAuth(
        rump=AUTHORIZED.removesuffix(f":internal:{TOKEN}"),
        access="submit+fred",
        expire="2030-01-02T03:04:05Z",
        mechanism="INTERNAL",
        token=TOKEN,
    )
    assert (found.mailbox, found.uid, found.section) == ("INBOX", 20, Section((1, 2)))


def test_the_rump_alone_has_no_token() -> None:
    auth = parse_imap_url("imap://joe@example.com/INBOX/;uid=20;urlauth=anonymous").auth
    assert auth is not None
    assert (auth.access, auth.mechanism, auth.token) == ("anonymous", None, None)


def test_relative_urls() -> None:
    assert parse_imap_url("/Drafts/;UID=20") == ImapUrl(mailbox=check_name("Drafts"), uid=20)
    assert parse_imap_url(";UID=20/;SECTION=2") == ImapUrl(uid=20, section=Section((2,)))
    assert parse_imap_url(";SECTION=TEXT") == ImapUrl(section=Section((), SectionText.TEXT))
    assert parse_imap_url(";PARTIAL=7") == ImapUrl(partial=(7, None))
    assert parse_imap_url("") == ImapUrl()


def test_a_search_behind_the_mailbox() -> None:
    assert parse_imap_url("imap://h/a%20b?SUBJECT%20x").search == b"SUBJECT x"


@pytest.mark.parametrize(
    "text",
    [
        "imap://",
        "imap:///x",
        "imap://h:0/x",
        "imap://a@b@c/x",
        "imap://u;X=1@h/x",
        "imap://h/x;UID=1",
        "imap://h/;UID=1",
        "imap://h/x/;SECTION=1",
        "imap://h/x/;UID=0",
        "imap://h/x/;UID=4294967296",
        "imap://h/x/;UID=1/;SECTION=9.",
        "imap://h/x/;UID=1/;PARTIAL=1.0",
        "imap://h/%zz",
        "imap://h/%FF",
        "imap://h/?ALL",
        "//h/x",
        "/x y",
        "/x\n",
        "/grün",
        "imap://h/x;URLAUTH=anonymous",
        "imap://h/x/;UID=1;URLAUTH=anonymous:internal:12",
        "/x/;UID=1;URLAUTH=anonymous",
        "/" + "x" * 5000,
    ],
)
def test_what_is_no_imap_url(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_imap_url(text)


names = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=12).map(
    check_name
)
sections = st.one_of(
    st.lists(st.integers(1, 99), min_size=1, max_size=3).map(lambda part: Section(tuple(part))),
    st.sampled_from([Section((), SectionText.TEXT), Section((2,), SectionText.FIELDS, (b"To", b"X-Y"))]),
)


@given(
    st.one_of(st.none(), st.just("imap.example.org")),
    st.one_of(st.none(), st.text("ab@:;=/% ü", min_size=1, max_size=5)),
    names,
    st.one_of(st.none(), st.integers(1, 1 << 31)),
    st.one_of(st.none(), sections),
    st.one_of(st.none(), st.tuples(st.integers(0, 99), st.one_of(st.none(), st.integers(1, 99)))),
)
def test_urls_read_as_they_are_written(
    host: str | None,
    user: str | None,
    mailbox: object,
    validity: int | None,
    section: Section | None,
    partial: tuple[int, int | None] | None,
) -> None:
    url = ImapUrl(
        host=host,
        user=user if host else None,
        mailbox=mailbox,  # type: ignore[arg-type]
        uid_validity=validity,
        uid=7,
        section=section,
        partial=partial,
    )
    assert parse_imap_url(url.format()) == url
