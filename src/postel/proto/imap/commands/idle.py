"""IDLE.

Implements  RFC 9051 6.3.13, RFC 2177.
Gives       Idle, read_idle.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Idle(Command):
    """Tell news as they come, until DONE."""


def read_idle(cursor: Cursor) -> Idle:
    """No arguments."""
    return Idle()
