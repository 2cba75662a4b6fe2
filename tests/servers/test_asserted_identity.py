"""RFC 4954 5: whose word in AUTH= counts."""

import pytest

from postel.mail import parse_mailbox
from postel.servers.submission import believed

ANN = parse_mailbox("ann@example.org")


@pytest.mark.parametrize("value", ["ann@example.org", "ANN@Example.ORG", "ann+40example.org", "<>"])
def test_a_client_may_name_itself_or_nobody(value: str) -> None:
    assert believed({"AUTH": value, "SIZE": "1"}, ANN) == {"AUTH": value, "SIZE": "1"}


@pytest.mark.parametrize("account", [None, parse_mailbox("bob@example.org")])
def test_what_others_say_is_taken_for_nobody(account: object) -> None:
    assert believed({"AUTH": "ann@example.org"}, account) == {"AUTH": "<>"}  # type: ignore[arg-type]
    assert believed({"AUTH": "+ZZ"}, account) == {"AUTH": "<>"}  # type: ignore[arg-type]


def test_who_asserts_nothing_is_left_alone() -> None:
    parameters = {"SIZE": "1"}
    assert believed(parameters, None) is parameters
