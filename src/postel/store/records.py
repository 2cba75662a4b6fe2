"""What the store keeps, as values.

Implements  RFC 9051 2.3 (attributes of a message), RFC 6154 2 (special uses), RFC 1939 7 (unique-ids).
Gives       MailboxName, INBOX, Flags, SpecialUse, StoredMailbox, StoredMessage, MessageFacts, ReadOnce, Appended,
            Letter, uidl_of.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NewType

MailboxName = NewType("MailboxName", str)

# RFC 9051 5.1: the one name whose case does not count; we keep it in this form.
INBOX: Final = MailboxName("INBOX")


class Flags(enum.IntFlag):
    """System flags (RFC 9051 2.3.2), as bits of a column."""

    NONE = 0
    SEEN = 1
    ANSWERED = 2
    FLAGGED = 4
    DELETED = 8
    DRAFT = 16


class SpecialUse(enum.StrEnum):
    """What a mailbox is for (RFC 6154 2)."""

    NONE = ""
    ALL = "\\All"
    ARCHIVE = "\\Archive"
    DRAFTS = "\\Drafts"
    FLAGGED = "\\Flagged"
    JUNK = "\\Junk"
    SENT = "\\Sent"
    TRASH = "\\Trash"


@dataclass(frozen=True, slots=True)
class StoredMailbox:
    """A stored mailbox: what IMAP selects, and POP3 knows INBOX of. All that STATUS tells (RFC 9051 6.3.11).

    id              never used again for another (RFC 8474 4, MAILBOXID).
    is_selectable   False: \\Noselect, only a name above others.
    recent_from     the first UID that no session was told is recent (RFC 3501 2.3.2).
    pruned_modseq   what was expunged up to it is not remembered any more.
    """

    id: int
    account_id: int
    name: MailboxName
    special_uses: frozenset[SpecialUse]
    is_selectable: bool
    uid_validity: int
    uid_next: int
    highest_modseq: int
    message_count: int
    size_bytes: int
    unseen_count: int
    deleted_count: int
    deleted_bytes: int
    recent_from: int
    pruned_modseq: int


@dataclass(frozen=True, slots=True)
class ReadOnce:
    """What is known of a content by reading it once (ContentIndex.of).

    blob            message.IndexedContent.
    thread_keys     what its thread is found by.
    """

    blob: bytes
    thread_keys: Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFacts:
    """What delivery or import knows of a message that it stores.

    content_size_bytes  octets of the content that it shares with others.
    prefix              fields that this copy begins with: Return-Path and the like. The message as it is read
                        is the prefix and then the content.
    internal_date_at    when it came (RFC 9051 2.3.3).
    keywords            flags that are not system flags.
    needs_utf8          whether its header holds UTF-8 that must not be shown to clients of old (RFC 6856 2.1).
    read                of the content, if somebody has read it; else that is done soon after, in the background.
    """

    content_id: int
    content_size_bytes: int
    internal_date_at: float
    prefix: bytes = b""
    flags: Flags = Flags.NONE
    keywords: frozenset[str] = frozenset()
    needs_utf8: bool = False
    read: ReadOnce | None = None


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message in a stored mailbox. `size_bytes` counts prefix and content."""

    mailbox_id: int
    uid: int
    letter_id: int
    content_id: int
    prefix: bytes
    size_bytes: int
    internal_date_at: float
    saved_at: float
    modseq: int
    flags: Flags
    keywords: frozenset[str]
    needs_utf8: bool


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a message that came in (RFC 4315 3, APPENDUID)."""

    mailbox_id: int
    account_id: int
    uid_validity: int
    uid: int
    modseq: int
    letter_id: int


@dataclass(frozen=True, slots=True)
class Letter:
    """What never changes of a message, whatever mailboxes it is copied to.

    letter_id   of the octets: copies share it (RFC 8474 5.1, EMAILID).
    thread_id   0 while the letter is not indexed (RFC 8474 5.2, THREADID).
    """

    uid: int
    letter_id: int
    content_id: int
    prefix: bytes
    size_bytes: int
    needs_utf8: bool
    thread_id: int


@dataclass(frozen=True, slots=True)
class MaildropMessage:
    """A message as POP3 lists it."""

    uid: int
    size_bytes: int
    uidl: str
    needs_utf8: bool


@dataclass(frozen=True, slots=True)
class Maildrop:
    """INBOX as POP3 sees it, oldest message first. `mailbox_id` is 0 while nothing has ever come."""

    mailbox_id: int
    messages: tuple[MaildropMessage, ...]


def uidl_of(uid_validity: int, uid: int) -> str:
    """RFC 1939 7: the same for ever, never reused, 1 to 70 printable characters."""
    return f"{uid_validity}-{uid}"
