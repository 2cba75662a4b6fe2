"""What the players need to know of a protocol's server.

Gives       Role; show, the text of a value in an `=` line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from postel.proto import Conversation


class Role(Protocol):
    """One server on stage, for one performance.

    A role may have `unordered`: lines that begin with it and stand in a row may come in any order.
    """

    @property
    def talk(self) -> Conversation:
        """The machine itself."""

    def watch(self, event: Any) -> tuple[Any, ...]:
        """What a transcript may name of this event. Pieces of a stream are joined, so that splits do not show."""

    def answer(self, event: Any, answer: str | None) -> None:
        """Answer as the transcript says: None for the default."""

    def tls_started(self) -> None:
        """The handshake is done."""


def show(value: object) -> str:
    """A value as `=` lines write it."""
    match value:
        case bytes():
            return value.decode("latin-1").encode("unicode_escape").decode()
        case Mapping():
            return " ".join(key if item is None else f"{key}={item}" for key, item in value.items())
        case _:
            return str(value)
