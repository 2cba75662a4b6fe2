"""What a client was told of, and what it was not: it misses nothing when it comes again (RFC 7162 3.2, 6)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imap_world import LETTER, Client, Reply, World, world

COUNT = 6
_CODE = re.compile(r"OK \[HIGHESTMODSEQ (\d+)\]")
_MODSEQ = re.compile(r"MODSEQ \((\d+)\)")
_VANISHED = re.compile(r"VANISHED (?:\(EARLIER\) )?([\d,:]+)")


class Synchronised:
    """A client of QRESYNC: what it believes is there, and the mod-sequence that it would come again with."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.uids = set(range(1, COUNT + 1))
        self.modseq = 0

    async def open(self, uid_validity: int | None = None) -> None:
        await self.client.ok("ENABLE QRESYNC")
        known = "" if uid_validity is None else f" (QRESYNC ({uid_validity} {self.modseq}))"
        await self.say(f"SELECT INBOX{known}")

    async def say(self, command: str) -> Reply:
        reply = await self.client.cmd(
            command
        )  # who counts on what is gone hears NO or BAD, and of changes all the same
        lines = [*reply.lines, reply.tagged]
        for line in lines:
            if found := _VANISHED.match(line):
                self.uids -= _numbers(found[1])
        # RFC 7162 6: the code holds even where greater mod-sequences were seen.
        if codes := [int(found[1]) for line in lines if (found := _CODE.match(line))]:
            self.modseq = codes[-1]
        else:
            self.modseq = max(
                [self.modseq, *(int(found) for line in lines for found in _MODSEQ.findall(line))]
            )
        return reply


def _numbers(text: str) -> set[int]:
    pairs = (part.partition(":") for part in text.split(","))
    return {uid for low, _, high in pairs for uid in range(int(low), int(high or low) + 1)}


async def _expunge(client: Client, uid: int) -> None:
    await client.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
    await client.ok(f"UID EXPUNGE {uid}")


async def _two(w: World) -> tuple[Synchronised, Client]:
    await w.put(*[LETTER] * COUNT)
    one = Synchronised(await w.login(mailbox=None))
    await one.open()
    return one, await w.login()


async def test_the_code_says_how_far_everything_was_told() -> None:
    async with world() as w:
        one, other = await _two(w)
        before = one.modseq
        await _expunge(other, 3)
        for command in ("FETCH 1 (FLAGS)", "STORE 2 +FLAGS (\\Seen)", "SEARCH ALL"):
            reply = await one.say(command)
            assert not any(line.startswith("VANISHED") for line in reply.lines)
            assert one.modseq == before
        reply = await one.say("NOOP")
        assert "VANISHED 3" in reply.lines
        assert reply.lines.index("VANISHED 3") < reply.lines.index(
            f"OK [HIGHESTMODSEQ {one.modseq}] Its mod-sequence"
        )
        assert one.modseq > before


@pytest.mark.parametrize("enabled", ["CONDSTORE", "QRESYNC"])
@pytest.mark.parametrize(("command", "codes"), [("EXPUNGE", 1), ("UID MOVE 2 Archive", 1), ("NOOP", 0)])
async def test_messages_that_went_are_followed_by_one_code(enabled: str, command: str, codes: int) -> None:
    async with world() as w:
        await w.put(*[LETTER] * 3)
        client = await w.login(mailbox=None)
        await client.ok(f"ENABLE {enabled}")
        await client.ok("SELECT INBOX")
        await client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        reply = await client.ok(command)
        assert sum(bool(_CODE.match(line)) for line in [*reply.lines, reply.tagged]) == codes


async def test_who_enables_condstore_hears_how_far_everything_was_told() -> None:
    async with world() as w:
        await w.put(*[LETTER] * 3)
        client, other = await w.login(), await w.login()
        await _expunge(other, 3)
        await client.ok("FETCH 1 (FLAGS)")
        reply = await client.ok("FETCH 1 (MODSEQ)")
        told = [int(found[1]) for line in reply.lines if (found := _CODE.match(line))]
        status = (await other.ok("STATUS INBOX (HIGHESTMODSEQ)")).only("STATUS")
        assert len(told) == 1 and told[0] < int(status.rpartition(" ")[2].rstrip(")"))


async def test_who_waits_is_told_where_the_mailbox_stands() -> None:
    async with world() as w:
        one, other = await _two(w)
        await one.client.send(b"i IDLE\r\n")
        assert (await one.client.line()).startswith("+ ")
        await _expunge(other, 2)
        heard = [await one.client.line() for _ in range(3)]
        assert "* VANISHED 2" in heard and _CODE.match(heard[-1].removeprefix("* "))
        await w.put(LETTER)
        heard = [await one.client.line() for _ in range(3)]
        assert f"* {COUNT} EXISTS" in heard and _CODE.match(heard[-1].removeprefix("* "))


DEEDS = st.tuples(
    st.sampled_from(
        [
            "expunge",
            "flag",
            "NOOP",
            "FETCH 1 (FLAGS)",
            "STORE 1 +FLAGS (x)",
            "STORE 1 -FLAGS.SILENT (x)",
            "SEARCH ALL",
            "UID FETCH 1:* (FLAGS)",
            "UID MOVE 6 Archive",
            "EXPUNGE",
        ]
    ),
    st.integers(1, COUNT),
)


@given(st.lists(DEEDS, max_size=12))
@settings(max_examples=60)
async def test_a_client_that_is_cut_off_anywhere_misses_nothing(deeds: list[tuple[str, int]]) -> None:
    async with world() as w:
        one, other = await _two(w)
        for deed, uid in deeds:
            if deed == "expunge":
                await _expunge(other, uid)
            elif deed == "flag":
                await other.ok(f"UID STORE {uid} +FLAGS (\\Flagged)")
            else:
                await one.say(deed)
        status = (await other.ok("STATUS INBOX (UIDVALIDITY)")).only("STATUS")
        uid_validity = int(status.rpartition(" ")[2].rstrip(")"))
        again = Synchronised(await w.login(mailbox=None))
        again.uids, again.modseq = one.uids, one.modseq
        await again.open(uid_validity)
        there = (await again.client.ok("UID SEARCH ALL")).only("SEARCH").split()[1:]
        assert again.uids == {int(uid) for uid in there}
