"""What all fuzzers share: their inputs made by chance, or by atheris where it is asked for.

Gives       run, play, broken_pieces.

    python fuzz/THIS.py [SEED [ROUNDS]]        the same inputs again for the same seed
    python fuzz/THIS.py --atheris              under atheris, until it is stopped
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence


def run(
    one_input: Callable[[bytes], object], some_input: Callable[[random.Random], bytes], rounds: int
) -> None:
    """Try `rounds` inputs, or what the command line says instead."""
    if "--atheris" in sys.argv:
        import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

        atheris.Setup(sys.argv, one_input)
        atheris.Fuzz()
        return
    numbers = [int(text) for text in sys.argv[1:3]]
    play(one_input, some_input, numbers[0] if numbers else 0, numbers[1] if len(numbers) > 1 else rounds)


def play(
    one_input: Callable[[bytes], object], some_input: Callable[[random.Random], bytes], seed: int, rounds: int
) -> None:
    """Try input after input, the same ones for the same seed; a failing one is printed."""
    chance = random.Random(seed)
    for _ in range(rounds):
        data = some_input(chance)
        try:
            one_input(data)
        except BaseException:
            print(f"failing input: {data!r}", file=sys.stderr)
            raise


def broken_pieces(pieces: Sequence[bytes]) -> Callable[[random.Random], bytes]:
    """Inputs made of likely pieces, broken in a few places."""

    def some_input(chance: random.Random) -> bytes:
        data = bytearray(b"".join(chance.choices(pieces, k=chance.randrange(1, 40))))
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        return bytes(data)

    return some_input
