"""Which letters belong to one conversation.

Implements  RFC 8474 5.2 (THREADID: never changed once told), RFC 8621 3 (by message ids and the subject).
Gives       assign_threads, NewLetter, thread_keys; thread_of, join_thread (one letter, as it comes).
Not here    THREAD of RFC 5256, which looks at one mailbox: message.

A letter joins the thread of any letter of its account that has its Message-ID or one that it refers to, if the subject
is the same but for Re: and the like. Else it begins one, which has the id of the letter. Threads do not merge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from postel.database import Transaction
from postel.message import IndexedContent

REFERENCES: Final = 50  # looked at, the newest ones: enough to find a conversation again

_ACCOUNTS: Final = """
SELECT m.letter_id, MIN(b.account_id) FROM stored_message m JOIN stored_mailbox b ON b.id = m.mailbox_id
WHERE m.letter_id IN ({}) GROUP BY m.letter_id"""
_FIND: Final = "SELECT MIN(thread_id) FROM stored_thread WHERE account_id = ? AND message_id IN ({})"
_JOIN: Final = """
INSERT INTO stored_thread (account_id, message_id, thread_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"""
# The id that a letter is about to get: AUTOINCREMENT counts on, and this transaction alone inserts.
_OWN: Final = "(SELECT COALESCE(MAX(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'stored_letter')"
_SET: Final = "UPDATE stored_letter SET thread_id = ? WHERE id = ? AND thread_id = 0"


@dataclass(frozen=True, slots=True)
class NewLetter:
    """A letter without a thread, and what its content is known by."""

    letter_id: int
    keys: Sequence[bytes]


def thread_keys(blob: bytes) -> Sequence[bytes]:
    """What a letter's thread is found by: its own id first. Raises StaleIndex."""
    keys = IndexedContent.read(blob).keys
    ids = [keys.message_id, *keys.references[-REFERENCES:]]
    return tuple(dict.fromkeys(_digest(id_, keys.base_subject) for id_ in ids if id_))


async def assign_threads(tx: Transaction, letters: Sequence[NewLetter]) -> None:
    """Give letters (in order of their ids) the threads they belong to, for good."""
    ids = [letter.letter_id for letter in letters]
    accounts: dict[int, int] = dict(await tx.fetch_all(_ACCOUNTS.format(", ".join("?" * len(ids))), ids))
    found: list[tuple[int, int]] = []
    for letter in letters:
        account_id = accounts.get(letter.letter_id)
        if account_id is None:  # in nobody's mailbox any more; if it comes back, it is asked about again
            continue
        thread_id = await _thread(tx, account_id, letter)
        await join_thread(tx, account_id, letter.keys, thread_id)
        found.append((thread_id, letter.letter_id))
    await tx.execute_many(_SET, found)


@lru_cache(REFERENCES + 2)
def _thread_by(count: int) -> str:
    return f"COALESCE(({_FIND.format(', '.join('?' * count))}), {_OWN})"


def thread_of(keys: Sequence[bytes]) -> str:
    """The thread of a letter that is being inserted, in SQL. Its parameters: the account, then the keys."""
    return _thread_by(len(keys))


async def join_thread(tx: Transaction, account_id: int, keys: Sequence[bytes], thread_id: int) -> None:
    """Letters that have these keys, or name them, are of this thread from now on."""
    await tx.execute_many(_JOIN, [(account_id, key, thread_id) for key in keys])


async def _thread(tx: Transaction, account_id: int, letter: NewLetter) -> int:
    if not letter.keys:
        return letter.letter_id
    sql = _FIND.format(", ".join("?" * len(letter.keys)))
    row = await tx.fetch_one(sql, (account_id, *letter.keys))
    return letter.letter_id if row is None or row[0] is None else int(row[0])


def _digest(message_id: str, base_subject: str) -> bytes:
    return hashlib.blake2b(f"{message_id}\n{base_subject}".encode(), digest_size=12).digest()
