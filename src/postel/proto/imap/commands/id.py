"""ID.

Implements  RFC 2971 3.1, 3.3.
Gives       Id, read_id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand

_PAIRS = 30  # RFC 2971 3.3
_FIELD = 30
_VALUE = 1024


@dataclass(frozen=True, slots=True)
class Id(Command):
    """Who the client says it is: fields in lower case, None for NIL."""

    fields: Mapping[str, str | None]


def read_id(cursor: Cursor) -> Id:
    """NIL, or pairs in parentheses. What is too long is refused."""
    cursor.space()
    if not cursor.is_at(b"("):
        cursor.nstring()
        return Id({})
    cursor.enter()
    fields: dict[str, str | None] = {}
    while not cursor.skip(b")"):
        if fields:
            cursor.space()
        name = cursor.string()
        cursor.space()
        value = cursor.nstring()
        fields[name.decode("utf-8", "replace").lower()] = (
            None if value is None else value.decode("utf-8", "replace")
        )
        if len(fields) > _PAIRS or len(name) > _FIELD or len(value or b"") > _VALUE:
            raise BadCommand("too many or too long fields")
    return Id(fields)
