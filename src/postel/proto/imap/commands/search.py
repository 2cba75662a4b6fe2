"""SEARCH and UID SEARCH.

Implements  RFC 9051 6.4.4, 6.4.9.
Gives       Search, read_search, read_uid_search.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.commands.search_keys import read_keys, read_returns, skip_charset
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.search_values import Returns, SearchKey


@dataclass(frozen=True, slots=True)
class Search(Command):
    """Which messages of the selected mailbox does the key find?

    returns    None: the answer is a SEARCH response; else an ESEARCH response with these.
    """

    key: SearchKey
    returns: Returns | None = None
    uid: bool = False


def read_search(cursor: Cursor) -> Search:
    """[RETURN options] [CHARSET name] keys."""
    return _read(cursor, uid=False)


def read_uid_search(cursor: Cursor) -> Search:
    """The same; the answer is in UIDs."""
    return _read(cursor, uid=True)


def _read(cursor: Cursor, *, uid: bool) -> Search:
    cursor.space()
    returns = None
    if cursor.knows("ESEARCH") and cursor.skip_word(b"RETURN"):
        returns = read_returns(cursor)
        cursor.space()
    return Search(read_keys(cursor, skip_charset(cursor)), returns, uid)
