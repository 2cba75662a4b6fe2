"""What brakes remember of clients, by one process or by several together."""

from __future__ import annotations

import os

import pytest

from postel.net import Remembered, RememberedHere, RememberedTogether


@pytest.fixture(params=[RememberedHere, RememberedTogether])
def memory(request: pytest.FixtureRequest) -> Remembered:
    made: Remembered = request.param(1000)
    return made


def test_what_was_put_is_known_until_it_is_forgotten(memory: Remembered) -> None:
    assert memory.get("192.0.2.1") is None
    memory.put("192.0.2.1", (1.0, 2.0, 3.0))
    memory.put("192.0.2.2", (4.0, 5.0, 6.0))
    memory.put("192.0.2.1", (7.0, 8.0, 9.0))
    assert memory.get("192.0.2.1") == (7.0, 8.0, 9.0)
    assert memory.get("192.0.2.2") == (4.0, 5.0, 6.0)
    memory.forget("192.0.2.1")
    memory.forget("192.0.2.3")
    assert memory.get("192.0.2.1") is None
    assert memory.get("192.0.2.2") == (4.0, 5.0, 6.0)


def test_the_number_of_keys_is_bounded_and_the_latest_are_known(memory: Remembered) -> None:
    for number in range(10_000):
        memory.put(f"client {number}", (0.0, float(number), 0.0))
    known = [number for number in range(10_000) if memory.get(f"client {number}") is not None]
    assert 0 < len(known) <= 1000
    assert 9_999 in known
    assert sum(known) / len(known) > 8_000, "those who were seen lately"


def test_what_one_process_puts_the_others_know() -> None:
    memory = RememberedTogether(1000)
    pid = os.fork()
    if pid == 0:
        memory.put("192.0.2.1", (1.0, 2.0, 3.0))
        os._exit(0)
    os.waitpid(pid, 0)
    assert memory.get("192.0.2.1") == (1.0, 2.0, 3.0)
