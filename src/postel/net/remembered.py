"""What is remembered of clients, for brakes: by one process, or by several together.

Gives       Remembered, Facts, RememberedHere, RememberedTogether.
Not here    What is counted, and what it leads to: directory.throttle, servers.rates.

Three numbers stand for a key: the second says when it was seen last, and where there is no room the longest unseen is
forgotten. Shared memory needs no lock for that: when two processes count at the same instant one count is lost, and a
row that is half one's and half the other's is one of the two, give or take a try. A process that dies leaves all as
it is.
"""

from __future__ import annotations

import mmap
import secrets
import struct
from collections import OrderedDict
from hashlib import blake2b
from typing import Final, Protocol, TypeAlias

Facts: TypeAlias = tuple[float, float, float]

_ROW: Final = struct.Struct("<Qddd")  # digest of the key, 0 for none; the facts
_WAYS: Final = 4  # places that a key may be in


class Remembered(Protocol):
    """Facts by key, in bounded number."""

    def get(self, key: str) -> Facts | None:
        """What is known of the key."""

    def put(self, key: str, facts: Facts) -> None:
        """Know this from now on. `facts[1]` is now."""

    def forget(self, key: str) -> None:
        """Know nothing of it."""


class RememberedHere:
    """In this process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._facts: OrderedDict[str, Facts] = OrderedDict()

    def __len__(self) -> int:
        return len(self._facts)

    def get(self, key: str) -> Facts | None:
        """What is known of the key."""
        return self._facts.get(key)

    def put(self, key: str, facts: Facts) -> None:
        """Know this from now on; the longest unseen is dropped where there are too many."""
        self._facts[key] = facts
        self._facts.move_to_end(key)
        if len(self._facts) > self._limit:
            self._facts.popitem(last=False)

    def forget(self, key: str) -> None:
        """Know nothing of it."""
        self._facts.pop(key, None)


class RememberedTogether:
    """In memory that a process shares with all that it forks from then on: 32 octets a key.

    Which place a key has nobody outside can tell, so that none can be pushed out on purpose.
    """

    def __init__(self, limit: int) -> None:
        self._buckets = max(1, limit // _WAYS)
        self._memory = mmap.mmap(-1, self._buckets * _WAYS * _ROW.size)
        self._secret = secrets.token_bytes(32)

    def get(self, key: str) -> Facts | None:
        """What is known of the key."""
        digest, places = self._look_up(key)
        for place in places:
            row = _ROW.unpack_from(self._memory, place)
            if row[0] == digest:
                return row[1], row[2], row[3]
        return None

    def put(self, key: str, facts: Facts) -> None:
        """Know this from now on, in its own place, or else in that of the longest unseen of a few."""
        digest, places = self._look_up(key)
        rows = [(_ROW.unpack_from(self._memory, place), place) for place in places]
        _, place = min(rows, key=lambda each: (each[0][0] != digest, each[0][0] != 0, each[0][2]))
        _ROW.pack_into(self._memory, place, digest, *facts)

    def forget(self, key: str) -> None:
        """Know nothing of it."""
        digest, places = self._look_up(key)
        for place in places:
            if _ROW.unpack_from(self._memory, place)[0] == digest:
                _ROW.pack_into(self._memory, place, 0, 0.0, 0.0, 0.0)

    def _look_up(self, key: str) -> tuple[int, range]:
        octets = blake2b(key.encode("utf-8", "surrogatepass"), key=self._secret, digest_size=16).digest()
        first = int.from_bytes(octets[8:]) % self._buckets * _WAYS * _ROW.size
        return int.from_bytes(octets[:8]) or 1, range(first, first + _WAYS * _ROW.size, _ROW.size)
