"""Invariant: what the queue and the kept transactions write into a column, they read back as it was; and a queue whose
rows were damaged on disk says so as a DatabaseTrouble or reads something: no other exception reaches a caller.

Run by itself: python fuzz/queue_rows.py [SEED [ROUNDS]]. Under atheris: python fuzz/queue_rows.py --atheris.
"""

from __future__ import annotations

import random
from typing import Any, Final

from harness import run

from postel.mail import Reply, Status
from postel.queue.job import Origin
from postel.queue.rows import (
    format_origin,
    format_parameters,
    format_reply,
    format_try,
    parse_origin,
    parse_parameters,
    parse_reply,
    parse_tries,
)

_TEXTS: Final = (
    "",
    "x",
    "ü",
    "a\nb",
    '"',
    "\\",
    "'",
    " ",
    "\x00",
    "\U0001f600",
    "-",
    "5.1.1",
    "250 - x",
    "{}",
    "x" * 5000,
)


def one_input(data: bytes) -> None:
    """Values by chance, from the octets as the seed."""
    chance = random.Random(data)
    parameters = {_text(chance): chance.choice((None, _text(chance))) for _ in range(chance.randrange(4))}
    assert parse_parameters(format_parameters(parameters)) == parameters
    origin = Origin(
        protocol="ESMTP",
        **{name: _text(chance) for name in chance.sample(_FIELDS, chance.randrange(len(_FIELDS)))},
    )
    assert parse_origin(format_origin(origin)) == origin
    reply = Reply(
        chance.randrange(200, 600),
        chance.choice((None, Status(chance.choice((2, 4, 5)), chance.randrange(10), chance.randrange(1000)))),
        _text(chance),
    )
    read = parse_reply(format_reply(reply))
    assert read is not None and (read.code, read.status) == (reply.code, reply.status)
    assert read.text == reply.text[:4000]
    _tries(chance)


def _tries(chance: random.Random) -> None:
    instants = [chance.randrange(10**6) for _ in range(chance.randrange(150))]
    told = "".join(format_try(0.0, float(at)) for at in instants)
    assert parse_tries(told) == tuple(instants[-100:])


def _text(chance: random.Random) -> str:
    return "".join(chance.choices(_TEXTS, k=chance.randrange(4)))


def _text_fields() -> list[str]:
    """The fields of an Origin that are text."""
    return [name for name, one in Origin.__dataclass_fields__.items() if _is_text(one) and name != "protocol"]


def _is_text(one: Any) -> bool:
    return "str" in str(one.type)


_FIELDS: Final = _text_fields()


def some_input(chance: random.Random) -> bytes:
    """A seed."""
    return chance.randbytes(8)


if __name__ == "__main__":
    run(one_input, some_input, rounds=20_000)
