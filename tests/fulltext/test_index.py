"""The index of texts finds what is there, and nothing else."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postel.fulltext import Field, FullText, LetterText, Place
from postel.fulltext.index import Index
from postel.fulltext.letters import TEXT_LIMIT
from postel.net import ThreadWorkers
from postel.testing import InlineWorkers

_TEXT = st.text(st.sampled_from('ab c"äß\n日%*'), max_size=12)
_NEEDLE = st.text(st.sampled_from('ab c"äß日%*'), min_size=1, max_size=5)


@given(st.lists(st.tuples(_TEXT, _TEXT, _TEXT), max_size=5), _NEEDLE)
def test_a_text_is_found_wherever_it_is_a_part(letters: list[tuple[str, str, str]], needle: str) -> None:
    index = Index(None)
    index.add([(n, LetterText({Field.SUBJECT: s} if s else {}, h, b)) for n, (s, h, b) in enumerate(letters)])
    everything = range(len(letters))
    assert index.find(Place.BODY, needle, everything).hits == {
        n for n in everything if needle in letters[n][2]
    }
    found = index.find(Place.TEXT, needle, everything)
    assert found.hits == {n for n in everything if needle in letters[n][1] or needle in letters[n][2]}
    assert not found.unknown
    assert index.find_field(Field.SUBJECT, needle, everything).hits == {
        n for n in everything if needle in letters[n][0]
    }
    index.close()


def test_what_is_not_indexed_or_not_wholly_is_said_to_be_unknown() -> None:
    index = Index(None)
    index.add(
        [(1, LetterText({}, "", "x" * TEXT_LIMIT + "needle")), (2, LetterText({}, "needle in a header", ""))]
    )
    found = index.find(Place.TEXT, "needle", [1, 2, 3])
    assert found.hits == {2} and found.unknown == {1, 3}
    index.forget([2])
    assert index.find(Place.TEXT, "needle", [2]).unknown == {2}


@pytest.mark.slow
@settings(max_examples=20)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), max_size=12))
def test_what_two_processes_put_in_and_take_out_is_known_to_both(steps: list[tuple[bool, bool, int]]) -> None:
    with TemporaryDirectory() as directory:
        both = [Index(Path(directory, "1.db")) for _ in range(2)]
        there: set[int] = set()
        for is_other, is_added, number in steps:
            if is_added:
                both[is_other].add([(number, LetterText({Field.FROM: "ab"}, "ab", "ab"))])
                there.add(number)
            else:
                both[is_other].forget([number])
                there.discard(number)
            for index in both:
                for found in (
                    index.find_field(Field.FROM, "a", range(6)),
                    index.find(Place.BODY, "a", range(6)),
                ):
                    assert found.hits == there and found.unknown == set(range(6)) - there
        for index in both:
            index.close()


async def test_a_broken_index_is_made_anew_and_finds_nothing_wrong(tmp_path: Path) -> None:
    workers = InlineWorkers()
    texts = FullText(tmp_path, workers)
    await texts.add(7, [(1, LetterText({}, "", "hello"))])
    assert (await texts.find(7, Place.BODY, "hell", [1])).hits == {1}
    await texts.close()
    (tmp_path / "search" / "7.db").write_bytes(b"this is no database" * 1000)
    texts = FullText(tmp_path, workers)
    assert (await texts.find(7, Place.BODY, "hell", [1])).unknown == {1}
    assert await texts.is_new(7)
    await texts.close()


async def test_indexes_of_accounts_are_apart_and_go_with_them(tmp_path: Path) -> None:
    texts = FullText(tmp_path, InlineWorkers())
    await texts.add(1, [(1, LetterText({}, "", "hello"))])
    assert (await texts.find(2, Place.BODY, "hello", [1])).hits == frozenset()
    await texts.remove(1)
    assert not (tmp_path / "search" / "1.db").exists()
    await texts.close()


@pytest.mark.slow
@pytest.mark.real_time
async def test_who_is_cancelled_leaves_when_the_thread_has(tmp_path: Path) -> None:
    workers = ThreadWorkers(2)
    texts = FullText(tmp_path, workers)
    letters = [(n, LetterText({}, "", f"letter {n} " * 2000)) for n in range(200)]
    adding = asyncio.create_task(texts.add(1, letters))
    await asyncio.sleep(0)
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    await texts.close()
    workers.close()
