"""What never changes of some messages, read in one transaction: for who tells of many, or of one after another.

Gives       LetterPage, load_page, load_departed, load_prefixes, load_small, load_blobs, uids_with_prefix.

A transaction costs as much as a dozen rows, so letters, what is known of their contents, and small contents come
together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from postel.contents import small_contents
from postel.database import Row, Transaction
from postel.store.records import Letter
from postel.store.snapshot import Snapshot

_FROM: Final = "FROM stored_message m JOIN stored_letter l ON l.id = m.letter_id WHERE m.mailbox_id = ?"
_LETTERS: Final = f"""
SELECT m.uid, m.letter_id, m.content_id, l.prefix, m.size_bytes, l.needs_utf8, l.thread_id {_FROM}"""
_OF_LETTERS: Final = (
    "SELECT id, content_id, prefix, needs_utf8, thread_id FROM stored_letter WHERE id IN ({})"
)
_PREFIXES: Final = f"SELECT m.uid, l.prefix {_FROM}"
_SMALL: Final = f"SELECT m.uid, m.content_id, l.prefix {_FROM}"
_WITH_PREFIX: Final = f"SELECT m.uid {_FROM} AND instr(lower(CAST(l.prefix AS TEXT)), ?) > 0"
_BLOBS: Final = "SELECT content_id, data FROM stored_index WHERE content_id IN ({})"


@dataclass(frozen=True, slots=True)
class LetterPage:
    """Letters by UID; what is kept of their contents, and the contents that lie in the database, by content.

    What is not there is gone, or not indexed yet, or large.
    """

    letters: Mapping[int, Letter]
    blobs: Mapping[int, bytes] = field(default_factory=dict)
    contents: Mapping[int, bytes] = field(default_factory=dict)


async def load_page(
    tx: Transaction, mailbox_id: int, uids: Sequence[int], *, blobs: bool = False, contents: bool = False
) -> LetterPage:
    """Messages (UIDs ascending, a page of them)."""
    rows = await _rows(tx, _LETTERS, mailbox_id, uids)
    letters = {row[0]: _letter(row) for row in rows}
    return await _whole(tx, letters, blobs=blobs, contents=contents)


async def load_departed(tx: Transaction, departed: Snapshot) -> LetterPage:
    """The same with blobs and contents, of messages (a page of them) that the mailbox has lost (RFC 2180 4.1.1)."""
    sql = _OF_LETTERS.format(", ".join("?" * len(departed.letters)))
    left = {letter_id: rest for letter_id, *rest in await tx.fetch_all(sql, tuple(departed.letters))}
    letters = {
        uid: Letter(uid, letter_id, content_id, prefix, size_bytes, bool(needs_utf8), thread_id)
        for uid, letter_id, size_bytes in zip(departed.uids, departed.letters, departed.sizes, strict=True)
        if letter_id in left
        for content_id, prefix, needs_utf8, thread_id in [left[letter_id]]
    }
    return await _whole(tx, letters, blobs=True, contents=True)


async def _whole(
    tx: Transaction, letters: Mapping[int, Letter], *, blobs: bool, contents: bool
) -> LetterPage:
    ids = [letter.content_id for letter in letters.values()]
    return LetterPage(
        letters,
        await load_blobs(tx, ids) if blobs and ids else {},
        await small_contents(tx, ids) if contents and ids else {},
    )


async def load_prefixes(tx: Transaction, mailbox_id: int, uids: Sequence[int]) -> dict[int, bytes]:
    """The fields that copies begin with, by UID (ascending, a page of them)."""
    return dict(await _rows(tx, _PREFIXES, mailbox_id, uids))


async def uids_with_prefix(tx: Transaction, mailbox_id: int, text: str) -> list[int]:
    """Messages with this text, ASCII in lower case, in the fields that their copy begins with."""
    return [row[0] for row in await tx.fetch_all(_WITH_PREFIX, (mailbox_id, text))]


async def load_blobs(tx: Transaction, content_ids: Sequence[int]) -> dict[int, bytes]:
    """What is kept of contents (a page of them)."""
    sql = _BLOBS.format(", ".join("?" * len(content_ids)))
    return {content_id: bytes(data) for content_id, data in await tx.fetch_all(sql, content_ids)}


async def load_small(tx: Transaction, mailbox_id: int, uids: Sequence[int]) -> dict[int, bytes]:
    """The octets of messages (UIDs ascending, a page of them) as far as they are there, and lie in the database."""
    rows = await _rows(tx, _SMALL, mailbox_id, uids)
    octets = await small_contents(tx, [content_id for _, content_id, _ in rows]) if rows else {}
    return {uid: prefix + octets[content_id] for uid, content_id, prefix in rows if content_id in octets}


async def _rows(tx: Transaction, sql: str, mailbox_id: int, uids: Sequence[int]) -> list[Row]:
    if not len(uids):
        return []
    if uids[-1] - uids[0] < 2 * len(uids) + 100:  # side by side, or nearly
        rows = await tx.fetch_all(f"{sql} AND m.uid BETWEEN ? AND ?", (mailbox_id, uids[0], uids[-1]))
        if len(rows) <= len(uids) == uids[-1] - uids[0] + 1:
            return rows
        wanted = set(uids)
        return [row for row in rows if row[0] in wanted]
    return await tx.fetch_all(f"{sql} AND m.uid IN ({', '.join('?' * len(uids))})", (mailbox_id, *uids))


def _letter(row: Row) -> Letter:
    uid, letter_id, content_id, prefix, size_bytes, needs_utf8, thread_id = row
    return Letter(uid, letter_id, content_id, prefix, size_bytes, bool(needs_utf8), thread_id)
