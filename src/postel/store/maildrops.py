"""INBOX as POP3 lists it.

Implements  RFC 1939 5 (STAT, LIST), 7 (UIDL).
Gives       list_maildrop.
Not here    The lock on it: locks.
"""

from __future__ import annotations

from typing import Final

from postel.database import Database, Row
from postel.store.records import INBOX, Maildrop, MaildropMessage, uidl_of

_AT_ONCE: Final = 2000  # lines that are read before others have their turn
_PAGE: Final = f"""
SELECT m.uid, m.size_bytes, l.needs_utf8, b.uid_validity, b.id
FROM stored_mailbox b JOIN stored_message m ON m.mailbox_id = b.id JOIN stored_letter l ON l.id = m.letter_id
WHERE b.account_id = ? AND b.name = ? AND m.uid > ? ORDER BY m.uid LIMIT {_AT_ONCE}"""


async def list_maildrop(database: Database, account_id: int) -> Maildrop:
    """What had come when the listing began, or a little later. Raises DatabaseTrouble."""
    mailbox_id, last_uid = 0, 0
    messages: list[MaildropMessage] = []
    while rows := await _page(database, account_id, last_uid):
        messages += (
            MaildropMessage(uid, size_bytes, uidl_of(uid_validity, uid), bool(needs_utf8))
            for uid, size_bytes, needs_utf8, uid_validity, _ in rows
        )
        last_uid, mailbox_id = rows[-1][0], rows[-1][-1]
    return Maildrop(mailbox_id, tuple(messages))


async def _page(database: Database, account_id: int, after_uid: int) -> list[Row]:
    return await database.read(lambda tx: tx.fetch_all(_PAGE, (account_id, INBOX, after_uid)))
