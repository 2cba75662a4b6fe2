"""Rows of mailboxes and messages, as values, and the counters of a mailbox.

Gives       MAILBOX, mailbox_of, find_mailbox, get_mailbox, MESSAGE, message_of, Delta, total, count.

Invariant: a mailbox's counters say what its messages are; both change in one transaction, which takes one
mod-sequence for all that it changes (RFC 7162 3.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from postel.database import Row, Transaction
from postel.store.faults import NoSuchMailbox
from postel.store.records import Flags, MailboxName, SpecialUse, StoredMailbox, StoredMessage
from postel.store.runs import Stretch

MAILBOX: Final = """
SELECT id, account_id, name, special_uses, is_selectable, uid_validity, uid_next, highest_modseq, message_count,
    size_bytes, unseen_count, deleted_count, deleted_bytes, recent_from, pruned_modseq
FROM stored_mailbox"""

MESSAGE: Final = """
SELECT m.mailbox_id, m.uid, m.letter_id, m.content_id, l.prefix, m.size_bytes, m.internal_date_at, m.saved_at,
    m.modseq, m.flags, m.keywords, l.needs_utf8
FROM stored_message m JOIN stored_letter l ON l.id = m.letter_id"""

_COUNT: Final = """
UPDATE stored_mailbox
SET highest_modseq = highest_modseq + 1, message_count = message_count + ?, size_bytes = size_bytes + ?,
    unseen_count = unseen_count + ?, deleted_count = deleted_count + ?, deleted_bytes = deleted_bytes + ?
WHERE id = ? AND is_selectable = 1 RETURNING highest_modseq"""

_TOTAL: Final = """
SELECT COUNT(*), COALESCE(SUM(size_bytes), 0), COALESCE(SUM(CASE WHEN flags & 1 = 0 THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN flags & 8 <> 0 THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN flags & 8 <> 0 THEN size_bytes ELSE 0 END), 0)
FROM stored_message WHERE """


@lru_cache(maxsize=512)  # each command of a session asks for its mailbox, which seldom is another than before
def mailbox_of(row: Row) -> StoredMailbox:
    """A row of MAILBOX."""
    id_, account_id, name, uses, is_selectable, *counters = row
    return StoredMailbox(
        id_,
        account_id,
        MailboxName(name),
        _uses_of(uses) if uses else _NO_USES,
        bool(is_selectable),
        *counters,
    )


_NO_USES: Final[frozenset[SpecialUse]] = frozenset()


def _uses_of(text: str) -> frozenset[SpecialUse]:
    return frozenset(map(SpecialUse, text.split()))


def message_of(row: Row) -> StoredMessage:
    """A row of MESSAGE."""
    *facts, flags, keywords, needs_utf8 = row
    mailbox_id, uid, letter_id, content_id, prefix, size_bytes, internal_date_at, saved_at, modseq = facts
    return StoredMessage(
        mailbox_id=mailbox_id,
        uid=uid,
        letter_id=letter_id,
        content_id=content_id,
        prefix=prefix,
        size_bytes=size_bytes,
        internal_date_at=internal_date_at,
        saved_at=saved_at,
        modseq=modseq,
        flags=Flags(flags),
        keywords=frozenset(keywords.split()),
        needs_utf8=bool(needs_utf8),
    )


async def find_mailbox(tx: Transaction, mailbox_id: int) -> StoredMailbox | None:
    """A mailbox by its id."""
    row = await tx.fetch_one(f"{MAILBOX} WHERE id = ?", (mailbox_id,))
    return None if row is None else mailbox_of(row)


async def get_mailbox(tx: Transaction, mailbox_id: int) -> StoredMailbox:
    """A mailbox that holds messages, by its id. Raises NoSuchMailbox."""
    box = await find_mailbox(tx, mailbox_id)
    if box is None or not box.is_selectable:
        raise NoSuchMailbox(f"no mailbox {mailbox_id}")
    return box


@dataclass(slots=True)
class Delta:
    """How much more of each there is in a mailbox."""

    messages: int = 0
    size_bytes: int = 0
    unseen: int = 0
    deleted: int = 0
    deleted_bytes: int = 0

    @property
    def columns(self) -> tuple[int, int, int, int, int]:
        """In the order of the counters of a mailbox."""
        return self.messages, self.size_bytes, self.unseen, self.deleted, self.deleted_bytes

    def __neg__(self) -> Delta:
        return Delta(*(-value for value in self.columns))

    def add(self, flags: int, size_bytes: int) -> None:
        """Count a message that comes."""
        self.messages += 1
        self.size_bytes += size_bytes
        self.unseen += not flags & Flags.SEEN
        if flags & Flags.DELETED:
            self.deleted += 1
            self.deleted_bytes += size_bytes


async def total(tx: Transaction, stretches: Iterable[Stretch]) -> Delta:
    """What these messages are in the counters of their mailbox."""
    sums = [0] * 5
    for stretch in stretches:
        row = await tx.fetch_one(_TOTAL + stretch.where, stretch.params)
        assert row is not None  # an aggregate always has one
        sums = [one + other for one, other in zip(sums, row, strict=True)]
    return Delta(*sums)


async def count(tx: Transaction, mailbox_id: int, delta: Delta) -> int:
    """Change the counters of a mailbox: the mod-sequence of what is changed. Raises NoSuchMailbox."""
    row = await tx.fetch_one(_COUNT, (*delta.columns, mailbox_id))
    if row is None:
        raise NoSuchMailbox(f"no mailbox {mailbox_id}")
    return int(row[0])
