"""What a server offers."""

from __future__ import annotations

import pytest

from postel.proto.smtp.offered import Offered, parse_offered


def test_keywords_have_no_case_and_keep_their_parameters() -> None:
    offered = parse_offered(["Pipelining", "size 1000", "AUTH PLAIN login"])
    assert "PIPELINING" in offered
    assert "STARTTLS" not in offered
    assert offered.size_limit == 1000
    assert offered.mechanisms == ("PLAIN", "LOGIN")


@pytest.mark.parametrize("line", ["SIZE", "SIZE 0", "SIZE x", "SIZE -1", "SIZE " + "9" * 50, "X"])
def test_no_limit_is_none(line: str) -> None:
    assert parse_offered([line]).size_limit is None


def test_the_old_spelling_of_auth_adds_to_the_new() -> None:
    assert parse_offered(["AUTH PLAIN", "AUTH=LOGIN PLAIN"]).mechanisms == ("PLAIN", "LOGIN", "PLAIN")


def test_what_is_no_keyword_is_passed_over() -> None:
    assert (
        parse_offered(["", "hello, nice to meet you", "--", "ähem"])
        == parse_offered(["HELLO,"])
        == Offered({})
    )
