"""CHECK.

Implements  RFC 3501 6.4.1.
Gives       Check, read_check.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Check(Command):
    """A checkpoint; like NOOP here."""


def read_check(cursor: Cursor) -> Check:
    """No arguments."""
    return Check()
