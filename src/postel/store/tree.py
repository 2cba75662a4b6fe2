"""The mailboxes of an account as a tree: made, renamed, deleted, subscribed.

Implements  RFC 9051 6.3.4 (CREATE), 6.3.5 (DELETE), 6.3.6 (RENAME), 6.3.7 (SUBSCRIBE), 2.3.1.1 (UIDVALIDITY),
            RFC 6154 3 (special uses), RFC 8474 4 (MAILBOXID: kept by a rename), RFC 4314 5.1 (rights are inherited).
Gives       Tree.

No UIDVALIDITY is given twice in an account, whatever becomes of names: the last one given is remembered.
A deleted mailbox is gone at once; its messages are kept, or removed, in the background.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from postel.database import Database, Transaction
from postel.net import Clock
from postel.store.changes import Changes
from postel.store.faults import (
    BadMailboxName,
    MailboxExists,
    MailboxHasChildren,
    MailboxIsInbox,
    NoSuchMailbox,
    TooMany,
    UseTaken,
)
from postel.store.kept import UNTIDY
from postel.store.names import DEFAULTS, SEPARATOR, below, checked_name, parents_of
from postel.store.options import StoreOptions
from postel.store.records import INBOX, MailboxName, SpecialUse, StoredMailbox
from postel.store.rows import MAILBOX, find_mailbox, mailbox_of

# RFC 9051 2.3.1.1: seconds of the clock, or the next number where that was given already.
_UID_VALIDITY: Final = """
INSERT INTO stored_account (account_id, last_uid_validity, has_defaults) VALUES (?, ?, 0)
ON CONFLICT (account_id) DO UPDATE SET last_uid_validity = CASE
    WHEN stored_account.last_uid_validity >= excluded.last_uid_validity THEN stored_account.last_uid_validity + 1
    ELSE excluded.last_uid_validity END
RETURNING last_uid_validity"""
_INSERT: Final = """
INSERT INTO stored_mailbox (account_id, name, special_uses, is_selectable, uid_validity, uid_next, highest_modseq,
    message_count, size_bytes, unseen_count, deleted_count, deleted_bytes, recent_from, pruned_modseq)
VALUES (?, ?, ?, ?, ?, 1, 1, 0, 0, 0, 0, 0, 1, 0) RETURNING id"""
_CHILDREN: Final = f"{MAILBOX} WHERE account_id = ? AND name >= ? AND name < ? ORDER BY name"
_NAMES_BELOW: Final = "SELECT name FROM stored_mailbox WHERE account_id = ? AND name >= ? AND name < ?"
_IDS_BELOW: Final = (
    "SELECT id, name FROM stored_mailbox WHERE account_id = ? AND name >= ? AND name < ? ORDER BY name"
)
_DEFAULTS_MADE: Final = """
UPDATE stored_account SET has_defaults = 1 WHERE account_id = ? AND has_defaults = 0"""
_INHERIT: Final = """
INSERT INTO stored_right (mailbox_id, identifier, rights)
SELECT ?, identifier, rights FROM stored_right WHERE mailbox_id = ?"""


class Tree:
    """The mailboxes of all accounts. What takes a transaction is part of the caller's."""

    def __init__(self, database: Database, clock: Clock, options: StoreOptions, changes: Changes) -> None:
        self._database = database
        self._clock = clock
        self.options = options
        self._changes = changes

    # --- making ------------------------------------------------------------------------------------------

    async def create(
        self,
        tx: Transaction,
        account_id: int,
        name: str,
        uses: Collection[SpecialUse] = (),
    ) -> int:
        """Make a mailbox, and those above it that are missing: its id.

        Raises MailboxExists, BadMailboxName, UseTaken, TooMany.
        """
        name = checked_name(name, self.options)
        there = await self._find(tx, account_id, name)
        if there is not None and there.is_selectable:
            raise MailboxExists(name)
        await self._check_uses(tx, account_id, uses)
        await self._check_number(tx, account_id)
        await self._make_parents(tx, account_id, name)
        if there is not None:  # RFC 9051 6.3.5: a name that was deleted above others, and is used again
            await tx.execute("DELETE FROM stored_mailbox WHERE id = ?", (there.id,))
        mailbox_id = await self._insert(tx, account_id, name, uses)
        self._changes.publish_tree(tx, account_id)
        return mailbox_id

    async def ensure(
        self, tx: Transaction, account_id: int, name: str, uses: Collection[SpecialUse] = ()
    ) -> int:
        """The id of the mailbox of this name, which is made if it is missing. Raises as `create` does."""
        there = await self._find(tx, account_id, checked_name(name, self.options))
        if there is not None and there.is_selectable:
            return there.id
        return await self.create(tx, account_id, name, uses)

    async def make_defaults(self, tx: Transaction, account_id: int) -> None:
        """Give an account the mailboxes that people expect, once: what it deletes of them does not come back."""
        sql = "SELECT has_defaults FROM stored_account WHERE account_id = ?"
        row = await tx.fetch_one(sql, (account_id,))
        if row is not None and row[0]:
            return
        for name, use in DEFAULTS.items():
            await self._make_default(tx, account_id, name, use)
        await tx.execute(_DEFAULTS_MADE, (account_id,))
        self._changes.publish_tree(tx, account_id)

    async def _make_default(
        self, tx: Transaction, account_id: int, name: MailboxName, use: SpecialUse
    ) -> None:
        mailbox_id = await self.ensure(tx, account_id, name)
        if use and use not in await self._uses(tx, account_id):
            await tx.execute(
                "UPDATE stored_mailbox SET special_uses = ? WHERE id = ?", (str(use), mailbox_id)
            )
        await self.subscribe(tx, account_id, name)

    # --- deleting ----------------------------------------------------------------------------------------

    async def delete(self, tx: Transaction, mailbox_id: int) -> None:
        """Delete a mailbox; where others lie below, its name stays, without messages (\\Noselect).

        Raises NoSuchMailbox, MailboxIsInbox, MailboxHasChildren.
        """
        box = await find_mailbox(tx, mailbox_id)
        if box is None:
            raise NoSuchMailbox(f"no mailbox {mailbox_id}")
        if box.name == INBOX:
            raise MailboxIsInbox(INBOX)
        has_children = bool(await self._below(tx, box.account_id, box.name))
        if has_children and not box.is_selectable:  # RFC 9051 6.3.5: there is nothing left to delete
            raise MailboxHasChildren(box.name)
        await doom(tx, box, self._clock.now())
        if has_children:
            await self._insert(tx, box.account_id, box.name, (), is_selectable=False)
        self._changes.publish(tx, mailbox_id)
        self._changes.publish_tree(tx, box.account_id)

    # --- renaming ----------------------------------------------------------------------------------------

    async def rename(self, tx: Transaction, mailbox_id: int, new_name: str) -> None:
        """Give a mailbox another name, and those below it theirs. Not for INBOX, whose messages move instead.

        Raises NoSuchMailbox, MailboxIsInbox, MailboxExists, BadMailboxName, TooMany.
        """
        box = await find_mailbox(tx, mailbox_id)
        if box is None:
            raise NoSuchMailbox(f"no mailbox {mailbox_id}")
        new = checked_name(new_name, self.options)
        if INBOX in (box.name, new):
            raise MailboxIsInbox(INBOX)
        if new.startswith(box.name + SEPARATOR):
            raise BadMailboxName("a mailbox cannot be below itself")
        if await self._find(tx, box.account_id, new) is not None:
            raise MailboxExists(new)
        await self._make_parents(tx, box.account_id, new)
        await self._rename_tree(tx, box, new)
        self._changes.publish_tree(tx, box.account_id)

    async def _rename_tree(self, tx: Transaction, box: StoredMailbox, new: MailboxName) -> None:
        # A tree below the new name may be there, where the name itself is free: no two may meet.
        key = (box.account_id, *below(new))
        taken = {name for (name,) in await tx.fetch_all(_NAMES_BELOW, key)}
        renamed = [(new, box.id)]
        for child_id, name in await tx.fetch_all(_IDS_BELOW, (box.account_id, *below(box.name))):
            child_name = checked_name(new + name[len(box.name) :], self.options)
            if child_name in taken:
                raise MailboxExists(child_name)
            renamed.append((child_name, child_id))
        await tx.execute_many("UPDATE stored_mailbox SET name = ? WHERE id = ?", renamed)
        for _, mailbox_id in renamed:
            self._changes.publish(tx, mailbox_id)

    # --- subscriptions -----------------------------------------------------------------------------------

    async def subscribe(self, tx: Transaction, account_id: int, name: str) -> None:
        """Remember a name, whether or not there is such a mailbox (RFC 9051 6.3.7). Raises TooMany."""
        row = await tx.fetch_one(
            "SELECT COUNT(*) FROM stored_subscription WHERE account_id = ?", (account_id,)
        )
        if row is not None and row[0] >= self.options.subscriptions:
            raise TooMany("subscriptions", self.options.subscriptions)
        sql = "INSERT INTO stored_subscription (account_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING"
        await tx.execute(sql, (account_id, name))
        self._changes.publish_tree(tx, account_id)

    async def unsubscribe(self, tx: Transaction, account_id: int, name: str) -> bool:
        """Forget a name: whether it was remembered."""
        sql = "DELETE FROM stored_subscription WHERE account_id = ? AND name = ?"
        changed = await tx.execute(sql, (account_id, name))
        if changed:
            self._changes.publish_tree(tx, account_id)
        return bool(changed)

    async def subscriptions(self, account_id: int) -> set[str]:
        """The names that an account has subscribed to."""
        sql = "SELECT name FROM stored_subscription WHERE account_id = ?"
        rows = await self._database.read(lambda tx: tx.fetch_all(sql, (account_id,)))
        return {row[0] for row in rows}

    # --- within a transaction ----------------------------------------------------------------------------

    async def _find(self, tx: Transaction, account_id: int, name: str) -> StoredMailbox | None:
        row = await tx.fetch_one(f"{MAILBOX} WHERE account_id = ? AND name = ?", (account_id, name))
        return None if row is None else mailbox_of(row)

    async def _below(self, tx: Transaction, account_id: int, name: str) -> list[StoredMailbox]:
        return [mailbox_of(row) for row in await tx.fetch_all(_CHILDREN, (account_id, *below(name)))]

    async def _make_parents(self, tx: Transaction, account_id: int, name: str) -> None:
        """RFC 9051 6.3.4: what is missing above a name is made; a mailbox, so that mail can be put there too."""
        for parent in parents_of(name):
            if await self._find(tx, account_id, parent) is None:
                await self._insert(tx, account_id, parent, ())

    async def _insert(
        self,
        tx: Transaction,
        account_id: int,
        name: MailboxName,
        uses: Collection[SpecialUse],
        *,
        is_selectable: bool = True,
    ) -> int:
        seconds = int(self._clock.now()) & 0xFFFFFFFF or 1
        row = await tx.fetch_one(_UID_VALIDITY, (account_id, seconds))
        assert row is not None
        mailbox_id = await tx.insert(
            _INSERT, (account_id, name, _text_of(uses), int(is_selectable), row[0] & 0xFFFFFFFF)
        )
        if parents := parents_of(name):
            parent = await self._find(tx, account_id, parents[-1])
            if parent is not None:
                await tx.execute(_INHERIT, (mailbox_id, parent.id))
        return mailbox_id

    async def _check_number(self, tx: Transaction, account_id: int) -> None:
        row = await tx.fetch_one("SELECT COUNT(*) FROM stored_mailbox WHERE account_id = ?", (account_id,))
        if row is not None and row[0] >= self.options.mailboxes:
            raise TooMany("mailboxes", self.options.mailboxes)

    async def _check_uses(self, tx: Transaction, account_id: int, uses: Collection[SpecialUse]) -> None:
        """RFC 6154 3: one mailbox for each use."""
        taken = set(uses) & await self._uses(tx, account_id) if uses else set()
        if taken:
            raise UseTaken(", ".join(sorted(taken)))

    async def _uses(self, tx: Transaction, account_id: int) -> set[SpecialUse]:
        sql = "SELECT special_uses FROM stored_mailbox WHERE account_id = ?"
        rows = await tx.fetch_all(sql, (account_id,))
        return {SpecialUse(use) for row in rows for use in row[0].split()}


async def doom(tx: Transaction, box: StoredMailbox, doomed_at: float) -> None:
    """Take a mailbox out of everybody's sight; its messages are kept or removed later (kept)."""
    sql = "INSERT INTO stored_doomed (mailbox_id, account_id, name, doomed_at) VALUES (?, ?, ?, ?)"
    await tx.execute(sql, (box.id, box.account_id, box.name, doomed_at))
    tx.announce(UNTIDY)
    for table in ("stored_right", "stored_annotation", "stored_url_key"):
        await tx.execute(f"DELETE FROM {table} WHERE mailbox_id = ?", (box.id,))
    await tx.execute("DELETE FROM stored_mailbox WHERE id = ?", (box.id,))


def _text_of(uses: Collection[SpecialUse]) -> str:
    return " ".join(sorted(str(use) for use in uses if use))
