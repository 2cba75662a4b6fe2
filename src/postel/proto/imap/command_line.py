"""From the beginning of a command to its row in the table.

Implements  RFC 9051 2.2.1 (tag, name), 6.4.9 (UID), 3 (states), RFC 9586 3 (UIDONLY).
Gives       find_row, arguments_place.
"""

from __future__ import annotations

import re
from typing import Final

from postel.proto.imap.commands import COMMANDS, Row
from postel.proto.imap.cursor import Reading
from postel.proto.imap.fault import BadCommand, UidRequired
from postel.proto.imap.framing import TAG
from postel.proto.imap.states import State

_BEGIN: Final = re.compile(TAG + rb" ((?:[Uu][Ii][Dd] )?[A-Za-z]+)(?=[ \r])")


def find_row(text: bytes | bytearray, state: State, reading: Reading) -> Row:
    """The row of the command that begins so. Raises BadCommand: unknown, or not now; UidRequired."""
    match = _BEGIN.match(text)
    if match is None:
        raise BadCommand("a tag and a command are expected")
    row = COMMANDS.get(match[1].decode("ascii").upper())
    if row is None or (row.needs is not None and row.needs not in reading.capabilities):
        raise BadCommand("unknown command")
    if state not in row.states:
        raise BadCommand(f"{row.name} is not allowed in this state")
    if row.by_seq and reading.is_uid_only:
        raise UidRequired
    return row


def arguments_place(text: bytes) -> int:
    """Where the arguments of a command begin that has a row."""
    match = _BEGIN.match(text)
    return match.end() if match else len(text)
