"""UNAUTHENTICATE.

Implements  RFC 8437.
Gives       Unauthenticate, read_unauthenticate.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Unauthenticate(Command):
    """Log out of the account, not of the connection."""


def read_unauthenticate(cursor: Cursor) -> Unauthenticate:
    """No arguments."""
    return Unauthenticate()
