"""What all commands are.

Gives       Command, Row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from postel.proto.imap.cursor import Cursor
from postel.proto.imap.states import State


class Command:
    """One command with its arguments; each kind is a frozen dataclass of its own."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    name      upper case; with `UID ` before it where that is said before it.
    read      reads its arguments; the cursor stands behind the name. Raises BadCommand.
    states    where it is allowed.
    needs     the capability without which the command is not known.
    uploads   its literals go to the shell piece by piece (upload), and are as large as a message.
    by_seq    its numbers are message sequence numbers: not under UIDONLY (RFC 9586 3).
    """

    name: str
    read: Callable[[Cursor], Command]
    states: frozenset[State]
    needs: str | None = None
    uploads: bool = False
    by_seq: bool = False
