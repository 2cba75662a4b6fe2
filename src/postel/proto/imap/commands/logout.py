"""LOGOUT.

Implements  RFC 9051 6.1.3.
Gives       Logout, read_logout.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Logout(Command):
    """The end."""


def read_logout(cursor: Cursor) -> Logout:
    """No arguments."""
    return Logout()
