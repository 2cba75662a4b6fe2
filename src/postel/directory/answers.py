"""Lately given answers to password questions, so that a mail client that reconnects costs no hash.

Gives       Answers.

The key is a keyed digest of the stored hash and the password: nothing in memory tells a password, and a
changed password finds no old answer. The key to the digest is made anew by each process.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from hashlib import blake2b

from postel.net import Clock


class Answers:
    """Right and wrong passwords, each kept for a time and in bounded number, apart from each other.

    A wrong one is remembered too: the device with an old password that tries it every minute is not
    guessing. It is answered at once, and not counted again.
    """

    def __init__(self, clock: Clock, keep_for_s: float, limit: int) -> None:
        self._clock = clock
        self._keep_for_s = keep_for_s
        self._limit = limit
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, float] = OrderedDict()
        self._wrong: OrderedDict[bytes, float] = OrderedDict()

    def digest(self, stored: str, password: bytes) -> bytes:
        """Under which the answer to "is this the password of that hash" is remembered."""
        head = stored.encode()
        return blake2b(len(head).to_bytes(8) + head + password, key=self._key, digest_size=32).digest()

    def find(self, digest: bytes) -> bool | None:
        """The answer, if it was given lately."""
        if self._is_fresh(self._right, digest):
            return True
        return False if self._is_fresh(self._wrong, digest) else None

    def remember(self, digest: bytes, is_right: bool) -> None:
        """The answer that was given now."""
        table = self._right if is_right else self._wrong
        table[digest] = self._clock.now()
        table.move_to_end(digest)
        while len(table) > self._limit:
            table.popitem(last=False)

    def _is_fresh(self, table: OrderedDict[bytes, float], digest: bytes) -> bool:
        given_at = table.get(digest)
        if given_at is None:
            return False
        if 0 <= self._clock.now() - given_at <= self._keep_for_s:
            return True
        del table[digest]
        return False
