"""NOOP.

Implements  RFC 9051 6.1.2.
Gives       Noop, read_noop.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Noop(Command):
    """Nothing, and whatever news there is."""


def read_noop(cursor: Cursor) -> Noop:
    """No arguments."""
    return Noop()
