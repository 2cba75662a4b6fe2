"""The one id that follows a message, from MAIL to its last delivery.

Gives       QueueId, QueueIds.

An id is 63 bits: 41 of time (milliseconds since 2020, good until 2089) and 22 at random. So ids sort by
age, new rows go to the end of their index, and processes that share a database need not agree on anything.
"""

from __future__ import annotations

import random
from typing import Final

from postel.mail import BadSyntax
from postel.net import Clock

ID_DIGITS: Final = 13
_RANDOM_BITS: Final = 22
_TOP: Final = (1 << 63) - 1
_START_MS: Final = 1577836800000  # 2020-01-01T00:00:00Z
# Base 32 whose digits sort as their values do, without letters that look like others.
_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = [first + second for first in _DIGITS for second in _DIGITS]
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)} | {"i": 1, "l": 1, "o": 0}


class QueueId(int):
    """The id of a message in the queue. `str()` gives 13 characters that sort as the numbers do."""

    __slots__ = ()

    def __str__(self) -> str:
        return _DIGITS[self >> 60] + "".join(
            [_PAIRS[self >> shift & 1023] for shift in (50, 40, 30, 20, 10, 0)]
        )

    def __repr__(self) -> str:
        return f"QueueId.parse({str(self)!r})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    @classmethod
    def parse(cls, text: str) -> QueueId:
        """Read what `str()` gave, in either case. Raises BadSyntax."""
        if len(text) != ID_DIGITS:
            raise BadSyntax(f"a queue id has {ID_DIGITS} characters")
        value = 0
        for digit in text.lower():
            if digit not in _VALUES:
                raise BadSyntax("a queue id is made of digits and lower-case letters")
            value = value << 5 | _VALUES[digit]
        if value > _TOP:
            raise BadSyntax("a queue id begins with a digit below 8")
        return cls(value)


class QueueIds:
    """Makes ids, each greater than the one before."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._random = rng
        self._last = 0

    def next(self) -> QueueId:
        """A fresh id. Many within one millisecond count upwards; a clock set back does not repeat any."""
        since_ms = max(int(self._clock.now() * 1000) - _START_MS, 0)
        fresh = since_ms << _RANDOM_BITS | self._random.getrandbits(_RANDOM_BITS)
        self._last = max(fresh & _TOP, self._last + 1)
        return QueueId(self._last)
