"""SORT and THREAD remember what they worked out, and never say anything else than if they did not."""

from array import array
from random import Random

import pytest
from imap_world import Client, World, world

from postel.servers.imapd.kept_answers import KeptAnswers, Question

ASKED = (
    "SORT (DATE) UTF-8 ALL",
    "UID SORT (REVERSE DATE) UTF-8 ALL",
    "SORT (SIZE REVERSE ARRIVAL) UTF-8 ALL",
    "SORT (SUBJECT FROM) UTF-8 ALL",
    "SORT (DATE) UTF-8 UNSEEN",
    "UID SORT (SUBJECT FROM) UTF-8 1:3",
    "THREAD REFERENCES UTF-8 ALL",
    "UID THREAD REFERENCES UTF-8 ALL",
    "THREAD ORDEREDSUBJECT UTF-8 UNSEEN",
)


def some_letter(random: Random) -> bytes:
    date = f"Date: {random.randint(1, 28)} Nov 2026 10:00:00 +0000\r\n" if random.random() < 0.8 else ""
    return (
        f"From: {random.choice('abc')}@example.net\r\nSubject: {random.choice(['Re: ', ''])}{random.choice('xyz')}\r\n"
        f"{date}Message-ID: <{random.randint(1, 9)}@x>\r\nReferences: <{random.randint(1, 9)}@x>\r\n\r\nHello\r\n"
    ).encode()


async def answer(there: World, client: Client, command: str, kept: KeptAnswers) -> list[str]:
    object.__setattr__(there.parts, "kept_answers", kept)
    return [line for line in (await client.ok(command)).lines if line.startswith(("SORT", "THREAD"))]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
async def test_what_is_remembered_is_what_would_be_found(seed: int) -> None:
    random, kept = Random(seed), KeptAnswers()
    async with world() as there:
        await there.put(*(some_letter(random) for _ in range(5)))
        clients = [await there.login() for _ in range(2)]
        for _ in range(12):
            client, other = random.sample(clients, 2)
            for one in clients:
                await one.ok("NOOP")
            match random.randrange(3):
                case 0:
                    await there.put(*(some_letter(random) for _ in range(random.randint(1, 3))))
                    await client.ok("NOOP")
                case 1:  # of which the client is not told yet
                    await other.ok(f"UID STORE {random.randint(1, 20)} +FLAGS (\\Deleted)")
                    await other.ok("EXPUNGE")
                case 2:
                    await other.ok(f"UID STORE {random.randint(1, 20)} +FLAGS (\\Seen)")
            for command in ASKED:
                plain = await answer(there, client, command, KeptAnswers(0))
                assert await answer(there, client, command, kept) == plain, command


def test_an_answer_is_for_the_very_messages_it_was_made_of() -> None:
    kept, uids = KeptAnswers(), array("I", [1, 2])
    question: Question[bytes] = Question(7, 1, "THREAD")
    kept.keep(question, uids, b"(1 2)", 1)
    assert kept.find(question, uids) == b"(1 2)"
    assert kept.find(question, array("I", [1, 2])) is None
    assert kept.find(Question(8, 1, "THREAD"), uids) is None
    assert kept.latest(question) == (uids, b"(1 2)")


def test_what_nobody_asks_for_makes_room() -> None:
    kept, uids = KeptAnswers(limit_bytes=2 * 1000), array("I", [1])
    questions: list[Question[bytes]] = [Question(number, 1, "THREAD") for number in range(3)]
    first, second, third = questions
    for question in questions[:2]:
        kept.keep(question, uids, b"x" * 400, 1)
    assert kept.find(first, uids) is not None
    kept.keep(third, uids, b"x" * 400, 1)
    assert kept.find(second, uids) is None and kept.find(first, uids) and kept.find(third, uids)
    kept.limit(1000)
    assert kept.find(first, uids) is None and kept.find(third, uids)
    kept.keep(first, uids, b"x" * 2000, 1)
    assert kept.find(first, uids) is None
