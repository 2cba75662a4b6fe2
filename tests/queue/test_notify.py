"""NOTIFY and RET."""

import pytest

from postel.message import Action
from postel.queue.notify import passed_on, returns_content, wants_report


@pytest.mark.parametrize(
    ("notify", "wanted"),
    [
        (None, {Action.FAILED, Action.DELAYED}),
        ("NEVER", set()),
        ("failure", {Action.FAILED}),
        ("DELAY", {Action.DELAYED}),
        ("SUCCESS,FAILURE", {Action.FAILED, Action.DELIVERED, Action.RELAYED, Action.EXPANDED}),
    ],
)
def test_notify_says_what_is_reported(notify: str | None, wanted: set[Action]) -> None:
    parameters = {} if notify is None else {"NOTIFY": notify}
    assert {action for action in Action if wants_report(parameters, action)} == wanted


@pytest.mark.parametrize(("ret", "returns"), [(None, True), ("FULL", True), ("hdrs", False), ("HDRS", False)])
def test_ret_says_whether_the_content_comes_back(ret: str | None, returns: bool) -> None:
    assert returns_content({} if ret is None else {"RET": ret}) is returns


def test_one_member_inherits_everything() -> None:
    parameters = {"NOTIFY": "SUCCESS", "ORCPT": "rfc822;a@b.example"}
    assert passed_on(parameters, 1) == parameters


@pytest.mark.parametrize(
    ("notify", "left"), [("SUCCESS", "NEVER"), ("SUCCESS,FAILURE", "FAILURE"), ("NEVER", "NEVER")]
)
def test_many_members_inherit_all_but_the_wish_for_success(notify: str, left: str) -> None:
    assert passed_on({"NOTIFY": notify, "ORCPT": "x"}, 2) == {"NOTIFY": left, "ORCPT": "x"}


def test_without_notify_there_is_nothing_to_change() -> None:
    assert passed_on({}, 5) == {}
