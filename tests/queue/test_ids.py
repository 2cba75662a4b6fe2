"""Queue ids: unique, ordered, readable."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import BadSyntax
from postel.queue import QueueId, QueueIds
from postel.testing import FakeClock

VALUES = st.integers(min_value=0, max_value=2**63 - 1).map(QueueId)


@given(VALUES)
def test_parse_undoes_str(queue_id: QueueId) -> None:
    assert len(str(queue_id)) == 13
    assert QueueId.parse(str(queue_id)) == queue_id
    assert QueueId.parse(str(queue_id).upper()) == queue_id
    assert f"{queue_id}" == str(queue_id)
    assert eval(repr(queue_id)) == queue_id


@given(VALUES, VALUES)
def test_texts_sort_as_the_numbers_do(one: QueueId, other: QueueId) -> None:
    assert (str(one) < str(other)) == (one < other)


def test_letters_that_look_like_digits_are_read_as_digits() -> None:
    assert QueueId.parse("oooooooooooli") == QueueId(33)


@pytest.mark.parametrize(
    "text", ["", "0" * 12, "0" * 14, "000000000000u", "000000000000 ", "z" * 13, "8" + "0" * 12]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        QueueId.parse(text)


def test_ids_grow_even_within_a_millisecond_and_when_the_clock_is_set_back() -> None:
    clock = FakeClock()
    ids = QueueIds(clock, random.Random(1))
    made = [ids.next() for _ in range(1000)]
    clock.advance(-3600)
    made += [ids.next() for _ in range(1000)]
    assert made == sorted(set(made))


def test_an_id_made_later_is_greater_whoever_made_it() -> None:
    clock = FakeClock()
    first = QueueIds(clock, random.Random(1)).next()
    clock.advance(0.001)
    assert QueueIds(clock, random.Random(2)).next() > first
