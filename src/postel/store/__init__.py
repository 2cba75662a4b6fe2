"""Stored mailboxes, shaped for IMAP; POP3 reads INBOX of them. Floor 2.

append      in the transaction that takes a recipient out of the queue: one instant
maildrop    what POP3 lists, under a lock that one session holds at a time
expunge     in one transaction, leaving behind what a synchronising client must hear of
"""

from postel.store.changes import Changes
from postel.store.importing import LineEnds, import_message
from postel.store.locks import LockLost, MaildropLock, MaildropLocks
from postel.store.records import (
    INBOX,
    Flags,
    MailboxName,
    Maildrop,
    MaildropMessage,
    MessageFacts,
    SpecialUse,
    StoredMailbox,
    StoredMessage,
    uidl_of,
)
from postel.store.schema import MIGRATIONS
from postel.store.store import NoSuchMessage, Store

__all__ = [
    "INBOX",
    "MIGRATIONS",
    "Changes",
    "Flags",
    "LineEnds",
    "LockLost",
    "MailboxName",
    "Maildrop",
    "MaildropLock",
    "MaildropLocks",
    "MaildropMessage",
    "MessageFacts",
    "NoSuchMessage",
    "SpecialUse",
    "Store",
    "StoredMailbox",
    "StoredMessage",
    "import_message",
    "uidl_of",
]
