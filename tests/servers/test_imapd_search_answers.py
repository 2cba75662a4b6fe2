"""SEARCH of texts says what looking through every letter says, however much of the mailbox is indexed."""

from __future__ import annotations

import random

import pytest
from imap_world import world

from postel.message import fold
from postel.servers.imapd import search_texts

_WORDS = ("Straße", "STRASSE", "Grüße", "karur", "Karu", "ＫＡＲＵＲ", "loner", "ö", "a b", "one")


def _letter(chance: random.Random, number: int) -> tuple[bytes, str, str]:
    subject, body = (" ".join(chance.choices(_WORDS, k=chance.randint(1, 4))) for _ in range(2))
    head = f"From: Writer <writer{number % 3}@example.net>\r\nSubject: {subject}\r\n"
    kind = (
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    )
    return f"{head}{kind}\r\n{body}\r\n".encode(), subject, body


@pytest.mark.parametrize("at_hand", [0, 5000])
async def test_a_search_finds_what_is_there_and_nothing_else(
    at_hand: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_texts, "_AT_HAND", at_hand)
    chance = random.Random(5)
    async with world() as w:
        letters = [_letter(chance, number) for number in range(60)]
        for number, (octets, _, _) in enumerate(letters):
            if number == 40:
                await w.filler.catch_up()  # of the rest nothing is known
            await w.put(octets)
        client = await w.login()
        await client.ok("SELECT INBOX")
        for needle in ("karur", "strasse", "grüß", "R", "a b", "nothing", "loner k"):
            wanted = fold(needle)
            for key, place in (("SUBJECT", 1), ("BODY", 2)):
                hits = [str(n) for n, one in enumerate(letters, 1) if wanted in fold(str(one[place]))]
                octets = needle.encode()
                line = b"SEARCH CHARSET UTF-8 %b {%d+}\r\n%b" % (key.encode(), len(octets), octets)
                assert (await client.ok(line)).only("SEARCH").split()[1:] == hits, (key, needle)
