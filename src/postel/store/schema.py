"""The store's tables.

Gives       MIGRATIONS.

    stored_account      one row an account that has mailboxes: the last UIDVALIDITY given to any of them
    stored_mailbox      one row a stored mailbox; UIDs, mod-sequences, messages and octets are counted here
    stored_message      one row a message in a mailbox: all that differs between copies, and nothing large
    stored_letter       one row for the octets of messages: a content with a prefix; copies share it
    stored_index        what is known of a content by reading it once (message.IndexedContent)
    stored_expunge      what is gone: ranges of UIDs and the mod-sequence at which they went (RFC 7162 3.2)
    stored_kept         expunged messages that can still be had back
    stored_doomed       deleted mailboxes whose messages are yet to be kept or removed
    stored_thread       which thread the letters that have, or name, a Message-ID belong to
    stored_progress     how far work in the background has come
    stored_subscription, stored_right, stored_annotation, stored_url_key
                        what IMAP accounts have besides (RFC 9051 6.3.7, RFC 4314, RFC 5464, RFC 4467)
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

# Step 2: what IMAP needs. Messages lie by mailbox and UID, small, apart from what never changes of them.
# AUTOINCREMENT: an id given to a client must never mean anything else (RFC 8474 4).
_SECOND: Final = """
CREATE TABLE stored_account (
    account_id INTEGER PRIMARY KEY,
    last_uid_validity INTEGER NOT NULL,
    has_defaults INTEGER NOT NULL
);
INSERT INTO stored_account (account_id, last_uid_validity, has_defaults)
SELECT account_id, MAX(uid_validity), 0 FROM stored_mailbox GROUP BY account_id;

ALTER TABLE stored_mailbox RENAME TO stored_mailbox_1;
CREATE TABLE stored_mailbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    special_uses TEXT NOT NULL,
    is_selectable INTEGER NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER NOT NULL,
    highest_modseq INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    unseen_count INTEGER NOT NULL,
    deleted_count INTEGER NOT NULL,
    deleted_bytes INTEGER NOT NULL,
    recent_from INTEGER NOT NULL,
    pruned_modseq INTEGER NOT NULL,
    UNIQUE (account_id, name)
);
INSERT INTO stored_mailbox
SELECT id, account_id, name, special_use, 1, uid_validity, uid_next, highest_modseq, message_count, size_bytes,
    (SELECT COUNT(*) FROM stored_message m WHERE m.mailbox_id = b.id AND m.flags & 1 = 0),
    (SELECT COUNT(*) FROM stored_message m WHERE m.mailbox_id = b.id AND m.flags & 8 <> 0),
    (SELECT COALESCE(SUM(m.size_bytes), 0) FROM stored_message m WHERE m.mailbox_id = b.id AND m.flags & 8 <> 0),
    1, 0
FROM stored_mailbox_1 b;
DROP TABLE stored_mailbox_1;

CREATE TABLE stored_letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    content_id INTEGER NOT NULL,
    prefix BLOB NOT NULL,
    needs_utf8 INTEGER NOT NULL,
    thread_id INTEGER NOT NULL
);
ALTER TABLE stored_message RENAME TO stored_message_1;
CREATE TABLE stored_message (
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    letter_id INTEGER NOT NULL,
    content_id INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    internal_date_at REAL NOT NULL,
    saved_at REAL NOT NULL,
    modseq INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    PRIMARY KEY (mailbox_id, uid)
) WITHOUT ROWID;
INSERT INTO stored_letter (id, content_id, prefix, needs_utf8, thread_id)
SELECT rowid, content_id, prefix, needs_utf8, 0 FROM stored_message_1;
INSERT INTO stored_message
SELECT mailbox_id, uid, rowid, content_id, size_bytes, internal_date_at, internal_date_at, modseq, flags, keywords
FROM stored_message_1;
DROP TABLE stored_message_1;
CREATE INDEX stored_letter_content ON stored_letter (content_id);
CREATE INDEX stored_message_modseq ON stored_message (mailbox_id, modseq, uid);
CREATE INDEX stored_message_letter ON stored_message (letter_id);

CREATE TABLE stored_kept (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL,
    mailbox_name TEXT NOT NULL,
    letter_id INTEGER NOT NULL,
    content_id INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    internal_date_at REAL NOT NULL,
    saved_at REAL NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    expunged_at REAL NOT NULL
);
CREATE INDEX stored_kept_account ON stored_kept (account_id, expunged_at);
CREATE INDEX stored_kept_letter ON stored_kept (letter_id);
CREATE INDEX stored_kept_expunged ON stored_kept (expunged_at);
CREATE TABLE stored_doomed (
    mailbox_id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    doomed_at REAL NOT NULL
);
CREATE TABLE stored_index (
    content_id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
);
CREATE TABLE stored_progress (
    name TEXT PRIMARY KEY,
    reached INTEGER NOT NULL
);
CREATE TABLE stored_thread (
    account_id INTEGER NOT NULL,
    message_id BLOB NOT NULL,
    thread_id INTEGER NOT NULL,
    PRIMARY KEY (account_id, message_id)
) WITHOUT ROWID;
CREATE TABLE stored_subscription (
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (account_id, name)
);
CREATE TABLE stored_right (
    mailbox_id INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    rights TEXT NOT NULL,
    PRIMARY KEY (mailbox_id, identifier)
);
CREATE INDEX stored_right_identifier ON stored_right (identifier);
CREATE TABLE stored_annotation (
    account_id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    entry TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (account_id, mailbox_id, user_id, entry)
);
CREATE TABLE stored_url_key (
    account_id INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,
    key BLOB NOT NULL,
    PRIMARY KEY (account_id, mailbox_id)
);
"""

# Step 3: the letters that nobody has read yet are found without going through all of them.
_THIRD: Final = "CREATE INDEX stored_letter_unread ON stored_letter (id) WHERE thread_id = 0;"

MIGRATIONS: Final[Sequence[Migration]] = (
    Migration("store", 1, _FIRST),
    Migration("store", 2, _SECOND),
    Migration("store", 3, _THIRD),
)
