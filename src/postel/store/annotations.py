"""What clients keep beside mailboxes, and beside the server as a whole: names with values.

Implements  RFC 5464 2 (entries, private and shared), 4.2.1 and 4.3 (limits), RFC 5466 3 (filters are entries too).
Gives       Annotations.
Not here    Names of entries and who may use them: servers.

An entry of the server as a whole has mailbox 0. A shared entry has user 0, a private one that of its account; shared
entries of the server belong to account 0. Names of entries are compared without regard to case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from postel.database import Database, Transaction
from postel.store.changes import Changes
from postel.store.faults import TooMany
from postel.store.options import StoreOptions

_PLACE: Final = "account_id = ? AND mailbox_id = ? AND user_id = ?"
_SET: Final = """
INSERT INTO stored_annotation (account_id, mailbox_id, user_id, entry, value) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (account_id, mailbox_id, user_id, entry) DO UPDATE SET value = excluded.value"""


class Annotations:
    """The annotations of all accounts."""

    def __init__(self, database: Database, options: StoreOptions, changes: Changes) -> None:
        self._database = database
        self.options = options
        self._changes = changes

    async def of(self, account_id: int, mailbox_id: int, user_id: int) -> dict[str, bytes]:
        """All entries of one place, by name in lower case."""
        sql = f"SELECT entry, value FROM stored_annotation WHERE {_PLACE} ORDER BY entry"
        key = (account_id, mailbox_id, user_id)
        rows = await self._database.read(lambda tx: tx.fetch_all(sql, key))
        return {entry: bytes(value) for entry, value in rows}

    async def visible(self, account_id: int) -> list[tuple[int, int, str, bytes]]:
        """What an account can read of its own places: mailbox, user (0: shared), entry, value."""
        sql = """
            SELECT mailbox_id, user_id, entry, value FROM stored_annotation
            WHERE account_id = ? AND user_id IN (0, ?)"""
        key = (account_id, account_id)
        rows = await self._database.read(lambda tx: tx.fetch_all(sql, key))
        return [(mailbox_id, user_id, entry, bytes(value)) for mailbox_id, user_id, entry, value in rows]

    async def set(
        self,
        tx: Transaction,
        account_id: int,
        mailbox_id: int,
        user_id: int,
        values: Mapping[str, bytes | None],
    ) -> None:
        """Set entries, or with None remove them: all or none. Raises TooMany."""
        place = (account_id, mailbox_id, user_id)
        for entry, value in values.items():
            if value is None:
                sql = f"DELETE FROM stored_annotation WHERE {_PLACE} AND entry = ?"
                await tx.execute(sql, (*place, entry.lower()))
            elif len(value) > self.options.annotation_bytes:
                raise TooMany("octets in a value", self.options.annotation_bytes)
            else:
                await tx.execute(_SET, (*place, entry.lower(), value))
        row = await tx.fetch_one(f"SELECT COUNT(*) FROM stored_annotation WHERE {_PLACE}", place)
        if row is not None and row[0] > self.options.annotations:
            raise TooMany("annotations", self.options.annotations)
        self._changes.publish_tree(tx, account_id)
