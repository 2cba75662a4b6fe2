"""A draft can be read before it is sealed: what hooks look at."""

from pathlib import Path

import pytest
from contents_kit import LIMIT, world

from postel.contents import Draft
from postel.mail import LocalFault

BIG = bytes(range(256)) * 4000


async def read(draft: Draft) -> bytes:
    return b"".join([piece async for piece in draft.chunks()])


@pytest.mark.parametrize("size", [0, 1, LIMIT, LIMIT + 1, 300_000, len(BIG)])
@pytest.mark.parametrize("is_file", [False, True])
async def test_a_draft_is_read_as_it_was_written_and_then_sealed(
    size: int, is_file: bool, tmp_path: Path
) -> None:
    async with world(tmp_path if is_file else None) as w:
        draft = w.contents.draft()
        for start in range(0, size, 10_000):
            await draft.write(BIG[start : min(start + 10_000, size)])
        assert await read(draft) == BIG[:size]
        assert await read(draft) == BIG[:size]
        assert await w.content(await w.keep(await draft.seal(b"X: 1\r\n"))) == b"X: 1\r\n" + BIG[:size]
        await draft.discard()


async def test_the_pieces_of_a_large_draft_are_small(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        draft = w.contents.draft()
        await draft.write(BIG)
        assert max([len(piece) async for piece in draft.chunks()]) <= 256 * 1024
        await draft.discard()


@pytest.mark.parametrize("size", [10, len(BIG)])
async def test_a_draft_that_is_over_is_not_read(size: int, tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        draft = w.contents.draft()
        await draft.write(BIG[:size])
        await draft.discard()
        with pytest.raises(LocalFault):
            await read(draft)
