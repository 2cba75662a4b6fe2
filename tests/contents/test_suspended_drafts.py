"""Drafts that outlive the process that wrote them."""

from pathlib import Path

import pytest
from contents_kit import World, world
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postel.contents import ContentMissing, DraftBusy, name_draft, release_draft, unname_draft
from postel.database import Conflict, Transaction
from postel.mail import LocalFault
from postel.testing import simulate

LETTER = b"Subject: hello\r\n\r\n" + b"A line of the letter.\r\n" * 20_000


async def name(place: World, file: str | None) -> None:
    assert file is not None

    async def work(tx: Transaction) -> None:
        await name_draft(tx, file)

    await place.database.write(work)


def test_a_suspended_draft_goes_on_where_it_stopped_and_becomes_a_content(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as place:
            draft = await place.contents.lasting_draft()
            file = draft.file_name
            await name(place, file)
            await draft.write(LETTER[:300_001])
            assert await draft.suspend() == 300_001

            assert file is not None
            again = await place.contents.resume(file)
            offset = again.size_bytes
            assert 299_900 < offset <= 300_001 and LETTER[:offset].endswith(b"\r\n")
            assert b"".join([chunk async for chunk in again.chunks()]) == LETTER[:offset]
            assert (
                b"".join([chunk async for chunk in again.chunks(offset - 23)]) == LETTER[offset - 23 : offset]
            )
            await again.write(LETTER[offset:])
            content_id = await place.keep(await again.seal(b"Received: here\r\n"))
            assert await place.content(content_id) == b"Received: here\r\n" + LETTER

    simulate(main)


def test_what_was_never_synced_can_be_left_out(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as place:
            draft = await place.contents.lasting_draft()
            await draft.write(LETTER[:1000])
            synced = await draft.sync()
            await draft.write(LETTER[1000:200_000])
            await draft.suspend()
            assert synced == 1000
            again = await place.contents.resume(draft.file_name or "", synced)
            assert again.size_bytes <= 1000 and LETTER[: again.size_bytes].endswith(b"\r\n")
            assert place.files()[0].stat().st_size == again.size_bytes
            await again.discard()
            assert place.files() == []

    simulate(main)


def test_the_sweep_leaves_a_named_draft_alone_and_removes_others(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as place:
            kept, lost = await place.contents.lasting_draft(), await place.contents.lasting_draft()
            await name(place, kept.file_name)
            for draft in (kept, lost):
                await draft.write(LETTER)
                await draft.suspend()
            assert await place.contents.sweep() == 1
            assert [path.name for path in place.files()] == [kept.file_name]

    simulate(main)


def test_a_released_draft_is_removed(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as place:
            draft = await place.contents.lasting_draft()
            file = draft.file_name or ""
            await name(place, file)
            await draft.suspend()

            async def let_go(tx: Transaction) -> None:
                await release_draft(tx, file)

            await place.database.write(let_go)
            await place.contents.close()
            assert place.files() == []
            with pytest.raises(ContentMissing):
                await place.contents.resume(file)

    simulate(main)


def test_a_draft_that_somebody_has_open_is_busy(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as place:
            draft = await place.contents.lasting_draft()
            with pytest.raises(DraftBusy):
                await place.contents.resume(draft.file_name or "")
            await draft.discard()

    simulate(main)


def test_a_file_is_named_once_and_unnamed_by_whoever_takes_it_over(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as place:
            draft = await place.contents.lasting_draft()
            file = draft.file_name or ""
            await name(place, file)
            with pytest.raises(Conflict):
                await name(place, file)
            await draft.suspend()

            async def unname(tx: Transaction) -> None:
                await unname_draft(tx, file)

            await place.database.write(unname)
            assert await place.contents.sweep() == 1

    simulate(main)


def test_without_a_place_for_files_nothing_can_be_suspended() -> None:
    async def main() -> None:
        async with world(None) as place:
            assert not place.contents.can_suspend
            with pytest.raises(LocalFault):
                await place.contents.lasting_draft()
            draft = place.contents.draft()
            with pytest.raises(LocalFault):
                await draft.suspend()

    simulate(main)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"a", b"b" * 70_000])).map(b"".join))
def test_the_offset_is_behind_the_last_whole_line(tmp_path: Path, content: bytes) -> None:
    async def main() -> None:
        async with world(tmp_path) as place:
            draft = await place.contents.lasting_draft()
            await draft.write(content)
            await draft.suspend()
            again = await place.contents.resume(draft.file_name or "")
            assert (
                again.size_bytes == content.rfind(b"\r\n") + 2 if b"\r\n" in content else not again.size_bytes
            )
            await again.discard()

    simulate(main)
