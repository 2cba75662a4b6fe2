"""ESEARCH.

Implements  RFC 7377 2 (multimailbox search).
Gives       Esearch, read_esearch.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.commands.search_keys import read_keys, read_returns, skip_charset
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand
from postel.proto.imap.mailbox_filters import MailboxFilter, Scope, read_mailbox_filter
from postel.proto.imap.search_values import ReturnOption, Returns, SearchKey


@dataclass(frozen=True, slots=True)
class Esearch(Command):
    """Which messages of these mailboxes does the key find? UIDs; an ESEARCH response for each mailbox with any.

    sources    none: the selected mailbox.
    """

    sources: tuple[MailboxFilter, ...]
    key: SearchKey
    returns: Returns


def read_esearch(cursor: Cursor) -> Esearch:
    """[IN (mailboxes)] [RETURN options] [CHARSET name] keys."""
    cursor.space()
    sources: tuple[MailboxFilter, ...] = ()
    returns = Returns(frozenset({ReturnOption.ALL}))
    if cursor.skip_word(b"IN"):
        sources = tuple(cursor.listed(lambda: _read_source(cursor), most=100))
        cursor.space()
    if cursor.skip_word(b"RETURN"):
        returns = read_returns(cursor)
        cursor.space()
    return Esearch(sources, read_keys(cursor, skip_charset(cursor)), returns)


def _read_source(cursor: Cursor) -> MailboxFilter:
    source = read_mailbox_filter(cursor)
    if source.scope is Scope.SELECTED_DELAYED:  # RFC 7377 4
        raise BadCommand("unknown kind of mailboxes")
    return source
