"""The store's tables.

Gives       MIGRATIONS.

    stored_mailbox      one row a stored mailbox; UIDs, mod-sequences, messages and octets are counted here
    stored_message      one row a message in a mailbox; its content is shared (contents)
    stored_expunge      what is gone: ranges of UIDs and the mod-sequence at which they went (RFC 7162 3.2)
    maildrop_lock       who has a maildrop open for POP3
    maildrop_holder     the processes that hold such locks, with the end of their lease

`uid_next` and `highest_modseq` only ever grow, and a mailbox's row is never made anew with a smaller
`uid_validity`: a UID means one message for ever (RFC 9051 2.3.1.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from postel.database import Migration

_FIRST: Final = """
CREATE TABLE stored_mailbox (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    special_use TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER NOT NULL,
    highest_modseq INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    UNIQUE (account_id, name)
);
CREATE TABLE stored_message (
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    content_id INTEGER NOT NULL,
    prefix BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    internal_date_at REAL NOT NULL,
    modseq INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    needs_utf8 INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, uid)
);
CREATE TABLE stored_expunge (
    mailbox_id INTEGER NOT NULL,
    first_uid INTEGER NOT NULL,
    last_uid INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, modseq, first_uid)
);
CREATE TABLE maildrop_lock (
    account_id INTEGER PRIMARY KEY,
    holder TEXT NOT NULL
);
CREATE TABLE maildrop_holder (
    name TEXT PRIMARY KEY,
    expires_at REAL NOT NULL
);
"""

MIGRATIONS: Final[Sequence[Migration]] = (Migration("store", 1, _FIRST),)
