"""A crowd at one mailbox of a real server: two processes serve it, and one of them is killed while all are busy."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import pytest
from served import LOGIN, PASSWORD, Serve, Served, add_account, configuration
from test_workers import kill_one

from imap_crowd import MAILBOX, Dial, Meanwhile, Person, Wire, crowd

pytestmark = [pytest.mark.slow, pytest.mark.real_time, pytest.mark.timeout(600)]

PEOPLE = int(os.environ.get("POSTEL_CROWD_PEOPLE", "10"))
ACTIONS = int(os.environ.get("POSTEL_CROWD_ACTIONS", "60"))
LOCAL = '\n[[domain]]\nname = "example.org"\n' + LOGIN


def _dial(port: int) -> Dial:
    async def dial() -> Wire:
        while True:
            with suppress(OSError):
                return await _connect(port)

    return dial


async def _connect(port: int) -> Wire:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def write(octets: bytes) -> None:
        writer.write(octets)
        await writer.drain()

    return Wire(lambda: reader.read(65536), write, writer.transport.abort)


async def _play(port: int, seed: int, actions: int, meanwhile: Meanwhile | None = None) -> list[Person]:
    dial, login = _dial(port), f'kitt@example.org "{PASSWORD}"'
    maker = await dial()
    await maker.line()
    for number, command in enumerate((f"LOGIN {login}", f"CREATE {MAILBOX}", "LOGOUT")):
        await maker.write(f"t{number} {command}\r\n".encode())
    while not (await maker.line()).startswith("t2 OK"):
        pass
    maker.close()
    return await crowd(dial, login, seed, PEOPLE, actions, meanwhile)


def _serving(serve: Serve, folder: Path, workers: int) -> Served:
    served = serve(configuration("imap", rules=LOCAL, top=f"workers = {workers}\n"))
    served.ready()
    add_account(folder, "kitt@example.org")
    return served


@pytest.mark.parametrize("workers", [1, 2])
def test_all_know_the_same_in_the_end(serve: Serve, folder: Path, workers: int) -> None:
    served = _serving(serve, folder, workers)
    people = asyncio.run(_play(served.port("imap"), workers, ACTIONS))
    assert [person.done for person in people[:-1]] == [ACTIONS] * PEOPLE
    assert not any(person.cuts for person in people)
    served.end()


def test_all_know_the_same_after_a_worker_was_killed(serve: Serve, folder: Path) -> None:
    served = _serving(serve, folder, 2)

    async def kill_both_in_turn() -> None:
        for number in (0, 1):
            await asyncio.to_thread(kill_one, served, number)

    people = asyncio.run(_play(served.port("imap"), 7, 4 * ACTIONS, kill_both_in_turn))
    assert any(person.cuts for person in people)
