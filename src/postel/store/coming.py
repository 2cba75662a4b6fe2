"""Messages that come in: by delivery, import, APPEND.

Implements  RFC 9051 6.3.12 (APPEND), 2.3.1.1 (UIDs grow), RFC 4315 3 (APPENDUID).
            RFC 8474 5.2 (THREADID).
Gives       append, BY_NAME, BY_ID, LETTERS, UNREAD (channels).

Invariant: a letter holds its content once, whatever mailboxes it lies in; the hold and the letter's row come and
go in one transaction. What is known of a letter that was read before it came, and its thread, come with it.
"""

from __future__ import annotations

from typing import Final

from postel.contents import hold
from postel.database import Transaction, Value
from postel.store.copying import INSERT
from postel.store.index import keep_blob
from postel.store.records import Appended, Flags, MessageFacts
from postel.store.threads import join_thread, thread_of

LETTERS: Final = "store.letters"  # announced when there are new letters
UNREAD: Final = "store.unread"  # announced when there are some of which nothing is known yet

_TAKE: Final = """
UPDATE stored_mailbox
SET uid_next = uid_next + 1, highest_modseq = highest_modseq + 1, message_count = message_count + 1,
    size_bytes = size_bytes + ?, unseen_count = unseen_count + ?, deleted_count = deleted_count + ?,
    deleted_bytes = deleted_bytes + ?
WHERE {} AND is_selectable = 1 RETURNING id, account_id, uid_validity, uid_next - 1, highest_modseq"""
BY_NAME: Final = _TAKE.format("account_id = ? AND name = ?")
BY_ID: Final = _TAKE.format("id = ?")
_LETTER: Final = """
INSERT INTO stored_letter (content_id, prefix, needs_utf8, thread_id) VALUES (?, ?, ?, {}) RETURNING id, thread_id"""
_UNREAD: Final = _LETTER.format("0")


async def append(
    tx: Transaction, take: str, place: tuple[Value, ...], facts: MessageFacts, now: float
) -> Appended | None:
    """Store a message where BY_NAME or BY_ID finds the mailbox; None where it finds none."""
    size_bytes = len(facts.prefix) + facts.content_size_bytes
    deleted = 1 if facts.flags & Flags.DELETED else 0
    unseen = 0 if facts.flags & Flags.SEEN else 1
    taken = await tx.fetch_one(take, (size_bytes, unseen, deleted, deleted * size_bytes, *place))
    if taken is None:
        return None
    mailbox_id, account_id, uid_validity, uid, modseq = taken
    letter_id = await _insert_letter(tx, account_id, facts)
    keywords = " ".join(sorted(facts.keywords))
    row = (facts.content_id, size_bytes, facts.internal_date_at, now, modseq, int(facts.flags), keywords)
    await tx.execute(INSERT, (mailbox_id, uid, letter_id, *row))
    await hold(tx, facts.content_id)
    tx.announce(LETTERS)
    return Appended(mailbox_id, account_id, uid_validity, uid, modseq, letter_id)


async def _insert_letter(tx: Transaction, account_id: int, facts: MessageFacts) -> int:
    row = (facts.content_id, facts.prefix, int(facts.needs_utf8))
    if facts.read is None:
        tx.announce(UNREAD)
        return (await _fetch(tx, _UNREAD, row))[0]
    keys = facts.read.thread_keys
    letter_id, thread_id = await _fetch(tx, _LETTER.format(thread_of(keys)), (*row, account_id, *keys))
    await join_thread(tx, account_id, keys, thread_id)
    await keep_blob(tx, facts.content_id, facts.read.blob)
    return letter_id


async def _fetch(tx: Transaction, sql: str, params: tuple[Value, ...]) -> tuple[int, int]:
    row = await tx.fetch_one(sql, params)
    assert row is not None, "it was inserted"
    return row[0], row[1]
