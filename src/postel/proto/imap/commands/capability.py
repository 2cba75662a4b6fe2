"""CAPABILITY.

Implements  RFC 9051 6.1.1.
Gives       Capability, read_capability.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Capability(Command):
    """What can the server do now? The machine knows."""


def read_capability(cursor: Cursor) -> Capability:
    """No arguments."""
    return Capability()
