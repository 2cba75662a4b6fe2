"""Whatever was read ahead, FETCH gives the message that was asked for."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from imap_world import Client, world

COUNT = 30
SIZES = (10, 3_000, 70_000, 140_000, 20_000)
LETTERS = [b"Subject: %d\r\n\r\n%b\r\n" % (n, b"x" * SIZES[n % 5]) for n in range(COUNT)]
IN_ORDER = list(range(1, COUNT + 1))


@given(st.lists(st.integers(1, COUNT), min_size=1, max_size=50) | st.sampled_from([IN_ORDER, IN_ORDER[::-1]]))
@settings(max_examples=20)
async def test_messages_are_the_same_in_whatever_order_they_are_fetched(uids: list[int]) -> None:
    async with world() as w:
        await w.put(*LETTERS)
        client = await w.login()
        for uid in uids:
            assert await _body(client, uid) == LETTERS[uid - 1]


@given(st.lists(st.tuples(st.sampled_from(["fetch", "expunge", "told"]), st.integers(1, COUNT)), max_size=40))
@settings(max_examples=20)
async def test_what_goes_meanwhile_is_had_until_it_is_told_and_never_after(
    deeds: list[tuple[str, int]],
) -> None:
    async with world() as w:
        await w.put(*LETTERS)
        client, other = await w.login(), await w.login()
        gone: set[int] = set()
        told: set[int] = set()
        for uid in IN_ORDER[:5]:
            await _body(client, uid)
        for deed, uid in deeds:
            if deed == "expunge":
                await other.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
                await other.ok(f"UID EXPUNGE {uid}")
                gone.add(uid)
            elif deed == "told":
                await client.ok("NOOP")
                told |= gone
            else:
                assert await _body(client, uid) == (None if uid in told else LETTERS[uid - 1])
                told |= gone  # RFC 9051 7.5.1: UID FETCH is a time to tell


async def _body(client: Client, uid: int) -> bytes | None:
    """What FETCH gives for a UID; None when it gives nothing."""
    lines = [
        line for line in (await client.ok(f"UID FETCH {uid} (BODY.PEEK[])")).lines if " FETCH (UID " in line
    ]
    if not lines:
        return None
    head, _, rest = lines[0].partition("}\r\n")
    size = int(head.rpartition("{")[2])
    assert f"(UID {uid} " in head
    return rest[:size].encode("latin-1")
