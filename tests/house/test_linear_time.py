"""n octets of input cost O(n): eight times the input is about eight times the lines of Python that are run.

Every fuzzer is a way to give octets to a parser or a conversation, so each is tried. Lines are counted, not seconds,
and the same ones are counted on any machine. (What a regular expression does within one call is not seen here: those
that read what strangers send have no nested repeats.)
"""

from __future__ import annotations

import random
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

import postel

_PRODUCT: Final = str(Path(postel.__file__).parent)
_FUZZ: Final = Path(__file__).parents[2] / "fuzz"
_FUZZERS: Final = sorted(file.stem for file in _FUZZ.glob("*.py") if file.stem != "harness")
# What these take is a seed, or has a size of its own.
_NOT_OF_OCTETS: Final = {"damaged_data", "queue_rows"}
_SIZE: Final = 500  # octets of the smaller input
_TIMES: Final = 8
_SAMPLES: Final = 4
_SLACK: Final = 2.0  # how an input is cut may depend on its length; O(n * n) would be eight times as much


class Counter:
    """Counts the lines of Python that are run in the product."""

    def __init__(self) -> None:
        self.lines = 0

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Counter | None:
        if event == "call":
            return self if frame.f_code.co_filename.startswith(_PRODUCT) else None
        self.lines += event == "line"
        return self


def lines_of(one_input: Callable[[bytes], object], data: bytes) -> int:
    counter = Counter()
    before = sys.gettrace()
    sys.settrace(counter)
    try:
        one_input(data)
    finally:
        sys.settrace(before)
    return counter.lines


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(_FUZZERS) - _NOT_OF_OCTETS))
def test_the_work_grows_as_the_input_does(name: str) -> None:
    fuzzer = runpy.run_path(str(_FUZZ / f"{name}.py"))
    chance = random.Random(name)
    for _ in range(_SAMPLES):
        piece = fuzzer["some_input"](chance) or b"x"
        small = piece * (_SIZE // len(piece) + 1)
        fuzzer["one_input"](small)  # what is remembered from now on is remembered for both
        few, many = lines_of(fuzzer["one_input"], small), lines_of(fuzzer["one_input"], small * _TIMES)
        assert many <= _SLACK * _TIMES * few + 2000, (few, many, piece[:300])
