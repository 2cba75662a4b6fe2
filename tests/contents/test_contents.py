from contextlib import aclosing
from pathlib import Path

import pytest
from contents_kit import LIMIT, world
from hypothesis import given
from hypothesis import strategies as st

from postel.contents import CHUNK_BYTES, ContentMissing
from postel.database import Conflict
from postel.mail import LocalFault
from postel.testing import simulate

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


async def test_nobody_else_may_read_the_files(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.store(BIG)
        for path in (tmp_path / "contents").rglob("*"):
            assert path.stat().st_mode & 0o077 == 0


async def test_a_reader_gives_small_pieces(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        reader = await w.contents.reader(await w.store(BIG, b"x" * 100_000))
        assert reader.size_bytes == len(BIG) + 100_000
        sizes = [len(chunk) async for chunk in reader.chunks()]
        assert max(sizes) <= CHUNK_BYTES
        assert min(sizes) > 0


@given(
    st.binary(max_size=50), st.integers(0, 3 * LIMIT), st.integers(0, 4 * LIMIT), st.integers(0, 4 * LIMIT)
)
def test_any_part_can_be_read(prefix: bytes, size: int, start: int, stop: int) -> None:
    async def main() -> None:
        async with world(None) as w:
            content_id = await w.store(BIG[:size], prefix)
            assert await w.content(content_id, start, stop) == (prefix + BIG[:size])[start:stop]

    simulate(main)


@pytest.mark.parametrize("start", [0, 10, 500, 70_000, 400_000, 600_000])
@pytest.mark.parametrize("stop", [None, 0, 11, 501, 140_000, 10**9])
async def test_any_part_of_a_file_can_be_read(start: int, stop: int | None, tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        content_id = await w.store(BIG, b"x" * 500)
        assert await w.content(content_id, start, stop) == (b"x" * 500 + BIG)[start:stop]


HEAD = b"From: frito\r\nTo: kitt\r\n\r\n"


@pytest.mark.parametrize(
    ("content", "limit", "head"),
    [
        (HEAD + b"body", 1000, HEAD),
        (HEAD, 1000, HEAD),
        (HEAD + b"body", 10, HEAD[:10]),
        (b"\r\nbody", 1000, b"\r\n"),
        (b"no end at all", 1000, b"no end at all"),
        (b"", 1000, b""),
        (b"x" * (CHUNK_BYTES - 2) + b"\r\n\r\nbody", 10**6, b"x" * (CHUNK_BYTES - 2) + b"\r\n\r\n"),
    ],
)
async def test_the_head_is_read_without_the_body(content: bytes, limit: int, head: bytes) -> None:
    async with world(None) as w:
        reader = await w.contents.reader(await w.store(content))
        assert await reader.head_of(limit) == head


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


async def test_several_holders_come_and_go_at_once() -> None:
    async with world(None) as w:
        draft = w.contents.draft()
        await draft.write(b"x")
        content_id = await w.keep(await draft.seal(), holders=3)
        await w.hold(content_id, 2)
        await w.release(content_id, 4)
        assert await w.content(content_id) == b"x"
        await w.release(content_id)
        with pytest.raises(ContentMissing):
            await w.content(content_id)


async def test_nobody_releases_what_is_not_held(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        content_id = await w.store(BIG)
        with pytest.raises(Conflict):
            await w.release(content_id, 2)
        assert await w.content(content_id) == BIG
        for act in (w.hold(99), w.release(99)):
            with pytest.raises(ContentMissing):
                await act


async def test_an_id_never_means_another_content() -> None:
    async with world(None) as w:
        first = await w.store(b"one")
        await w.release(first)
        assert await w.store(b"two") != first


async def test_a_reader_reads_to_the_end_what_is_released_meanwhile(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        content_id = await w.store(BIG)
        reader = await w.contents.reader(content_id)
        async with aclosing(reader.chunks()) as chunks:
            read = await anext(chunks)
            await w.release(content_id)
            await w.contents.close()
            assert w.files() == []
            async for chunk in chunks:
                read += chunk
        assert read == BIG


async def test_a_reader_can_stop_anywhere(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        reader = await w.contents.reader(await w.store(BIG))
        async with aclosing(reader.chunks()) as chunks:
            assert await anext(chunks) == BIG[:CHUNK_BYTES]


async def test_a_content_whose_file_is_lost_or_cut_is_missing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        content_id = await w.store(BIG)
        (file,) = w.files()
        file.write_bytes(BIG[:1000])
        with pytest.raises(ContentMissing, match="cut short"):
            await w.content(content_id)
        file.unlink()
        with pytest.raises(ContentMissing, match="No such file"):
            await w.content(content_id)
        file.mkdir()
        with pytest.raises(ContentMissing):
            await w.content(content_id)


async def test_a_content_that_is_released_before_it_is_read_is_missing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        content_id = await w.store(b"small")
        reader = await w.contents.reader(content_id)
        await w.release(content_id)
        with pytest.raises(ContentMissing):
            await anext(reader.chunks())


async def test_a_content_with_a_file_needs_the_directory(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        content_id = await w.store(BIG)
        from postel.contents import Contents
        from postel.testing import InlineWorkers

        elsewhere = Contents(None, w.database, InlineWorkers())
        reader = await elsewhere.reader(content_id)
        with pytest.raises(ContentMissing):
            await reader.head_of(10)


async def test_a_draft_is_used_once() -> None:
    async with world(None) as w:
        draft = w.contents.draft()
        await draft.write(b"x")
        await draft.seal()
        with pytest.raises(LocalFault):
            await draft.write(b"x")
        with pytest.raises(LocalFault):
            await draft.seal()


Act = tuple[str, int, bytes]
ACTS = st.lists(
    st.tuples(st.sampled_from(["store", "hold", "release"]), st.integers(0, 5), st.binary(max_size=30)),
    max_size=30,
)


@given(ACTS)
def test_a_content_is_there_as_long_as_it_is_held(acts: list[Act]) -> None:
    """The oracle is a dict from id to content and number of holders."""

    async def main() -> None:
        async with world(None, inline_limit=10) as w:
            held: dict[int, tuple[bytes, int]] = {}
            for act, n, content in acts:
                ids = sorted(held)
                if act == "store":
                    held[await w.store(content)] = (content, 1)
                elif ids:
                    chosen = ids[n % len(ids)]
                    before, holders = held[chosen]
                    held[chosen] = (before, holders + (1 if act == "hold" else -1))
                    await (w.hold(chosen) if act == "hold" else w.release(chosen))
                    if held[chosen][1] == 0:
                        del held[chosen]
            for content_id, (content, _) in held.items():
                assert await w.content(content_id) == content

    simulate(main)
