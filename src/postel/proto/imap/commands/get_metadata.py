"""GETMETADATA.

Implements  RFC 5464 4.2, 4.2.1 (MAXSIZE), 4.2.2 (DEPTH).
Gives       GetMetadata, read_get_metadata, read_metadata_options, read_entries, read_entry, read_place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor, as_text
from postel.proto.imap.fault import BadCommand
from postel.proto.imap.names import MailboxName
from postel.proto.imap.values import MetadataOptions

_DEPTHS = {b"0": 0, b"1": 1, b"INFINITY": None}
_OPTIONS = re.compile(rb"\((?:MAXSIZE|DEPTH) ", re.IGNORECASE)
_SCOPES = ("/private", "/shared")
_ENTRIES_LIMIT = 100
_ENTRY_LENGTH = 255


@dataclass(frozen=True, slots=True)
class GetMetadata(Command):
    """Annotations of a mailbox; of the server where it is None."""

    mailbox: MailboxName | None
    entries: tuple[str, ...]
    options: MetadataOptions = field(default_factory=MetadataOptions)


def read_get_metadata(cursor: Cursor) -> GetMetadata:
    """[options] mailbox [options] entries: clients put the options in either place."""
    cursor.space()
    options = MetadataOptions()
    if cursor.is_at(b"("):
        options = read_metadata_options(cursor)
        cursor.space()
    mailbox = read_place(cursor)
    cursor.space()
    if _OPTIONS.match(cursor.text, cursor.place):
        options = read_metadata_options(cursor)
        cursor.space()
    return GetMetadata(mailbox, read_entries(cursor), options)


def read_place(cursor: Cursor) -> MailboxName | None:
    """A mailbox; None for the empty name, which is the server (RFC 5464 4.2)."""
    start = cursor.place
    if not cursor.astring():
        return None
    cursor.place = start
    return cursor.mailbox()


def read_metadata_options(cursor: Cursor) -> MetadataOptions:
    """(MAXSIZE 1024 DEPTH 1)."""
    options = MetadataOptions()

    def read_one() -> None:
        nonlocal options
        name = cursor.keyword()
        cursor.space()
        if name == b"MAXSIZE":
            options = replace(options, max_size=cursor.number())
        elif name == b"DEPTH":
            options = replace(options, depth=_read_depth(cursor))
        else:
            raise BadCommand("unknown option")

    cursor.listed(read_one, most=2)
    return options


def _read_depth(cursor: Cursor) -> int | None:
    word = cursor.keyword()
    if word not in _DEPTHS:
        raise BadCommand("DEPTH is 0, 1 or infinity")
    return _DEPTHS[word]


def read_entries(cursor: Cursor) -> tuple[str, ...]:
    """One entry, or a list of them; a scope alone is one too: with DEPTH, all that is in it."""
    if cursor.is_at(b"("):
        entries = cursor.listed(lambda: read_entry(cursor, may_be_scope=True), most=_ENTRIES_LIMIT)
        return tuple(dict.fromkeys(entries))
    return (read_entry(cursor, may_be_scope=True),)


def read_entry(cursor: Cursor, *, may_be_scope: bool = False) -> str:
    """An entry's name, in lower case (RFC 5464 3.1); it has two parts at the least (3.2)."""
    entry = as_text(cursor.astring())
    is_plain = entry.isascii() and entry.isprintable() and not set("*%") & set(entry)
    if not is_plain or not entry.startswith("/") or entry.endswith("/") or "//" in entry:
        raise BadCommand("an entry's name begins with a slash and has no empty part")
    if len(entry) > _ENTRY_LENGTH:
        raise BadCommand("the entry's name is too long")
    entry = entry.lower()
    is_scope = may_be_scope and entry in _SCOPES
    if not is_scope and not entry.startswith(("/private/", "/shared/")):  # RFC 5464 3.2
        raise BadCommand("an entry begins with /private or /shared")
    return entry
