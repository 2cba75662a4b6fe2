"""Thousands of messages changed by one command: told some at a time, while other sessions change and look too."""

import asyncio
import re
from random import Random

import pytest
from imap_scale import fill
from imap_world import Client, World, world

LETTERS = 2500
pytestmark = pytest.mark.slow


async def flags_of(client: Client) -> dict[int, set[str]]:
    """By UID, as the client is told when it asks."""
    found = [
        re.search(r"UID (\d+) FLAGS \((.*?)\)", line)
        for line in (await client.ok("UID FETCH 1:* (FLAGS)")).lines
    ]
    return {int(match[1]): set(match[2].split()) - {"\\Recent"} for match in found if match}


async def three(there: World) -> tuple[Client, Client, Client]:
    await (await there.login()).ok("LOGOUT")  # so that there is an INBOX, and nothing is recent
    await fill(there, LETTERS)
    return await there.login(), await there.login(), await there.login()


async def test_who_idles_is_told_of_each_message_once() -> None:
    async with world() as there:
        busy, idler, other = await three(there)
        await idler.send(b"i IDLE\r\n")
        assert (await idler.line()).startswith("+")
        storing = asyncio.create_task(busy.ok("STORE 1:* +FLAGS.SILENT (\\Flagged)"))
        told = [await idler.line() for _ in range(LETTERS)]
        assert (await storing).lines == []
        assert {int(line.split()[1]) for line in told} == set(range(1, LETTERS + 1))
        assert all("\\Flagged" in line for line in told)
        await idler.send(b"DONE\r\n")
        assert (await idler.line()).startswith("i OK")
        assert len((await other.ok("NOOP")).lines) == LETTERS


async def test_a_change_by_another_in_the_midst_of_a_silent_store_is_told() -> None:
    async with world() as there:
        busy, other, _ = await three(there)
        storing = asyncio.create_task(busy.ok("STORE 1:* +FLAGS.SILENT (\\Flagged)"))
        await other.ok("STORE 3,2400 +FLAGS.SILENT (\\Answered)")
        await storing
        await busy.ok("NOOP")
        flags = await flags_of(busy)
        assert flags == await flags_of(other)
        assert flags[3] == flags[2400] == {"\\Flagged", "\\Answered"}


@pytest.mark.parametrize("seed", range(4))
async def test_sessions_that_work_at_the_same_time_agree_in_the_end(seed: int) -> None:
    random = Random(seed)
    commands = (
        "STORE 1:* +FLAGS (\\Seen)",
        "UID STORE 1:1500 +FLAGS.SILENT (\\Deleted)",
        "UID STORE 500:2000 -FLAGS (\\Deleted)",
        "UID EXPUNGE 1:400",
        "UID COPY 1:* INBOX",
        "UID MOVE 2000:2200 Trash",
        "UID STORE 1:* FLAGS (x)",
        "UID FETCH 1:* (FLAGS)",
        "NOOP",
    )
    async with world() as there:
        clients = await three(there)

        async def work(client: Client) -> None:
            for command in random.sample(commands, 4):
                reply = await client.cmd(command)
                assert reply.tagged.startswith(("OK", "NO")), (command, reply.tagged)

        await asyncio.gather(*map(work, clients))
        seen = []
        for client in clients:
            await client.ok("NOOP")
            seen.append(await flags_of(client))
        assert seen[0] == seen[1] == seen[2]
        status = (await clients[0].ok("STATUS INBOX (MESSAGES UNSEEN)")).only("STATUS")
        unseen = sum("\\Seen" not in flags for flags in seen[0].values())
        assert status == f"STATUS INBOX (MESSAGES {len(seen[0])} UNSEEN {unseen})"
