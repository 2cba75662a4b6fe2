"""UNSELECT.

Implements  RFC 9051 6.4.2, RFC 3691.
Gives       Unselect, read_unselect.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Unselect(Command):
    """Leave the mailbox and expunge nothing."""


def read_unselect(cursor: Cursor) -> Unselect:
    """No arguments."""
    return Unselect()
