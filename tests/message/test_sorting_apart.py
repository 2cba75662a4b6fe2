"""Sorting in steps gives what sorting at once would."""

from random import Random

import pytest

from postel.message import SortCriterion, sort_columns
from postel.message.order.sorting_apart import AT_ONCE, sort_apart


@pytest.mark.parametrize("is_reverse", [False, True])
@pytest.mark.parametrize("values", [1, 2, 50, 10**6])
@pytest.mark.parametrize("count", [0, 1, AT_ONCE, AT_ONCE + 1, 5 * AT_ONCE])
def test_what_is_dealt_out_and_sorted_is_what_one_sort_gives(
    count: int, values: int, is_reverse: bool
) -> None:
    random = Random(count + values)
    pairs = [(random.randrange(values), place) for place in range(count)]
    found = sort_apart(pairs, lambda pair: pair[0], reverse=is_reverse)
    assert found == sorted(pairs, key=lambda pair: pair[0], reverse=is_reverse)


def test_most_keys_may_be_equal_and_the_rest_far_from_them() -> None:
    random = Random(1)
    pairs = [("" if random.random() < 0.9 else str(random.random()), place) for place in range(4 * AT_ONCE)]
    assert sort_apart(pairs, lambda pair: pair[0]) == sorted(pairs)


def test_columns_are_sorted_by_each_criterion_in_turn() -> None:
    columns = {SortCriterion.SIZE: [9, 7, 9, 8], SortCriterion.DATE: [3.0, 1.0, 2.0, 2.0]}
    program = [(SortCriterion.SIZE, True), (SortCriterion.DATE, False)]
    assert sort_columns([11, 12, 13, 14], columns, program) == [13, 11, 14, 12]
