"""What the database knows of content, and who holds it.

Gives       MIGRATIONS, keep, keep_all, hold, lend, release, release_all, name_draft, unname_draft, release_draft,
            small_contents, ContentMissing, RELEASED (a channel).
Not here    The files beside the database: contents.files.

A content is its `data` followed by the octets of its `file`, if it has one. Who counts its holders (the queue's
message, each stored mailbox's copy) is apart from what is counted: an update of a row would rewrite all its data.

    ALONE    a row in content_alone: all of it is here, and one holder has it. Most mail never is anything else
    COUNTED  a row in content with its `holders`, and its data in content_alone if it once was that, else in
             content_data; every content with a file is counted

    SEALED  -> ALONE, COUNTED  keep, in the transaction of its first holder
    ALONE   -> COUNTED         hold: a second one has it
    ALONE   -> ALONE           lend, then hold: from one holder to the next
    ALONE, COUNTED -> RELEASED release by the last holder: the rows are gone, the file's name is in content_released
           -> gone       the file is removed and its name forgotten (Contents.sweep)

A draft that is to outlive its process has its file named in `content_draft`, by the same transaction as the row of
whoever will resume it. It is no content: it has no id and no holders, and its file may still grow or be cut.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Final, NoReturn

from postel.contents.sealed import Sealed
from postel.database import Conflict, Migration, Transaction

MIGRATIONS: Final[Sequence[Migration]] = (
    Migration(
        "contents",
        1,
        # AUTOINCREMENT: an id must never mean another content to somebody who still has it in hand.
        """
        CREATE TABLE content (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            holders INTEGER NOT NULL CHECK (holders >= 0),
            size_bytes INTEGER NOT NULL,
            file TEXT UNIQUE
        );
        CREATE TABLE content_data (
            content_id INTEGER PRIMARY KEY REFERENCES content (id),
            data BLOB NOT NULL
        );
        CREATE TABLE content_released (
            file TEXT NOT NULL PRIMARY KEY
        );
        """,
    ),
    Migration("contents", 2, "CREATE TABLE content_draft (file TEXT NOT NULL PRIMARY KEY);"),
    Migration(
        "contents",
        3,
        # Ids of both kinds come from one count, which outlives them.
        """
        CREATE TABLE content_alone (
            content_id INTEGER PRIMARY KEY,
            data BLOB NOT NULL
        );
        CREATE TABLE content_count (
            last_id INTEGER NOT NULL
        );
        INSERT INTO content_count (last_id)
        SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'content';
        """,
    ),
)

_NAMED: Final = """
SELECT file FROM content WHERE file >= ? AND file < ?
UNION ALL SELECT file FROM content_draft WHERE file >= ? AND file < ?"""

_COUNTED: Final = "INSERT INTO content (id, holders, size_bytes, file) VALUES (?, ?, ?, ?)"
_ALONE: Final = "INSERT INTO content_alone (content_id, data) VALUES (?, ?)"
_COUNT_ALONE: Final = """
INSERT INTO content (id, holders, size_bytes)
SELECT content_id, 1 + ?, LENGTH(data) FROM content_alone WHERE content_id = ?"""
_RELEASE_ALONE: Final = """
DELETE FROM content_alone WHERE content_id = ? AND NOT EXISTS (SELECT 1 FROM content WHERE id = content_id)
RETURNING content_id"""
_FIND: Final = """
SELECT size_bytes, file FROM content WHERE id = ?
UNION ALL SELECT LENGTH(data), NULL FROM content_alone WHERE content_id = ?"""
_DATA: Final = """
SELECT data FROM content_alone WHERE content_id = ?
UNION ALL SELECT data FROM content_data WHERE content_id = ?"""

_LENT: Final = "contents.lent"

RELEASED: Final = "contents.released"  # notified when a file waits to be removed


class ContentMissing(Exception):
    """No such content, or its file is lost or cut short."""


class DraftBusy(Exception):
    """Somebody who lives has the draft open."""


async def keep(tx: Transaction, sealed: Sealed, holders: int = 1) -> int:
    """Store a sealed content for so many holders: its id. Raises LocalFault for a discarded draft."""
    (content_id,) = await _fresh_ids(tx, 1)
    file = sealed.file
    if file is None and holders == 1:
        await tx.execute(_ALONE, (content_id, sealed.data))
        return content_id
    if file is not None:
        file.claim()
        tx.after_commit(file.let_go)
    name = None if file is None else file.name
    await tx.execute(_COUNTED, (content_id, holders, sealed.size_bytes, name))
    await tx.execute("INSERT INTO content_data (content_id, data) VALUES (?, ?)", (content_id, sealed.data))
    return content_id


async def keep_all(tx: Transaction, contents: Sequence[bytes]) -> Sequence[int]:
    """Store many contents that have no file, each for one holder: their ids, in order."""
    ids = await _fresh_ids(tx, len(contents))
    await tx.execute_many(_ALONE, zip(ids, contents, strict=True))
    return ids


async def _fresh_ids(tx: Transaction, count: int) -> Sequence[int]:
    """Ids that no content has or had: one must never mean another content to somebody who still has it in hand."""
    row = await tx.fetch_one("UPDATE content_count SET last_id = last_id + ? RETURNING last_id", (count,))
    assert row is not None  # the migration made it
    return range(row[0] - count + 1, row[0] + 1)


def lend(tx: Transaction, content_ids: Iterable[int]) -> set[int]:
    """One hold on each is about to be released. Who holds one of them in the rest of this transaction takes that hold
    over, and no row is touched; those left in the result are to be released by the caller.
    """
    lent: set[int] = tx.memo.setdefault(_LENT, set())
    lent.update(content_ids)
    return lent


async def hold(tx: Transaction, content_id: int, more: int = 1) -> None:
    """Add holders. Raises ContentMissing."""
    lent: set[int] | None = tx.memo.get(_LENT)
    if lent and content_id in lent:
        lent.remove(content_id)
        more -= 1
        if not more:
            return
    changed = await tx.execute("UPDATE content SET holders = holders + ? WHERE id = ?", (more, content_id))
    if not changed and not await tx.execute(_COUNT_ALONE, (more, content_id)):
        raise ContentMissing(f"no content {content_id}")


async def release(tx: Transaction, content_id: int, fewer: int = 1) -> None:
    """Take holders away; the last one takes the content along.

    Raises ContentMissing, and Conflict when there are fewer holders than that.
    """
    if fewer == 1 and await tx.fetch_all(_RELEASE_ALONE, (content_id,)):
        return
    row = await tx.fetch_one(
        "UPDATE content SET holders = holders - ? WHERE id = ? RETURNING holders, file", (fewer, content_id)
    )
    if row is None:
        await _miss(tx, content_id)
    holders, file = row
    if holders > 0:
        return
    await tx.execute("DELETE FROM content_data WHERE content_id = ?", (content_id,))
    await tx.execute("DELETE FROM content_alone WHERE content_id = ?", (content_id,))
    await tx.execute("DELETE FROM content WHERE id = ?", (content_id,))
    if file is not None:
        await tx.execute("INSERT INTO content_released (file) VALUES (?)", (file,))
        tx.notify(RELEASED)


async def release_all(tx: Transaction, content_ids: Collection[int]) -> None:
    """Take one holder away from each. One that is lost is no reason to keep those who held it."""
    gone = await tx.fetch_many(_RELEASE_ALONE, [(content_id,) for content_id in content_ids])
    if len(gone) < len(content_ids):
        for content_id in set(content_ids) - {row[0] for row in gone}:
            with suppress(ContentMissing):
                await release(tx, content_id)


async def _miss(tx: Transaction, content_id: int) -> NoReturn:
    """More holders are to go than there are."""
    if await tx.fetch_one("SELECT 1 FROM content_alone WHERE content_id = ?", (content_id,)):
        raise Conflict(f"content {content_id} has one holder")
    raise ContentMissing(f"no content {content_id}")


async def name_draft(tx: Transaction, file: str) -> None:
    """The file of a draft stays when its writer is gone. Raises Conflict when it is named already."""
    await tx.execute("INSERT INTO content_draft (file) VALUES (?)", (file,))


async def unname_draft(tx: Transaction, file: str) -> None:
    """Somebody else names the file from now on, or its writer lives and will see to it."""
    await tx.execute("DELETE FROM content_draft WHERE file = ?", (file,))


async def release_draft(tx: Transaction, file: str) -> None:
    """Have the file of a suspended draft removed."""
    await unname_draft(tx, file)
    await release_unnamed(tx, file)


async def release_unnamed(tx: Transaction, file: str) -> None:
    """Have a file removed if no row names it, once its writer is known to have ended."""
    if file not in await named_files(tx, file):
        await tx.execute("INSERT INTO content_released (file) VALUES (?) ON CONFLICT DO NOTHING", (file,))
        tx.notify(RELEASED)


async def find_content(tx: Transaction, content_id: int) -> tuple[int, str | None]:
    """Size in octets, and the file if there is one. Raises ContentMissing."""
    row = await tx.fetch_one(_FIND, (content_id, content_id))
    if row is None:
        raise ContentMissing(f"no content {content_id}")
    return int(row[0]), row[1]


async def find_data(tx: Transaction, content_id: int) -> bytes:
    """What lies in the database of a content. Raises ContentMissing."""
    row = await tx.fetch_one(_DATA, (content_id, content_id))
    if row is None:
        raise ContentMissing(f"no content {content_id}")
    return bytes(row[0])


async def small_contents(tx: Transaction, content_ids: Sequence[int]) -> dict[int, bytes]:
    """Those of these contents (a page of them) that lie in the database as a whole, by id."""
    marks = ", ".join("?" * len(content_ids))
    sql = f"""SELECT content_id, data FROM content_alone WHERE content_id IN ({marks})
              UNION ALL SELECT c.id, d.data FROM content c JOIN content_data d ON d.content_id = c.id
              WHERE c.file IS NULL AND c.id IN ({marks})"""
    return dict(await tx.fetch_all(sql, (*content_ids, *content_ids)))


async def released_files(tx: Transaction, limit: int) -> list[str]:
    """Files that wait to be removed."""
    rows = await tx.fetch_all("SELECT file FROM content_released ORDER BY file LIMIT ?", (limit,))
    return [str(row[0]) for row in rows]


async def forget_released(tx: Transaction, files: Sequence[str]) -> None:
    """They are removed."""
    await tx.execute_many("DELETE FROM content_released WHERE file = ?", [(file,) for file in files])


async def named_files(tx: Transaction, folder: str) -> set[str]:
    """The files of one sub-directory that rows name; of all for ""."""
    rows = await tx.fetch_all(_NAMED, (folder, folder + "~") * 2)
    return {str(row[0]) for row in rows}


async def content_files(tx: Transaction) -> set[str]:
    """The files of all contents: those that are complete and never change."""
    rows = await tx.fetch_all("SELECT file FROM content WHERE file IS NOT NULL")
    return {str(row[0]) for row in rows}
