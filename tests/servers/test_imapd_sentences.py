"""Commands at random, of every kind and with every option: each is answered, and in the grammar."""

import asyncio
import os
from random import Random

import pytest
from imap_sentences import LETTERS, OWN, Speaker
from imap_world import LETTER, Client, World, world

from postel.proto.imap.response_reader import parse_response

ROUNDS = int(os.environ.get("POSTEL_SENTENCES", "6"))
SENTENCES = 400


async def login(w: World, number: int) -> Client:
    """Two sessions of kitt, and one of ann."""
    return await w.login("ann@example.org" if number == 2 else "kitt@example.org")


async def prepare(w: World) -> list[Client]:
    """Both accounts have mailboxes, and share some."""
    await w.put(LETTER, *LETTERS)
    clients = [await login(w, number) for number in range(3)]
    await clients[2].ok("CREATE Shared")
    await clients[2].ok("SETACL Shared kitt@example.org lrswipkxtea")
    for name in OWN[3:]:
        await clients[0].cmd(f"CREATE {name}")
    await clients[0].ok("SETACL Plans ann@example.org lrswite")
    return clients


async def speak(w: World, clients: list[Client], number: int, random: Random) -> None:
    """One sentence by one of the sessions, and its answer, each line of which must be of the grammar."""
    sentence = Speaker(random).sentence()
    reply = await clients[number].last_words(sentence)
    assert "SERVERBUG" not in reply.tagged, (sentence, reply)
    for line in reply.lines:
        parse_response(b"* " + line.encode("latin-1") + b"\r\n")
    if "not allowed in this state" in reply.tagged:
        await clients[number].append(random.choice(LETTERS))
        await clients[number].ok("SELECT INBOX")
    elif reply.tagged.startswith("BYE"):  # the selected mailbox was deleted, or the right to read it was
        clients[number] = await login(w, number)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_every_sentence_is_answered(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    random = Random(seed)
    async with world() as w:
        clients = await prepare(w)
        for _ in range(SENTENCES):
            await speak(w, clients, random.randrange(3), random)
    assert "session_failed" not in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_sessions_that_speak_at_the_same_time_are_answered(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with world() as w:
        clients = await prepare(w)

        async def person(number: int) -> None:
            random = Random(f"{seed} {number}")
            for _ in range(SENTENCES // 3):
                await speak(w, clients, number, random)

        await asyncio.gather(*map(person, range(3)))
    assert "session_failed" not in caplog.text
