"""The shape that every conversation of this floor has.

A conversation is a state machine without a socket. The shell is one loop:

    while not talk.over:
        match talk.next_event():
            case proto.NEED_DATA:
                await stream.write(talk.data_to_send())
                talk.receive(await stream.read(timeout_s=talk.timeout_s))
            case event:
                talk.answer(await handle(event))
    await stream.write(talk.data_to_send())         # the 221, the BYE

Bytes go out only when the machine needs data, so a pipelined group gets its replies in one segment.
"""

from __future__ import annotations

import enum
from typing import Any, Final, Literal, Protocol, TypeAlias


class _Signal(enum.Enum):
    NEED_DATA = "need data"
    PAUSED = "paused"


NEED_DATA: Final = _Signal.NEED_DATA
"""Nothing more can be told from what was received: send what is due, then read."""

PAUSED: Final = _Signal.PAUSED
"""An event waits for its answer (or TLS for its start): read nothing until it is given."""

NeedData: TypeAlias = Literal[_Signal.NEED_DATA]
Paused: TypeAlias = Literal[_Signal.PAUSED]


class Conversation(Protocol):
    """What the shell may ask of any server conversation."""

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer; b"" says that the peer has closed its side."""

    def next_event(self) -> Any:
        """The next event, NEED_DATA, or PAUSED while an answer is owed. Raises only LocalFault."""

    def data_to_send(self) -> bytes:
        """All bytes now due to the peer; they are forgotten here."""

    @property
    def timeout_s(self) -> float:
        """How long the present state may wait for the peer, in seconds."""

    def timed_out(self) -> None:
        """The peer was silent for `timeout_s`: say so and be over."""

    @property
    def over(self) -> bool:
        """Whether the session has ended: send what is due and close."""
