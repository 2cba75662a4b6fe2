"""Stored mailboxes: messages come in inside somebody's transaction, are listed, read, and expunged.

Implements  RFC 9051 2.3.1.1 (UIDs), RFC 7162 3.1, 3.2 (mod-sequences, what was expunged), RFC 1939 8.
Gives       Store.
Not here    Content itself (contents), the maildrop lock (locks), accounts (directory).

Invariant: a row of stored_message holds its content; the row and the hold come and go in one transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import Final

from postel.contents import Contents, hold, release
from postel.database import Database, Row, Transaction
from postel.net import Clock
from postel.store.changes import Changes
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

_AT_ONCE: Final = 200  # rows named in one statement, and in one page of an iteration
_DROP_AT_ONCE: Final = 2000  # lines of a maildrop listing that are read before others have their turn

_TAKE_UID: Final = """
UPDATE stored_mailbox
SET uid_next = uid_next + 1, highest_modseq = highest_modseq + 1,
    message_count = message_count + 1, size_bytes = size_bytes + ?
WHERE account_id = ? AND name = ? RETURNING id, uid_next - 1, highest_modseq"""
_CREATE: Final = """
INSERT INTO stored_mailbox
    (account_id, name, special_use, uid_validity, uid_next, highest_modseq, message_count, size_bytes)
VALUES (?, ?, ?, ?, 1, 1, 0, 0) ON CONFLICT (account_id, name) DO NOTHING"""
_INSERT: Final = """
INSERT INTO stored_message
    (mailbox_id, uid, content_id, prefix, size_bytes, internal_date_at, modseq, flags, keywords, needs_utf8)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_MESSAGE: Final = """
SELECT mailbox_id, uid, content_id, prefix, size_bytes, internal_date_at, modseq, flags, keywords, needs_utf8
FROM stored_message WHERE mailbox_id = ?"""
_MAILBOX: Final = """
SELECT id, account_id, name, special_use, uid_validity, uid_next, highest_modseq, message_count, size_bytes
FROM stored_mailbox WHERE account_id = ?"""
_DROP: Final = f"""
SELECT m.uid, m.size_bytes, m.needs_utf8, b.uid_validity, b.id
FROM stored_mailbox b JOIN stored_message m ON m.mailbox_id = b.id
WHERE b.account_id = ? AND b.name = ? AND m.uid > ? ORDER BY m.uid LIMIT {_DROP_AT_ONCE}"""
_SHRINK: Final = """
UPDATE stored_mailbox
SET highest_modseq = highest_modseq + 1, message_count = message_count - ?, size_bytes = size_bytes - ?
WHERE id = ? RETURNING highest_modseq, account_id"""
_TOMBSTONE: Final = """
INSERT INTO stored_expunge (mailbox_id, first_uid, last_uid, modseq) VALUES (?, ?, ?, ?)"""


class NoSuchMessage(Exception):
    """The message was expunged, or never was."""


class Store:
    """The stored mailboxes of all accounts."""

    def __init__(self, database: Database, contents: Contents, clock: Clock) -> None:
        self._database = database
        self._contents = contents
        self._clock = clock
        self.changes = Changes(database)

    # --- coming in ---------------------------------------------------------------------------------------

    async def append(
        self, tx: Transaction, account_id: int, facts: MessageFacts, name: MailboxName = INBOX
    ) -> int:
        """Put a message into a stored mailbox and give its UID, in the caller's transaction.

        INBOX is made when its first message comes. Holds the content once more. Raises LookupError when the
        account has no other mailbox of that name.
        """
        size_bytes = len(facts.prefix) + facts.content_size_bytes
        place = (size_bytes, account_id, name)
        taken = await tx.fetch_one(_TAKE_UID, place)
        if taken is None and name == INBOX:
            await self.create(tx, account_id, INBOX)
            taken = await tx.fetch_one(_TAKE_UID, place)
        if taken is None:
            raise LookupError(f"no mailbox {name!r}")
        mailbox_id, uid, modseq = taken
        row = (
            mailbox_id,
            uid,
            facts.content_id,
            facts.prefix,
            size_bytes,
            facts.internal_date_at,
            modseq,
            int(facts.flags),
            " ".join(sorted(facts.keywords)),
            int(facts.needs_utf8),
        )
        await tx.execute(_INSERT, row)
        await hold(tx, facts.content_id)
        self.changes.publish(tx, account_id)
        return int(uid)

    async def create(
        self,
        tx: Transaction,
        account_id: int,
        name: MailboxName,
        special_use: SpecialUse = SpecialUse.NONE,
    ) -> None:
        """Make a stored mailbox, unless there is one of that name."""
        # RFC 9051 2.3.1.1: seconds of the clock, so that a mailbox made anew has a greater one; 32 bits.
        uid_validity = int(self._clock.now()) & 0xFFFFFFFF or 1
        await tx.execute(_CREATE, (account_id, name, str(special_use), uid_validity))

    # --- looking -----------------------------------------------------------------------------------------

    async def mailboxes(self, account_id: int) -> list[StoredMailbox]:
        """All stored mailboxes of an account, by name."""
        rows = await self._database.read(
            lambda tx: tx.fetch_all(f"{_MAILBOX} ORDER BY name", (account_id,)),
        )
        return [_mailbox(row) for row in rows]

    async def mailbox(self, account_id: int, name: MailboxName = INBOX) -> StoredMailbox | None:
        """One stored mailbox; None while there is none of that name."""
        row = await self._database.read(
            lambda tx: tx.fetch_one(f"{_MAILBOX} AND name = ?", (account_id, name))
        )
        return None if row is None else _mailbox(row)

    async def used_bytes(self, account_id: int) -> int:
        """Octets in all stored mailboxes of an account."""
        sql = "SELECT SUM(size_bytes) FROM stored_mailbox WHERE account_id = ?"
        row = await self._database.read(lambda tx: tx.fetch_one(sql, (account_id,)))
        return (row and row[0]) or 0

    async def maildrop(self, account_id: int) -> Maildrop:
        """INBOX as POP3 lists it: what had come when the listing began, or a little later."""
        mailbox_id, last_uid = 0, 0
        messages: list[MaildropMessage] = []
        while rows := await self._drop_page(account_id, last_uid):
            messages += (
                MaildropMessage(uid, size_bytes, uidl_of(uid_validity, uid), bool(needs_utf8))
                for uid, size_bytes, needs_utf8, uid_validity, _ in rows
            )
            last_uid, mailbox_id = rows[-1][0], rows[-1][-1]
        return Maildrop(mailbox_id, tuple(messages))

    async def _drop_page(self, account_id: int, after_uid: int) -> list[Row]:
        key = (account_id, INBOX, after_uid)
        return await self._database.read(lambda tx: tx.fetch_all(_DROP, key))

    async def message(self, mailbox_id: int, uid: int) -> StoredMessage:
        """One message. Raises NoSuchMessage."""
        row = await self._database.read(lambda tx: tx.fetch_one(f"{_MESSAGE} AND uid = ?", (mailbox_id, uid)))
        if row is None:
            raise NoSuchMessage(f"uid {uid}")
        return _message(row)

    async def messages(self, mailbox_id: int) -> AsyncGenerator[StoredMessage, None]:
        """All messages of a mailbox by UID, a page at a time, so that a large mailbox holds nothing up."""
        last_uid = 0
        while rows := await self._page(mailbox_id, last_uid):
            for row in rows:
                yield _message(row)
            last_uid = rows[-1][1]

    async def _page(self, mailbox_id: int, after_uid: int) -> list[Row]:
        sql = f"{_MESSAGE} AND uid > ? ORDER BY uid LIMIT {_AT_ONCE}"
        return await self._database.read(lambda tx: tx.fetch_all(sql, (mailbox_id, after_uid)))

    async def read(self, message: StoredMessage) -> AsyncGenerator[bytes, None]:
        """The octets of a message: prefix, then content, in pieces of little more than 64 KiB.

        Raises ContentMissing, usually before the first piece, when the message was expunged meanwhile.
        """
        reader = await self._contents.reader(message.content_id)
        async with aclosing(reader.chunks()) as chunks:
            yield message.prefix + await anext(chunks, b"")
            async for chunk in chunks:
                yield chunk

    # --- going -------------------------------------------------------------------------------------------

    async def expunge(self, tx: Transaction, mailbox_id: int, uids: Iterable[int]) -> int:
        """Remove messages for good, in the caller's transaction; how many there were.

        Leaves behind which UIDs went and when (RFC 7162 3.2.10), releases the contents.
        """
        gone: list[int] = []
        size_bytes = 0
        contents: Counter[int] = Counter()
        for some in _batches(sorted(set(uids))):
            where = f"WHERE mailbox_id = ? AND uid IN ({', '.join('?' * len(some))})"
            key = (mailbox_id, *some)
            rows = await tx.fetch_all(
                f"SELECT uid, content_id, size_bytes FROM stored_message {where} ORDER BY uid", key
            )
            await tx.execute(f"DELETE FROM stored_message {where}", key)
            gone += [row[0] for row in rows]
            contents.update(row[1] for row in rows)
            size_bytes += sum(row[2] for row in rows)
        if gone:
            await self._bury(tx, mailbox_id, gone, size_bytes)
        for content_id, count in contents.items():
            await release(tx, content_id, count)
        return len(gone)

    async def _bury(self, tx: Transaction, mailbox_id: int, uids: Sequence[int], size_bytes: int) -> None:
        row = await tx.fetch_one(_SHRINK, (len(uids), size_bytes, mailbox_id))
        if row is None:
            raise LookupError(f"no mailbox {mailbox_id}")
        modseq, account_id = row
        ranges = [(mailbox_id, first, last, modseq) for first, last in _ranges(uids)]
        await tx.execute_many(_TOMBSTONE, ranges)
        self.changes.publish(tx, account_id)

    async def expunged_since(self, mailbox_id: int, modseq: int) -> list[tuple[int, int]]:
        """Ranges of UIDs that went after a mod-sequence, first and last included (RFC 7162 3.2.5.2)."""
        sql = """SELECT first_uid, last_uid FROM stored_expunge WHERE mailbox_id = ? AND modseq > ?
                 ORDER BY first_uid"""
        rows = await self._database.read(lambda tx: tx.fetch_all(sql, (mailbox_id, modseq)))
        return [(first, last) for first, last in rows]

    async def forget_account(self, tx: Transaction, account_id: int) -> None:
        """Remove all mailboxes of an account that is removed, with their messages."""
        sql = """SELECT m.content_id, COUNT(*) FROM stored_mailbox b JOIN stored_message m ON m.mailbox_id = b.id
                 WHERE b.account_id = ? GROUP BY m.content_id"""
        contents = await tx.fetch_all(sql, (account_id,))
        boxes = "SELECT id FROM stored_mailbox WHERE account_id = ?"
        for table in ("stored_message", "stored_expunge"):
            await tx.execute(f"DELETE FROM {table} WHERE mailbox_id IN ({boxes})", (account_id,))
        await tx.execute("DELETE FROM stored_mailbox WHERE account_id = ?", (account_id,))
        for content_id, count in contents:
            await release(tx, content_id, count)
        self.changes.publish(tx, account_id)


def _mailbox(row: Row) -> StoredMailbox:
    id_, account_id, name, special_use, uid_validity, uid_next, highest_modseq, message_count, size_bytes = (
        row
    )
    return StoredMailbox(
        id=id_,
        account_id=account_id,
        name=MailboxName(name),
        special_use=SpecialUse(special_use),
        uid_validity=uid_validity,
        uid_next=uid_next,
        highest_modseq=highest_modseq,
        message_count=message_count,
        size_bytes=size_bytes,
    )


def _message(row: Row) -> StoredMessage:
    mailbox_id, uid, content_id, prefix, size_bytes, internal_date_at, modseq, flags, keywords, needs_utf8 = (
        row
    )
    return StoredMessage(
        mailbox_id=mailbox_id,
        uid=uid,
        content_id=content_id,
        prefix=prefix,
        size_bytes=size_bytes,
        internal_date_at=internal_date_at,
        modseq=modseq,
        flags=Flags(flags),
        keywords=frozenset(keywords.split()),
        needs_utf8=bool(needs_utf8),
    )


def _batches(uids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (uids[start : start + _AT_ONCE] for start in range(0, len(uids), _AT_ONCE))


def _ranges(uids: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Sorted UIDs as ranges without gaps: mail fetched and deleted in order leaves one."""
    first = last = uids[0]
    for uid in uids[1:]:
        if uid != last + 1:
            yield first, last
            first = uid
        last = uid
    yield first, last
