"""LOGIN.

Implements  RFC 9051 6.2.3.
Gives       Login, read_login.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Login(Command):
    """A name and its password, in plaintext."""

    name: str
    password: str = field(repr=False)


def read_login(cursor: Cursor) -> Login:
    """Passwords hold any character, whatever was enabled: clients quote them as they are."""
    reading = cursor.reading
    cursor.reading = replace(reading, enabled=reading.enabled | {"UTF8=ACCEPT"})
    cursor.space()
    name = cursor.text_string()
    cursor.space()
    return Login(name, cursor.text_string())
