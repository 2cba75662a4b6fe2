"""Several clients at one mailbox, each doing what it likes: what each was told is what is there."""

import asyncio
import os
import random
import re

import pytest
from imap_world import LETTER, Client, World, world

_TOLD_FLAGS = re.compile(r"[( ]FLAGS \(([^)]*)\)")
_TOLD_UID = re.compile(r"[( ]UID (\d+)")
_FLAGS = ("\\Seen", "\\Flagged $x", "")
ROUNDS = int(os.environ.get("POSTEL_CROWDS", "12"))


class Person:
    """A client, and what it knows of the mailbox: a UID (0: not told) and flags for each sequence number."""

    def __init__(self, client: Client, chance: random.Random) -> None:
        self.client = client
        self.chance = chance
        self.uids: list[int] = []
        self.flags: list[frozenset[str] | None] = []
        self.has_qresync = False

    async def begin(self) -> None:
        self.has_qresync = self.chance.random() < 0.3
        if self.has_qresync:
            await self.client.ok("ENABLE QRESYNC")
        self.hear((await self.client.ok("SELECT INBOX")).lines)
        await self.look()

    def hear(self, lines: list[str]) -> None:
        for line in lines:
            number, _, what = line.partition(" ")
            if what == "EXISTS":
                assert int(number) >= len(self.uids), "EXISTS never shrinks"
                more = int(number) - len(self.uids)
                self.uids += [0] * more
                self.flags += [None] * more
            elif what == "EXPUNGE":
                del self.uids[int(number) - 1], self.flags[int(number) - 1]
            elif number == "VANISHED":
                self._vanish(what)
            elif what.startswith("FETCH"):
                self._fetched(int(number) - 1, what)

    def _fetched(self, place: int, what: str) -> None:
        if uid := _TOLD_UID.search(what):
            assert self.uids[place] in (0, int(uid[1])), "a number means another message"
            self.uids[place] = int(uid[1])
        if flags := _TOLD_FLAGS.search(what):
            self.flags[place] = frozenset(flags[1].split()) - {"\\Recent"}

    def _vanish(self, what: str) -> None:
        for part in what.split(","):
            low, _, high = part.partition(":")
            for uid in range(int(low), int(high or low) + 1):
                place = self._place(uid)
                del self.uids[place], self.flags[place]

    def _place(self, uid: int) -> int:
        """Where a message is whose UID the client may not have been told: between the UIDs that it knows."""
        if uid in self.uids:
            return self.uids.index(uid)
        before = max((place for place, known in enumerate(self.uids) if 0 < known < uid), default=-1)
        assert self.uids[before + 1] == 0, "VANISHED names a message that nobody told of"
        return before + 1

    async def look(self) -> None:
        if self.uids:
            self.hear((await self.client.ok("UID FETCH 1:* FLAGS")).lines)

    async def act(self) -> None:
        chance, count = self.chance, len(self.uids)
        some = f"{chance.randint(1, max(count, 1))}:{chance.randint(1, max(count, 1))}"
        actions = ["NOOP", "CHECK", "look", "append"]
        if count:
            actions += [
                f"STORE {some} +FLAGS (\\Deleted)",
                f"STORE {some} FLAGS ({chance.choice(_FLAGS)})",
                f"STORE {some} -FLAGS.SILENT (\\Seen)",
                f"FETCH {some} (FLAGS)",
                f"FETCH {some} BODY[TEXT]",
                f"SEARCH {chance.choice(['ALL', 'UNSEEN', 'DELETED', some])}",
                "EXPUNGE",
                f"COPY {some} INBOX",
                f"UID COPY {chance.randint(1, 50)} Archive",
                f"MOVE {chance.randint(1, count)} Archive",
            ]
        action = chance.choice(actions)
        if action == "append":
            self.hear((await self.client.append()).lines)
        elif action == "look":
            await self.look()
        else:
            reply = await self.client.cmd(action)
            assert not reply.tagged.startswith("BAD"), (action, reply)
            self.hear(reply.lines)
            if action.startswith("STORE") and "SILENT" in action:
                self.flags = [None] * len(self.flags)  # it did not ask, so it does not know
        if 0 in self.uids:
            await self.look()


async def _crowd(w: World, seed: int) -> None:
    chance = random.Random(seed)
    await w.put(*[LETTER] * chance.randint(0, 8))
    people = [Person(await w.login(mailbox=None), random.Random(chance.random())) for _ in range(4)]
    for person in people:
        await person.begin()

    async def live(person: Person) -> None:
        for _ in range(25):
            await person.act()

    await asyncio.gather(*map(live, people))
    for person in people:
        person.hear((await person.client.ok("NOOP")).lines)
        if 0 in person.uids:
            await person.look()
    fresh = Person(await w.login(mailbox=None), chance)
    await fresh.begin()
    for person in people:
        assert person.uids == fresh.uids
        known = zip(person.flags, fresh.flags, strict=True)
        assert all(flags is None or flags == truth for flags, truth in known)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_everybody_knows_the_same_in_the_end(seed: int) -> None:
    async with world() as w:
        await _crowd(w, seed)
