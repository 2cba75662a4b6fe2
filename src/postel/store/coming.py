"""Messages that come in: by delivery, import, APPEND.

Implements  RFC 9051 6.3.12 (APPEND), 2.3.1.1 (UIDs grow), RFC 4315 3 (APPENDUID).
Gives       append, BY_NAME, BY_ID, LETTERS (a channel).

Invariant: a letter holds its content once, whatever mailboxes it lies in; the hold and the letter's row come and
go in one transaction.
"""

from __future__ import annotations

from typing import Final

from postel.contents import hold
from postel.database import Transaction, Value
from postel.store.copying import INSERT
from postel.store.records import Appended, Flags, MessageFacts

LETTERS: Final = "store.letters"  # announced when there are new letters

_TAKE: Final = """
UPDATE stored_mailbox
SET uid_next = uid_next + 1, highest_modseq = highest_modseq + 1, message_count = message_count + 1,
    size_bytes = size_bytes + ?, unseen_count = unseen_count + ?, deleted_count = deleted_count + ?,
    deleted_bytes = deleted_bytes + ?
WHERE {} AND is_selectable = 1 RETURNING id, uid_validity, uid_next - 1, highest_modseq"""
BY_NAME: Final = _TAKE.format("account_id = ? AND name = ?")
BY_ID: Final = _TAKE.format("id = ?")
_LETTER: Final = """
INSERT INTO stored_letter (content_id, prefix, needs_utf8, thread_id) VALUES (?, ?, ?, 0) RETURNING id"""


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
    mailbox_id, uid_validity, uid, modseq = taken
    letter_id = await tx.insert(_LETTER, (facts.content_id, facts.prefix, int(facts.needs_utf8)))
    keywords = " ".join(sorted(facts.keywords))
    row = (facts.content_id, size_bytes, facts.internal_date_at, now, modseq, int(facts.flags), keywords)
    await tx.execute(INSERT, (mailbox_id, uid, letter_id, *row))
    await hold(tx, facts.content_id)
    tx.announce(LETTERS)
    return Appended(mailbox_id, uid_validity, uid, modseq, letter_id)
