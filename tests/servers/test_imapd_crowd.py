"""Several clients at one mailbox, each doing what it likes: what each was told is what is there."""

import asyncio
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imap_world import LETTER, PASSWORD, SERVER, World, world

from imap_crowd import MAILBOX, Person, Wire, crowd

ROUNDS = int(os.environ.get("POSTEL_CROWDS", "12"))
LOGIN = f'kitt@example.org "{PASSWORD}"'


async def _play(w: World, seed: int, people: int, actions: int) -> list[Person]:
    async def dial() -> Wire:
        stream = await w.client.dial(SERVER, timeout_s=10)
        return Wire(lambda: stream.read(1000), stream.write, stream.abort)

    maker = await w.login(mailbox=None)
    await maker.ok(f"CREATE {MAILBOX}")
    for _ in range(seed % 8):
        await maker.append(LETTER, MAILBOX)
    return await crowd(dial, LOGIN, seed, people, actions)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_everybody_knows_the_same_in_the_end(seed: int) -> None:
    async with world() as w:
        await _play(w, seed, people=5, actions=30)


async def _short(seed: int, people: int, actions: int) -> None:
    async with world() as w:
        await _play(w, seed, people, actions)


@pytest.mark.slow
@settings(max_examples=10)
@given(st.integers(0, 1 << 32), st.integers(1, 4), st.integers(0, 12))
def test_a_few_who_do_little_know_the_same_too(seed: int, people: int, actions: int) -> None:
    asyncio.run(_short(seed, people, actions))
