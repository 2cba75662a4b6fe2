"""Which mailboxes a command is about that names them by kind.

Implements  RFC 5465 6 (filter-mailboxes), RFC 7377 2.2 (subtree-one).
Gives       Scope, MailboxFilter, read_mailbox_filter.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName


class Scope(enum.Enum):
    """RFC 5465 6: a kind of mailboxes."""

    SELECTED = b"SELECTED"
    SELECTED_DELAYED = b"SELECTED-DELAYED"
    INBOXES = b"INBOXES"
    PERSONAL = b"PERSONAL"
    SUBSCRIBED = b"SUBSCRIBED"
    SUBTREE = b"SUBTREE"
    SUBTREE_ONE = b"SUBTREE-ONE"  # and no deeper than its children
    MAILBOXES = b"MAILBOXES"


NAMED = frozenset({Scope.SUBTREE, Scope.SUBTREE_ONE, Scope.MAILBOXES})
_SCOPES = {scope.value: scope for scope in Scope}
_MOST = 1000


@dataclass(frozen=True, slots=True)
class MailboxFilter:
    """A kind of mailboxes; names go with SUBTREE, SUBTREE-ONE and MAILBOXES."""

    scope: Scope
    mailboxes: tuple[MailboxName, ...] = ()


def read_mailbox_filter(cursor: Cursor) -> MailboxFilter:
    """A kind, and its names."""
    scope = cursor.word(_SCOPES, "kind of mailboxes")
    if scope not in NAMED:
        return MailboxFilter(scope)
    cursor.space()
    if not cursor.is_at(b"("):
        return MailboxFilter(scope, (cursor.mailbox(),))
    return MailboxFilter(scope, tuple(dict.fromkeys(cursor.listed(cursor.mailbox, most=_MOST))))
