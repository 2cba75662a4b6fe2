"""The players: each acts the same text out in another way, so that one text tests several things.

Gives       Player; WholeLines, Bytewise, AtOnce, RandomSplits; SERVER_PLAYERS.

A player of its own kind (a client machine driven by the S lines, a server behind a memory stream) needs only
`name` and `play`; the steps tell it everything.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol, TypeAlias

from postel.testing.transcript.parse import (
    ClientSays,
    Closes,
    Never,
    Sees,
    ServerSays,
    Silence,
    StartsTls,
    Transcript,
)
from postel.testing.transcript.role import Role
from postel.testing.transcript.stage import Mismatch, Stage

__all__ = ["SERVER_PLAYERS", "AtOnce", "Bytewise", "Mismatch", "Player", "RandomSplits", "WholeLines"]

MakeRole: TypeAlias = Callable[[Mapping[str, str]], Role]


class Player(Protocol):
    """One way to act a transcript out."""

    name: str

    def play(self, transcript: Transcript, make_role: MakeRole) -> None:
        """Raises Mismatch where the performance differs."""


class _ServerPlayer:
    """Acts the client's lines to a server role; a turn's octets are cut by `cut`."""

    name = ""

    def cut(self, turn: list[bytes]) -> Iterable[bytes]:
        """What is received at a time of what the client says between two of the server's lines."""
        return turn

    def play(self, transcript: Transcript, make_role: MakeRole) -> None:
        """Raises Mismatch where the performance differs."""
        stage = Stage(transcript, make_role(transcript.settings))
        turn: list[bytes] = []
        for step in transcript.steps:
            if isinstance(step, ClientSays):
                turn.append(step.data)
                continue
            stage.feed(self.cut(turn))
            turn = []
            match step:
                case ServerSays():
                    stage.demand_line(step.pattern, step.line)
                case Sees():
                    stage.demand_event(step)
                case Never():
                    stage.forbid(step)
                case StartsTls():
                    stage.tls()
                case Silence():
                    stage.silence()
                case Closes(side="client"):
                    stage.feed([b""])
                case Closes():
                    stage.demand_close(step.line)
        stage.feed(self.cut(turn))
        stage.demand_quiet()


class WholeLines(_ServerPlayer):
    """Each line of the client arrives by itself."""

    name = "whole lines"


class Bytewise(_ServerPlayer):
    """Each octet arrives by itself."""

    name = "bytewise"

    def cut(self, turn: list[bytes]) -> Iterable[bytes]:
        """Octet by octet."""
        return (bytes([octet]) for octet in b"".join(turn))


class AtOnce(_ServerPlayer):
    """All that the client says in one turn arrives together."""

    name = "at once"

    def cut(self, turn: list[bytes]) -> Iterable[bytes]:
        """In one piece."""
        return [b"".join(turn)] if turn else []


class RandomSplits(_ServerPlayer):
    """A turn is cut anywhere, the same way for the same seed."""

    def __init__(self, seed: int) -> None:
        self.name = f"random splits {seed}"
        self._seed = seed

    def cut(self, turn: list[bytes]) -> Iterable[bytes]:
        """In up to five pieces."""
        whole = b"".join(turn)
        chance = random.Random(self._seed + len(whole))
        places = sorted(chance.randrange(len(whole) + 1) for _ in range(4))
        pieces = (whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True))
        return (piece for piece in pieces if piece)


SERVER_PLAYERS: Final[tuple[Player, ...]] = (
    WholeLines(),
    Bytewise(),
    AtOnce(),
    RandomSplits(1),
    RandomSplits(2),
)
