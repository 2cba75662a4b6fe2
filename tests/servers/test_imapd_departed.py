"""What another session has expunged is read all the same by one that has not been told (RFC 2180 4.1.1)."""

from __future__ import annotations

import pytest
from imap_world import LETTER, Client, Reply, World, world

TEXT = LETTER.decode("latin-1")


async def _two(w: World, *, messages: int = 3) -> tuple[Client, Client]:
    """Two sessions of a mailbox."""
    await w.put(*[LETTER] * messages)
    return await w.login(), await w.login()


async def _expunge(client: Client, uids: str) -> None:
    await client.ok(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")
    await client.ok(f"UID EXPUNGE {uids}")


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ("BODY.PEEK[]", f"2 FETCH (BODY[] {{{len(LETTER)}}}\r\n{TEXT})"),
        ("(UID FLAGS)", "2 FETCH (UID 2 FLAGS (\\Flagged work \\Recent))"),
        ("RFC822.SIZE", f"2 FETCH (RFC822.SIZE {len(LETTER)})"),
        (
            "(BODY.PEEK[HEADER.FIELDS (To)])",
            "2 FETCH (BODY[HEADER.FIELDS (To)] {24}\r\nTo: kitt@example.org\r\n\r\n)",
        ),
        ("BINARY.SIZE[1]", "2 FETCH (BINARY.SIZE[1] 14)"),
        ("(EMAILID THREADID)", "2 FETCH (EMAILID (L2) THREADID (T1))"),
    ],
)
async def test_what_another_has_expunged_is_read_all_the_same(items: str, told: str) -> None:
    async with world() as w:
        one, other = await _two(w)
        await one.ok("STORE 2 +FLAGS.SILENT (\\Flagged work)")
        await other.ok("MOVE 2 Archive")
        assert _fetched(await one.ok(f"FETCH 2 {items}")) == [told]
        assert "2 EXPUNGE" in (await one.ok("NOOP")).lines


def _fetched(reply: Reply) -> list[str]:
    return [line for line in reply.lines if " FETCH " in line]


async def test_a_mixture_is_told_whole_and_under_the_numbers_that_the_client_knows() -> None:
    async with world() as w:
        one, other = await _two(w, messages=5)
        await _expunge(other, "2,4")
        for command, ended in (("FETCH 1:* (UID)", False), ("UID FETCH 1:* (RFC822.SIZE)", True)):
            reply = await one.ok(command)
            numbers = sorted(int(line.split()[0]) for line in _fetched(reply))
            assert numbers == [1, 2, 3, 4, 5]
            assert ("2 EXPUNGE" in reply.lines) is ended  # RFC 9051 7.5.1


async def test_reading_what_is_gone_marks_nothing() -> None:
    async with world() as w:
        one, other = await _two(w)
        await _expunge(other, "2")
        reply = await one.ok("FETCH 2 BODY[TEXT]")
        assert reply.lines == ["2 FETCH (BODY[TEXT] {14}\r\nHow are you?\r\n)"]


async def test_uids_stand_for_it_too_where_only_they_are_known() -> None:
    async with world() as w:
        one, other = await _two(w)
        await one.ok("ENABLE UIDONLY")
        await _expunge(other, "2")
        reply = await one.ok("UID FETCH 2 (RFC822.SIZE)")
        assert reply.lines == [f"2 UIDFETCH (RFC822.SIZE {len(LETTER)})", "VANISHED 2"]


async def test_what_nobody_can_have_back_is_gone_and_the_rest_is_told() -> None:
    async with world() as w:
        one, other = await _two(w)
        await _expunge(other, "2")
        await w.parts.store.kept.prune(w.parts.clock.now())
        reply = await one.cmd("FETCH 1:3 BODY.PEEK[TEXT]")
        assert reply.tagged.startswith("NO [EXPUNGEISSUED]")  # RFC 2180 4.1.2
        assert [line[0] for line in _fetched(reply)] == ["1", "3"]


async def test_who_has_been_told_reads_it_no_more() -> None:
    async with world() as w:
        one, other = await _two(w)
        await _expunge(other, "3")
        await one.ok("NOOP")
        assert (await one.cmd("FETCH 3 FLAGS")).tagged.startswith("BAD")
        assert not (await one.ok("UID FETCH 3 FLAGS")).lines
