"""NAMESPACE.

Implements  RFC 9051 6.3.10, RFC 2342.
Gives       Namespace, read_namespace.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Namespace(Command):
    """Where are the personal, other people's and shared mailboxes?"""


def read_namespace(cursor: Cursor) -> Namespace:
    """No arguments."""
    return Namespace()
