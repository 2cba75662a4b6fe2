"""NOTIFY.

Implements  RFC 5465 3.1 (SET), 3.2 (NONE), 5 (events), 6 (mailboxes), 8 (syntax).
Gives       Notify, EventGroup, MailEvent, read_notify.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from postel.proto.imap.codes import NO, bad_event
from postel.proto.imap.commands.command import Command
from postel.proto.imap.commands.fetch import read_fetch_items
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand, Refused
from postel.proto.imap.mailbox_filters import MailboxFilter, Scope, read_mailbox_filter
from postel.proto.imap.values import FetchItem


class MailEvent(enum.Enum):
    """RFC 5465 5: what can happen."""

    MESSAGE_NEW = "MessageNew"
    MESSAGE_EXPUNGE = "MessageExpunge"
    FLAG_CHANGE = "FlagChange"
    MAILBOX_NAME = "MailboxName"
    SUBSCRIPTION_CHANGE = "SubscriptionChange"
    MAILBOX_METADATA_CHANGE = "MailboxMetadataChange"
    SERVER_METADATA_CHANGE = "ServerMetadataChange"


_EVENTS = {event.value.upper().encode(): event for event in MailEvent}
_OF_MESSAGES = frozenset({MailEvent.MESSAGE_NEW, MailEvent.MESSAGE_EXPUNGE, MailEvent.FLAG_CHANGE})
_SELECTED = frozenset({Scope.SELECTED, Scope.SELECTED_DELAYED})
_GROUPS_LIMIT = 100


@dataclass(frozen=True, slots=True)
class EventGroup:
    """Events to be told of some mailboxes; none: nothing of them is to be told.

    items    what is to be fetched of a new message in the selected mailbox.
    """

    mailboxes: MailboxFilter
    events: frozenset[MailEvent]
    items: tuple[FetchItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Notify(Command):
    """What the client wants to be told of from now on, instead of what it wanted before; no groups: nothing.

    wants_status    STATUS of every mailbox that is not selected, first of all.
    """

    groups: tuple[EventGroup, ...] = ()
    wants_status: bool = False


def read_notify(cursor: Cursor) -> Notify:
    """SET [STATUS] groups, or NONE."""
    cursor.space()
    word = cursor.keyword()
    if word == b"NONE":
        return Notify()
    if word != b"SET":
        raise BadCommand("SET or NONE is expected")
    cursor.space()
    wants_status = cursor.skip_word(b"STATUS")
    groups = [_read_group(cursor)]
    while cursor.skip(b" ") and not cursor.at_end and len(groups) <= _GROUPS_LIMIT:
        groups.append(_read_group(cursor))
    if sum(group.mailboxes.scope in _SELECTED for group in groups) > 1:
        raise BadCommand("the selected mailbox is named once")
    return Notify(tuple(groups), wants_status)


def _read_group(cursor: Cursor) -> EventGroup:
    cursor.enter()
    group = EventGroup(read_mailbox_filter(cursor), frozenset())
    if group.mailboxes.scope is Scope.SUBTREE_ONE:
        raise BadCommand("unknown kind of mailboxes")
    cursor.space()
    group = _read_events(cursor, group)
    cursor.expect(b")")
    cursor.leave()
    _check(group)
    return group


def _read_events(cursor: Cursor, group: EventGroup) -> EventGroup:
    if not cursor.is_at(b"("):
        if cursor.keyword() != b"NONE":
            raise BadCommand("a list of events or NONE is expected")
        return group
    items: tuple[FetchItem, ...] = ()

    def read_one() -> MailEvent:
        nonlocal items
        event = _EVENTS.get(cursor.keyword())
        if event is None:  # RFC 5465 5.1
            raise Refused(NO.saying("Unknown event", bad_event(known.value for known in MailEvent)))
        if event is MailEvent.MESSAGE_NEW and cursor.is_at(b" ("):
            cursor.space()
            items = read_fetch_items(cursor)
        return event

    events = frozenset(cursor.listed(read_one, most=20))
    return replace(group, events=events, items=items)


def _check(group: EventGroup) -> None:
    """RFC 5465 8: which events go together, and with which mailboxes."""
    is_selected = group.mailboxes.scope in _SELECTED
    if is_selected and not group.events <= _OF_MESSAGES:
        raise BadCommand("only message events are told of the selected mailbox by itself")
    if group.items and not is_selected:
        raise BadCommand("fetch items go with the selected mailbox")
    pair = {MailEvent.MESSAGE_NEW, MailEvent.MESSAGE_EXPUNGE}
    if group.events & _OF_MESSAGES and not pair <= group.events:
        raise BadCommand("MessageNew and MessageExpunge go together")
