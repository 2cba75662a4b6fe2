import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import (
    BadSyntax,
    ReversePath,
    parse_domain,
    parse_forward_path,
    parse_mailbox,
    parse_reverse_path,
    split_path,
)


def test_the_null_reverse_path_is_a_value_of_its_own() -> None:
    assert parse_reverse_path("<>") == ReversePath.NULL
    assert parse_reverse_path("<>").is_null
    assert str(ReversePath.NULL) == ""


def test_source_routes_are_accepted_and_stripped() -> None:
    # RFC 5321 4.1.1.3, appendix C
    assert str(parse_forward_path("<@one.example,@two.example:ann@example.org>")) == "ann@example.org"
    assert str(parse_reverse_path("<@one.example:ann@example.org>")) == "ann@example.org"


def test_postmaster_alone_needs_no_domain() -> None:
    # RFC 5321 4.5.1
    path = parse_forward_path("<PostMaster>")
    assert path.is_postmaster_alone
    assert path.at(parse_domain("example.org")) == parse_mailbox("PostMaster@example.org")


def test_a_path_ends_where_its_grammar_ends_not_at_the_first_bracket() -> None:
    assert split_path('<"a>b"@example.org> SIZE=3') == ('<"a>b"@example.org>', " SIZE=3")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann@example.org",
        "<ann@example.org",
        "<ann>",
        "<<ann@example.org>>",
        "<@a.b:>",
        "<@a b:c@d.e>",
        "< ann@example.org>",
        "<ann@example.org >",
        "<ann@example.org>x",
        "<>",
        "<@:a@b.c>",
        "<ann@exa\nmple.org>",
    ],
)
def test_what_is_no_forward_path_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_forward_path(text)


@pytest.mark.parametrize("text", ["<ann>", "<postmaster>", "", "<", "<@a.b>"])
def test_what_is_no_reverse_path_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_reverse_path(text)


def test_a_path_has_a_limit() -> None:
    with pytest.raises(BadSyntax):
        split_path("<" + "@a.example," * 100 + "@b.example:ann@example.org>")


@given(st.text(max_size=80))
def test_any_text_is_a_path_or_bad_syntax(text: str) -> None:
    for parse in (split_path, parse_reverse_path, parse_forward_path):
        try:
            parse(f"<{text}>")
        except BadSyntax:
            continue


@given(st.text(st.sampled_from('a@.,:"\\<> é'), max_size=24))
def test_what_is_split_off_is_what_parses(text: str) -> None:
    try:
        path, rest = split_path(f"<{text}> X=1")
    except BadSyntax:
        return
    assert path + rest == f"<{text}> X=1"
