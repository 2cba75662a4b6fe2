"""CLOSE.

Implements  RFC 9051 6.4.1.
Gives       Close, read_close.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Close(Command):
    """Expunge without a word, and leave the mailbox."""


def read_close(cursor: Cursor) -> Close:
    """No arguments."""
    return Close()
