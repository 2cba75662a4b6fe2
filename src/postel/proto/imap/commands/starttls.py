"""STARTTLS.

Implements  RFC 9051 6.2.1.
Gives       StartTls, read_starttls.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class StartTls(Command):
    """TLS begins behind the answer."""


def read_starttls(cursor: Cursor) -> StartTls:
    """No arguments."""
    return StartTls()
