from pathlib import Path

import pytest
from contents_kit import LIMIT, world

from postel.contents import CHUNK_BYTES, ContentMissing

BIG = bytes(range(256)) * 2000


@pytest.mark.parametrize("size", [0, 1, LIMIT, LIMIT + 1, 500_000])
@pytest.mark.parametrize("is_file", [False, True])
async def test_what_was_kept_is_read_back(size: int, is_file: bool, tmp_path: Path) -> None:
    async with world(tmp_path if is_file else None) as w:
        content_id = await w.store(BIG[:size], b"Received: x\r\n")
        assert await w.content(content_id) == b"Received: x\r\n" + BIG[:size]


async def test_only_large_content_makes_a_file(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.store(BIG[:LIMIT])
        assert w.files() == []
        await w.store(BIG[: LIMIT + 1])
        assert len(w.files()) == 1


async def test_a_reader_gives_small_pieces(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        reader = await w.contents.reader(await w.store(BIG, b"x" * 100_000))
        assert reader.size_bytes == len(BIG) + 100_000
        sizes = [len(chunk) async for chunk in reader.chunks()]
        assert max(sizes) <= CHUNK_BYTES
        assert min(sizes) > 0


async def test_the_last_release_takes_rows_and_file_along(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        content_id = await w.store(BIG)
        await w.hold(content_id)
        await w.release(content_id)
        assert await w.content(content_id) == BIG
        await w.release(content_id)
        await w.contents.close()
        assert w.files() == []
        with pytest.raises(ContentMissing):
            await w.contents.reader(content_id)
