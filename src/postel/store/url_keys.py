"""The keys that authorise URLs of messages, one for each mailbox.

Implements  RFC 4467 3 and 4 (mailbox access keys), 7 (RESETKEY).
Gives       UrlKeys.
Not here    URLs and their verifiers: servers.
"""

from __future__ import annotations

import secrets
from typing import Final

from postel.database import Database, Transaction

KEY_BYTES: Final = 32  # RFC 4467 8: at least 128 bits of what nobody can guess

_FIND: Final = "SELECT key FROM stored_url_key WHERE account_id = ? AND mailbox_id = ?"
_MAKE: Final = """
INSERT INTO stored_url_key (account_id, mailbox_id, key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"""


class UrlKeys:
    """The keys of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, account_id: int, mailbox_id: int) -> bytes:
        """The key with which an account authorises URLs of a mailbox; made when there is none."""
        place = (account_id, mailbox_id)
        row = await self._database.read(lambda tx: tx.fetch_one(_FIND, place))
        if row is None:
            row = await self._database.write(lambda tx: _make(tx, place))
        return bytes(row[0])

    async def find(self, account_id: int, mailbox_id: int) -> bytes | None:
        """The key, if there is one: without one no URL was ever authorised."""
        row = await self._database.read(lambda tx: tx.fetch_one(_FIND, (account_id, mailbox_id)))
        return None if row is None else bytes(row[0])

    async def reset(self, tx: Transaction, account_id: int, mailbox_id: int | None = None) -> None:
        """Make all URLs void that were authorised for a mailbox, or for all of the account."""
        if mailbox_id is None:
            await tx.execute("DELETE FROM stored_url_key WHERE account_id = ?", (account_id,))
        else:
            sql = "DELETE FROM stored_url_key WHERE account_id = ? AND mailbox_id = ?"
            await tx.execute(sql, (account_id, mailbox_id))


async def _make(tx: Transaction, place: tuple[int, int]) -> tuple[bytes]:
    await tx.execute(_MAKE, (*place, secrets.token_bytes(KEY_BYTES)))
    row = await tx.fetch_one(_FIND, place)
    assert row is not None
    return (row[0],)
