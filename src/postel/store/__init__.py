"""Stored mailboxes, shaped for IMAP; POP3 reads INBOX of them. Floor 2.

append      in the transaction that takes a recipient out of the queue: one instant
maildrop    what POP3 lists, under a lock that one session holds at a time
snapshots   what is in a mailbox, in memory, one for all sessions
expunge     in one transaction, leaving behind what a synchronising client must hear of
pages       what never changes of some messages, in one transaction
kept        what was expunged, for a time
"""

from postel.store.annotations import Annotations
from postel.store.changes import Changes
from postel.store.coming import LETTERS
from postel.store.copying import Carried, Copied
from postel.store.expunging import Removed
from postel.store.faults import (
    BadMailboxName,
    BadRights,
    MailboxExists,
    MailboxHasChildren,
    MailboxIsInbox,
    NoSuchMailbox,
    NoSuchMessage,
    OverQuota,
    TooMany,
    UseTaken,
)
from postel.store.flags import FlagChange, FlagsChanged, How
from postel.store.following import Follower
from postel.store.importing import LineEnds, ReadMessage, import_message, read_message
from postel.store.kept import Kept, KeptMessages
from postel.store.locks import LockLost, MaildropLock, MaildropLocks
from postel.store.names import DEFAULTS, OTHER_USERS, SEPARATOR, checked_name, inbox_first
from postel.store.options import StoreOptions
from postel.store.pages import LetterPage, uids_with_prefix
from postel.store.quota import Fill, Quota, QuotaOf, Usage
from postel.store.records import (
    INBOX,
    Appended,
    Flags,
    Letter,
    MailboxName,
    Maildrop,
    MaildropMessage,
    MessageFacts,
    ReadOnce,
    SpecialUse,
    StoredMailbox,
    StoredMessage,
    uidl_of,
)
from postel.store.rights import ALL_RIGHTS, Rights
from postel.store.schema import MIGRATIONS
from postel.store.snapshot import FlagSet, Snapshot, SnapshotChange
from postel.store.store import Store
from postel.store.walking import WalkedLetter, letters_after, reach, reached

__all__ = [
    "ALL_RIGHTS",
    "DEFAULTS",
    "INBOX",
    "LETTERS",
    "MIGRATIONS",
    "OTHER_USERS",
    "SEPARATOR",
    "Annotations",
    "Appended",
    "BadMailboxName",
    "BadRights",
    "Carried",
    "Changes",
    "Copied",
    "Fill",
    "FlagChange",
    "FlagSet",
    "Flags",
    "FlagsChanged",
    "Follower",
    "How",
    "Kept",
    "KeptMessages",
    "Letter",
    "LetterPage",
    "LineEnds",
    "LockLost",
    "MailboxExists",
    "MailboxHasChildren",
    "MailboxIsInbox",
    "MailboxName",
    "Maildrop",
    "MaildropLock",
    "MaildropLocks",
    "MaildropMessage",
    "MessageFacts",
    "NoSuchMailbox",
    "NoSuchMessage",
    "OverQuota",
    "Quota",
    "QuotaOf",
    "ReadMessage",
    "ReadOnce",
    "Removed",
    "Rights",
    "Snapshot",
    "SnapshotChange",
    "SpecialUse",
    "Store",
    "StoreOptions",
    "StoredMailbox",
    "StoredMessage",
    "TooMany",
    "Usage",
    "UseTaken",
    "WalkedLetter",
    "checked_name",
    "import_message",
    "inbox_first",
    "letters_after",
    "reach",
    "reached",
    "read_message",
    "uidl_of",
    "uids_with_prefix",
]
