"""Letters to put into a mailbox.

Gives       letter, LETTERS_ALIKE.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Final

LETTERS_ALIKE: Final = 500  # so many have different bodies; then they come again, below other headers
_WORDS: Final = [
    f"{a}{b}{c}" for a in ("ka", "lo", "mi") for b in ("ru", "sta", "ne") for c in ("r", "n", "lt")
]


def letter(number: int) -> bytes:
    """13.5 KB on average; the same for a number each time. One in a hundred has the word `seldom`."""
    chance = random.Random(number)
    reply = f"In-Reply-To: <{number - 1}@example.net>\r\n" if number % 3 else ""
    head = (
        f"From: Writer {number % 50} <writer{number % 50}@example.net>\r\nTo: ann@example.org\r\n"
        f"Subject: {'Re: ' if reply else ''}{' '.join(chance.choices(_WORDS, k=4))}\r\n"
        f"Date: {1 + number % 28:02} Nov 2026 {number % 24:02}:{number % 60:02}:00 +0000\r\n"
        f"Message-ID: <{number}@example.net>\r\n{reply}"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    )
    return head.encode() + _body(number % LETTERS_ALIKE) + (b"" if number % 100 else b"the word seldom\r\n")


@lru_cache(LETTERS_ALIKE)
def _body(number: int) -> bytes:
    chance = random.Random(number)
    lines = [" ".join(chance.choices(_WORDS, k=12)) for _ in range(chance.randint(20, 330))]
    return "".join(f"{line}\r\n" for line in lines).encode()
