"""What is made of outcomes."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from queue_kit import NEVER, NOT_NOW, OK

from postel.mail import NO_PARAMETERS, Mailbox, ReversePath, Status, parse_mailbox
from postel.mail.replies import ALIAS_LOOP, EXPIRED, TOO_MANY_MEMBERS
from postel.message import Action
from postel.queue import (
    Change,
    Delayed,
    Delivered,
    Discarded,
    Expanded,
    Failed,
    Grown,
    Job,
    Outcome,
    Postponed,
    QueuedRecipient,
    QueueId,
    QueueOptions,
    Relayed,
    Settled,
)
from postel.queue.settle import Known, Member, overdue, settle, settle_members

OPTIONS = QueueOptions(member_limit=5, depth_limit=3)
BOB = parse_mailbox("bob@example.org")


def recipient(number: int = 0, *, depth: int = 0, attempts: int = 0) -> QueuedRecipient:
    return QueuedRecipient(
        id=number, mailbox=BOB, original=BOB, parameters=NO_PARAMETERS, depth=depth, attempts=attempts
    )


def job(*recipients: QueuedRecipient) -> Job:
    return Job(
        queue_id=QueueId(1),
        lane="local",
        reverse_path=ReversePath.NULL,
        parameters={"BODY": "8BITMIME", "SMTPUTF8": None},
        recipients=recipients,
        content_id=1,
        size_bytes=10,
        received_at=0.0,
    )


def one(outcome: Outcome, now: float = 0.0, **facts: int) -> Change:
    (change,) = settle(job(recipient(**facts)), {0: outcome}, now, OPTIONS)
    return change


OUTCOMES: st.SearchStrategy[Outcome] = st.sampled_from(
    [
        Delivered(),
        Relayed("mx", OK),
        Expanded((BOB,)),
        Expanded(()),
        Delayed(NOT_NOW),
        Failed(NEVER),
        Discarded(),
    ]
)


@given(st.dictionaries(st.integers(0, 9), OUTCOMES), st.floats(0, 1e7))
def test_every_recipient_gets_exactly_one_change(outcomes: dict[int, Outcome], now: float) -> None:
    work = job(*(recipient(n) for n in range(8)))
    changes = settle(work, outcomes, now, OPTIONS)
    assert [change.recipient for change in changes] == list(work.recipients)
    for change in changes:
        if change.recipient.id not in outcomes:
            assert isinstance(change, Postponed | Settled)


def test_what_a_job_says_of_its_content() -> None:
    assert job().is_8bit
    assert job().asks_smtputf8


@given(st.integers(0, 20))
def test_a_delay_waits_as_long_as_the_attempts_say(attempts: int) -> None:
    change = one(Delayed(NOT_NOW, "mx", "greylisting"), 100.0, attempts=attempts)
    assert isinstance(change, Postponed)
    assert change.next_at == 100.0 + OPTIONS.retry.wait_s(attempts + 1)
    assert (change.reply, change.remote, change.because) == (NOT_NOW, "mx", "greylisting")


def test_a_delay_after_the_end_of_time_is_a_failure() -> None:
    change = one(Delayed(NOT_NOW, "mx"), OPTIONS.expire_after_s)
    assert isinstance(change, Settled)
    assert (change.action, change.reply, change.status) == (Action.FAILED, NOT_NOW, Status(5, 4, 7))


def test_the_reason_of_expiry_is_what_was_said_last() -> None:
    assert overdue(recipient(), NOT_NOW, "mx", "").reply == NOT_NOW
    assert overdue(recipient(), NOT_NOW, None, "").reply == EXPIRED


@pytest.mark.parametrize(
    ("outcome", "action"),
    [
        (Delivered(), Action.DELIVERED),
        (Relayed("mx", OK), Action.RELAYED),
        (Failed(NEVER), Action.FAILED),
        (Discarded(), None),
        (Expanded(()), None),
    ],
)
def test_final_outcomes_settle(outcome: Outcome, action: Action | None) -> None:
    change = one(outcome)
    assert isinstance(change, Settled)
    assert change.action is action


def test_aliases_too_deep_or_too_large_are_refused() -> None:
    deep = one(Expanded((BOB,)), depth=3)
    large = one(Expanded((BOB,) * 6))
    assert isinstance(deep, Settled)
    assert isinstance(large, Settled)
    assert (deep.reply, large.reply) == (ALIAS_LOOP, TOO_MANY_MEMBERS)
    assert isinstance(one(Expanded((BOB,)), depth=2), Grown)


def members(*keys: str) -> list[Member]:
    return [Member(parse_mailbox(f"{key}@example.org"), "local", key) for key in keys]


def grow(number: int, keys: Sequence[str], known: Sequence[Known]) -> list[str] | Settled:
    grown = Grown(recipient=recipient(number), members=tuple(m.mailbox for m in members(*keys)))
    found = settle_members(grown, members(*keys), known, OPTIONS)
    return found if isinstance(found, Settled) else [member.key for member in found]


def test_members_come_in_their_order_each_once_and_only_if_unknown() -> None:
    known = [Known(0, "alias", None, is_alias=True), Known(1, "b", None)]
    assert grow(0, ["a", "b", "c", "a"], known) == ["a", "c"]
    assert grow(0, ["b"], known) == []


def test_an_alias_that_leads_only_to_aliases_that_led_to_it_is_a_loop() -> None:
    known = [
        Known(0, "a", None, is_alias=True),
        Known(1, "b", 0, is_alias=True),
        Known(2, "c", 1, is_alias=True),
    ]
    found = grow(2, ["a", "b", "c"], known)
    assert isinstance(found, Settled)
    assert found.reply == ALIAS_LOOP
    assert grow(2, ["a", "d"], known) == ["d"]


def test_an_alias_that_leads_back_to_a_mailbox_is_none() -> None:
    known = [Known(0, "a", None, is_alias=False), Known(1, "b", 0, is_alias=True)]
    assert grow(1, ["a"], known) == []


def test_a_damaged_chain_of_parents_ends() -> None:
    known = [Known(0, "a", 0, is_alias=True), Known(1, "b", 7, is_alias=True)]
    assert isinstance(grow(0, ["a"], known), Settled)
    assert isinstance(grow(1, ["b"], known), Settled)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1), st.lists(st.sampled_from("abcdefgh"), unique=True))
def test_no_expansion_exceeds_the_limit_or_repeats_anybody(keys: list[str], there: list[str]) -> None:
    known = [Known(n, key, None) for n, key in enumerate(there)]
    found = grow(99, keys, known)
    if isinstance(found, Settled):
        assert len(set(keys) | set(there)) > OPTIONS.member_limit
    else:
        assert sorted([*found, *there]) == sorted(set(found) | set(there) | set(keys))


def test_a_mailbox_is_the_same_by_its_key() -> None:
    from postel.queue.rows import member_key

    shouting: Mailbox = parse_mailbox("Bob@EXAMPLE.org")
    assert member_key(shouting, is_ours=True) == "bob@example.org"
    assert member_key(shouting, is_ours=False) == "Bob@example.org"
