"""ENABLE.

Implements  RFC 9051 6.3.1, RFC 5161.
Gives       Enable, read_enable.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand

_MOST = 50


@dataclass(frozen=True, slots=True)
class Enable(Command):
    """Extensions to switch on, in upper case; unknown ones are to be passed over."""

    capabilities: tuple[str, ...]


def read_enable(cursor: Cursor) -> Enable:
    """One or more words."""
    words: list[str] = []
    while cursor.skip(b" ") and not cursor.at_end and len(words) <= _MOST:
        words.append(cursor.keyword().decode("ascii"))
    if not words:
        raise BadCommand("a capability is expected")
    return Enable(tuple(dict.fromkeys(words)))
