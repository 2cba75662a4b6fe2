"""The index of one account: a SQLite file beside the database, made anew whenever it is not there.

Implements  RFC 9051 6.4.4 (substrings, not words), RFC 6203 (FUZZY is answered exactly).
Gives       Index, Found.
Not here    Whose turn it is, and threads: fulltext. What is put in, and when: filling.

    head        the fields of each letter that have a column: few octets, so all of an account's are looked through
    pieces      which letters have which three characters in a row: candidates, confirmed by the text itself
    letter      a row for each letter that is indexed: its text, packed, and whether that is all of it
    begun       a row once all letters that were there have been put in, or somebody is about to

Losing the file loses nothing, so a commit does not wait for the disk; one that cannot be read is made anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from postel.fulltext.letters import Field, LetterText, Place, indexed_text, pack, unpack

_VERSION: Final = 1
_PIECE: Final = 3  # characters
_PIECES_ASKED: Final = 12  # more of a long needle make it slower and hardly narrower
_PATIENCE_MS: Final = 5000
_COLUMNS: Final = ", ".join(Field)
# The texts are wide and many: which of them are not whole is told without looking at them.
_CUT: Final = "CREATE INDEX IF NOT EXISTS letter_cut ON letter (content_id) WHERE NOT is_whole;"
_SCHEMA: Final = f"""
CREATE TABLE head (content_id INTEGER PRIMARY KEY, {_COLUMNS});
CREATE TABLE letter (content_id INTEGER PRIMARY KEY, packed BLOB NOT NULL, is_whole INTEGER NOT NULL);
CREATE VIRTUAL TABLE pieces USING fts5(
    text, content='', contentless_delete=1, detail='none', tokenize='trigram case_sensitive 1');
CREATE TABLE begun (is_begun INTEGER NOT NULL);
PRAGMA user_version = {_VERSION};
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What the index says of some letters.

    hits        hold the text for certain.
    unknown     must be read: not indexed, or not wholly.
    """

    hits: frozenset[int]
    unknown: frozenset[int]


class Index:
    """One open index. Everything blocks, and raises apsw.Error."""

    def __init__(self, file: Path | None) -> None:
        """Open the file, made anew if it is none of ours; None: in memory. Raises apsw.Error, OSError."""
        try:
            self._connection = _open(file)
        except (apsw.CorruptError, apsw.NotADBError):
            remove(file)
            self._connection = _open(file)
        self._known: set[int] = set()
        self._known_as_of: object = None

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close(True)

    @property
    def is_begun(self) -> bool:
        """Whether it is to be trusted that older letters are in it, or on their way."""
        return bool(self._connection.execute("SELECT 1 FROM begun").fetchall())

    def begin(self) -> None:
        """Older letters are put in from now on."""
        with self._connection as connection:
            connection.execute("DELETE FROM begun")
            connection.execute("INSERT INTO begun VALUES (1)")

    def add(self, letters: Sequence[tuple[int, LetterText]]) -> None:
        """Index letters, in one transaction; what was there of them is replaced."""
        with self._connection as connection:
            self.forget(number for number, _ in letters)
            for number, text in letters:
                head = (number, *(text.fields.get(field) for field in Field))
                connection.execute(f"INSERT INTO head VALUES ({', '.join('?' * len(head))})", head)
                connection.execute(
                    "INSERT INTO letter VALUES (?, ?, ?)", (number, pack(text), int(text.is_whole))
                )
                connection.execute(
                    "INSERT INTO pieces (rowid, text) VALUES (?, ?)", (number, indexed_text(text))
                )

    def forget(self, content_ids: Iterable[int]) -> None:
        """Letters that are no more, or not as they were."""
        with self._connection as connection:
            for number in content_ids:
                if connection.execute(
                    "DELETE FROM letter WHERE content_id = ? RETURNING 1", (number,)
                ).fetchall():
                    connection.execute("DELETE FROM head WHERE content_id = ?", (number,))
                    connection.execute("DELETE FROM pieces WHERE rowid = ?", (number,))

    def known(self) -> Set[int]:
        """All letters that are indexed: remembered until this or another process has written."""
        version = self._connection.total_changes(), self._connection.pragma("data_version")
        if self._known_as_of != version:
            # `head` has a row for each of them too, and narrow ones.
            self._known = {row[0] for row in self._connection.execute("SELECT content_id FROM head")}
            self._known_as_of = version
        return self._known

    def find_field(self, field: Field, needle: str, among: Collection[int]) -> Found:
        """Letters with the folded needle in this field; the empty one is in every field that is there."""
        wanted = frozenset(among)
        unknown = wanted.difference(self.known())  # first: who comes meanwhile is read
        sql = f"SELECT content_id FROM head WHERE instr({field}, ?)"
        if not needle:
            sql = f"SELECT content_id FROM head WHERE {field} IS NOT NULL AND ? = ''"
        hits = {row[0] for row in self._connection.execute(sql, (needle,))}
        return Found(wanted & hits, unknown - hits)

    def find(self, place: Place, needle: str, among: Collection[int]) -> Found:
        """Letters with the folded needle in their body, or in body or header."""
        wanted = frozenset(among)
        cut = {row[0] for row in self._connection.execute("SELECT content_id FROM letter WHERE NOT is_whole")}
        whole = self.known() - cut if cut else self.known()
        candidates = wanted & self._candidates(needle)
        octets = needle.encode("utf-8", "replace")
        hits = frozenset(number for number in candidates if self._confirms(number, place, octets))
        return Found(hits, wanted - whole - hits)

    def _candidates(self, needle: str) -> Set[int]:
        if len(needle) < _PIECE:
            return self.known()
        pieces = sorted({needle[start : start + _PIECE] for start in range(len(needle) - _PIECE + 1)})
        step = max(1, len(pieces) // _PIECES_ASKED)
        query = " AND ".join('"{}"'.format(piece.replace('"', '""')) for piece in pieces[::step])
        return {
            row[0]
            for row in self._connection.execute("SELECT rowid FROM pieces WHERE pieces MATCH ?", (query,))
        }

    def _confirms(self, number: int, place: Place, needle: bytes) -> bool:
        row = self._connection.execute("SELECT packed FROM letter WHERE content_id = ?", (number,)).fetchone()
        if row is None:
            return False
        header, body = unpack(row[0])
        return needle in body or (place is Place.TEXT and needle in header)


def remove(file: Path | None) -> None:
    """Remove an index and what SQLite keeps beside it."""
    if file is None:
        return
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            file.with_name(file.name + suffix).unlink()


def _open(file: Path | None) -> apsw.Connection:
    connection = apsw.Connection(":memory:" if file is None else str(file))
    try:
        connection.set_busy_timeout(_PATIENCE_MS)
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        # A power cut may take the last letters out of the index: they are found missing, and put in again.
        connection.execute("PRAGMA synchronous = NORMAL")
        if not _has_schema(connection):
            with connection:  # another process may have been faster
                connection.execute("PRAGMA user_version").fetchall()
                if not _has_schema(connection):
                    connection.execute(_SCHEMA)
        connection.execute(_CUT)  # an index that was made before this was thought of
    except BaseException:
        connection.close(True)
        raise
    return connection


def _has_schema(connection: apsw.Connection) -> bool:
    version = connection.execute("PRAGMA user_version").fetchall()[0][0]
    if version not in (0, _VERSION):
        raise apsw.NotADBError("an index of another version")
    return bool(version)
