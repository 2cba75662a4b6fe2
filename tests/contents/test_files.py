"""Which files are there, whoever dies, gives up or is slow."""

import asyncio
import resource
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from contents_kit import LIMIT, World, world

from postel.contents import Contents, Disk, Draft, keep
from postel.contents.files import ContentFiles
from postel.database import DatabaseTrouble, SqliteDatabase, Transaction
from postel.mail import LocalFault
from postel.net import ThreadWorkers
from postel.testing import InlineWorkers

T = TypeVar("T")

BIG = bytes(range(256)) * 2000


async def drafted(w: World, content: bytes = BIG) -> Draft:
    draft = w.contents.draft()
    await draft.write(content)
    return draft


@contextmanager
def small_files(limit_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_discarded_draft_leaves_no_file(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for is_sealed in (False, True):
            draft = await drafted(w)
            if is_sealed:
                await draft.seal()
            assert len(w.files()) == 1
            await draft.discard()
            await draft.discard()
            assert w.files() == []


async def test_discarding_what_was_kept_changes_nothing_and_waits_for_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as w:
        draft = await drafted(w)
        content_id = await w.keep(await draft.seal())
        with monkeypatch.context() as without_workers:
            without_workers.delattr(InlineWorkers, "run")
            await draft.discard()
        assert await w.content(content_id) == BIG


async def test_what_was_discarded_cannot_be_kept(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        draft = await drafted(w)
        sealed = await draft.seal()
        await draft.discard()
        with pytest.raises(LocalFault):
            await w.keep(sealed)


async def test_a_failed_transaction_leaves_the_draft_to_be_kept_again_or_discarded(tmp_path: Path) -> None:
    async with world(tmp_path) as w:

        async def fails(tx: Transaction) -> None:
            await keep(tx, sealed)
            raise ZeroDivisionError

        draft = await drafted(w)
        sealed = await draft.seal()
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await w.database.write(fails)
        assert await w.content(await w.keep(sealed)) == BIG

        draft = await drafted(w)
        sealed = await draft.seal()
        with pytest.raises(ZeroDivisionError):
            await w.database.write(fails)
        await draft.discard()
        await w.contents.close()
        assert len(w.files()) == 1


async def test_a_caller_cancelled_amid_the_commit_cannot_discard_what_was_kept(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        draft = await drafted(w)
        sealed = await draft.seal()
        kept: list[int] = []

        async def work(tx: Transaction) -> None:
            kept.append(await keep(tx, sealed))

        task = asyncio.ensure_future(w.database.write(work))
        while not kept:
            await asyncio.sleep(0)
        task.cancel()
        await draft.discard()
        await w.contents.close()
        assert await w.contents.sweep() == 0
        assert await w.content(kept[0]) == BIG


async def test_a_caller_cancelled_before_the_commit_leaves_no_row_without_its_file(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        draft = await drafted(w)
        task = asyncio.ensure_future(w.keep(await draft.seal()))
        await asyncio.sleep(0)
        task.cancel()
        await draft.discard()
        await asyncio.wait([task])
        assert await w.store(BIG) == 1  # the first id is still free: nothing was kept
        assert len(w.files()) == 1


async def test_a_sweep_removes_what_the_dead_left_and_nothing_else(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        kept = await w.store(BIG)
        writing = await drafted(w)
        sealed = await (await drafted(w)).seal()
        orphan = ContentFiles(tmp_path, Disk()).path("abcdef")
        orphan.parent.mkdir(exist_ok=True)
        orphan.write_bytes(b"half a mess")
        beside = Contents(tmp_path, w.database, InlineWorkers())  # as of another process
        assert await beside.sweep() == 1
        assert not orphan.exists()
        assert await beside.sweep() == 0
        await writing.write(BIG)
        assert await w.content(await w.keep(await writing.seal())) == BIG + BIG
        assert await w.content(await w.keep(sealed)) == BIG
        assert await w.content(kept) == BIG


async def test_what_was_released_by_a_process_that_died_is_removed_at_the_next_start(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        content_id = await w.store(BIG)
        await w.contents.close()  # nobody listens any more
        await w.release(content_id)
        assert len(w.files()) == 1
    async with world(tmp_path) as w:
        assert await w.contents.sweep() == 1
        assert w.files() == []
        assert await w.contents.sweep() == 0


async def test_a_draft_that_was_forgotten_is_an_orphan(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        draft = await drafted(w)
        assert await w.contents.sweep() == 0
        del draft
        assert await w.contents.sweep() == 1


class SlowWorkers(InlineWorkers):
    """Lets a step of the test happen before the work whose turn it is."""

    def __init__(self) -> None:
        self.before: dict[int, Callable[[], object]] = {}
        self.count = 0

    async def run(self, work: Callable[[], T]) -> T:
        self.count += 1
        if self.count in self.before:
            await self.before[self.count]()  # type: ignore[misc]
        return work()


@pytest.mark.parametrize("when", range(1, 8))
async def test_a_draft_kept_amid_a_sweep_keeps_its_file(when: int, tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        workers = SlowWorkers()
        sweeper = Contents(tmp_path, w.database, workers)
        sealed = await (await drafted(w)).seal()
        ids: list[int] = []

        async def keep_now() -> None:
            ids.append(await w.keep(sealed))

        workers.before[when] = keep_now
        await sweeper.sweep()
        if not ids:
            await keep_now()
        assert await w.content(ids[0]) == BIG


async def test_many_released_files_are_removed_in_pieces(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        ids = [await w.store(b"x" * (LIMIT + 1)) for _ in range(20)]
        from postel.contents import contents

        assert contents.SWEEP_AT_ONCE >= 20
        for content_id in ids:
            await w.release(content_id)
        await w.contents.close()
        assert w.files() == []


async def test_without_a_directory_there_is_nothing_to_sweep() -> None:
    async with world(None) as w:
        await w.release(await w.store(BIG))
        assert await w.contents.sweep() == 0


async def test_a_full_disk_is_trouble_that_says_so(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.store(BIG)
        draft = w.contents.draft()
        with small_files(300_000), pytest.raises(DatabaseTrouble) as trouble:
            for _ in range(10):
                await draft.write(BIG)
        assert trouble.value.is_full
        with pytest.raises(LocalFault):  # it has a hole
            await draft.seal()
        await draft.discard()
        assert len(w.files()) == 1


async def test_a_disk_that_fails_is_trouble_of_another_kind(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        (tmp_path / "contents").write_text("no directory")
        draft = w.contents.draft()
        with pytest.raises(DatabaseTrouble) as trouble:
            await draft.write(BIG)
        assert not trouble.value.is_full
        await draft.discard()
        (tmp_path / "contents").unlink()
        assert await w.content(await w.store(BIG)) == BIG


async def test_files_that_cannot_be_removed_wait_for_the_next_time(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        content_id = await w.store(BIG)
        (file,) = w.files()
        file.unlink()
        file.mkdir()  # unlink fails
        await w.release(content_id)
        other = await w.store(BIG)
        await w.release(other)
        with pytest.raises(DatabaseTrouble):
            await w.contents.sweep()
        file.rmdir()
        await w.contents.sweep()
        assert w.files() == []


async def test_a_cancelled_write_leaves_only_discard(tmp_path: Path) -> None:
    class Never(InlineWorkers):
        async def run(self, work: Callable[[], T]) -> T:
            await asyncio.sleep(3600)
            return work()

    async with world(tmp_path) as w:
        draft = Contents(tmp_path, w.database, Never(), LIMIT).draft()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(draft.write(BIG), 1)
        with pytest.raises(LocalFault):
            await draft.seal()
        await draft.discard()


@asynccontextmanager
async def threaded(directory: Path) -> AsyncIterator[World]:
    database = await SqliteDatabase.open(directory)
    workers = ThreadWorkers(4)
    from postel.contents import MIGRATIONS

    await database.migrate(MIGRATIONS)
    contents = Contents(directory, database, workers)
    yield World(database, contents, directory)
    await contents.close()
    await database.close()
    workers.close()


@pytest.mark.real_time
@pytest.mark.slow
async def test_many_at_once_with_real_threads(tmp_path: Path) -> None:
    async with threaded(tmp_path) as w:

        async def one(n: int) -> None:
            content = bytes([n]) * (n * 20_000)
            draft = w.contents.draft()
            for at in range(0, len(content), 50_000):
                await draft.write(content[at : at + 50_000])
            if n % 3 == 0:
                await draft.discard()
                return
            content_id = await w.keep(await draft.seal(b"prefix"))
            assert await w.content(content_id) == b"prefix" + content
            await w.release(content_id)

        await asyncio.gather(*(one(n) for n in range(40)))
        await w.contents.close()
        assert w.files() == []


@pytest.mark.real_time
@pytest.mark.slow
async def test_a_message_of_fifty_megabytes_costs_little_memory(tmp_path: Path) -> None:
    chunk = bytes(64 * 1024)
    async with threaded(tmp_path) as w:
        tracemalloc.start()
        draft = w.contents.draft()
        for _ in range(800):
            await draft.write(chunk)
        content_id = await w.keep(await draft.seal(b"Received: x\r\n"))
        reader = await w.contents.reader(content_id)
        size = 0
        async for piece in reader.chunks():
            size += len(piece)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert size == 800 * len(chunk) + 13
        assert peak < 1_500_000
