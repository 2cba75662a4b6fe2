"""Kept transactions as rows.

Implements  RFC 1845 2 and 3: the TRANSID and the client's name make a transaction known again; its envelope, the
            place it has come to, and the answer that it was given are kept in non-volatile storage.
Gives       MIGRATIONS, Key, Said, KeptTransaction, Progress, State, and what reads and writes the table.
Not here    The content: a suspended draft of contents, whose name is in the row.

    (no row) -> OPEN    insert, before the 354
    OPEN     -> OPEN    note_progress, step by step
    OPEN     -> DONE    note_answer: for a message that is taken, in the transaction that queues it
    any      -> gone    remove
"""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from postel.database import Migration, Row, Transaction
from postel.mail import (
    Parameters,
    Recipient,
    Reply,
    ReversePath,
    Status,
    parse_forward_path,
    parse_reverse_path,
)

MIGRATIONS: Final[Sequence[Migration]] = (
    Migration(
        "checkpoints",
        1,
        """
        CREATE TABLE checkpoint (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            owner TEXT NOT NULL,
            hello TEXT NOT NULL,
            transid TEXT NOT NULL,
            state INTEGER NOT NULL,
            queue_id INTEGER NOT NULL,
            is_tls INTEGER NOT NULL,
            reverse_path TEXT NOT NULL,
            parameters TEXT NOT NULL,
            recipients TEXT NOT NULL,
            file TEXT UNIQUE,
            size_bytes INTEGER NOT NULL,
            synced_bytes INTEGER NOT NULL,
            is_8bit INTEGER NOT NULL,
            has_long_lines INTEGER NOT NULL,
            boot TEXT NOT NULL,
            reply TEXT NOT NULL,
            begun_at REAL NOT NULL,
            seen_at REAL NOT NULL,
            UNIQUE (owner, hello, transid)
        );
        CREATE INDEX checkpoint_age ON checkpoint (seen_at);
        """,
    ),
)

_COLUMNS: Final = (
    "id, owner, hello, transid, state, queue_id, is_tls, reverse_path, parameters, recipients, file, size_bytes, "
    "synced_bytes, is_8bit, has_long_lines, boot, reply, begun_at, seen_at"
)
_INSERT: Final = f"""
INSERT INTO checkpoint ({_COLUMNS.removeprefix("id, ")})
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, ?, '', ?, ?) RETURNING id"""
_ROOM: Final = "SELECT COUNT(*), COALESCE(SUM(owner = ?), 0) FROM checkpoint"


class State(enum.IntEnum):
    """Of a kept transaction."""

    OPEN = 0  # content is coming, or was interrupted
    DONE = 1  # the content was answered; the client may not have heard it


@dataclass(frozen=True, slots=True)
class Key:
    """By what a transaction is known again.

    owner     who the client is as far as we can tell: "account ann@example.org", "address 192.0.2.1", "socket".
    hello     what it calls itself (RFC 1845 2 (4)).
    transid   what it calls the transaction; letter case counts.
    """

    owner: str
    hello: str
    transid: str


@dataclass(frozen=True, slots=True)
class Said:
    """MAIL as it was said, TRANSID apart: RFC 1845 3 wants the same one to resume."""

    reverse_path: ReversePath
    parameters: Parameters
    is_tls: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of content up to an octet where a line begins."""

    octets: int = 0
    is_8bit: bool = False
    has_long_lines: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTransaction:
    """One row.

    queue_id      the id that the message was given at its first MAIL.
    recipients    those that were accepted, as RCPT named them.
    file          of the content; None once it was answered.
    size_bytes    of the content as it was seen last.
    synced        what is on disk for certain.
    boot          the run of the operating system that wrote it; "" when that cannot be told.
    reply         to the content; None while it is OPEN.
    begun_at, seen_at   its first and its last sign of life.
    """

    id: int
    key: Key
    state: State
    queue_id: int
    said: Said
    recipients: tuple[Recipient, ...]
    file: str | None
    size_bytes: int
    synced: Progress
    boot: str
    reply: Reply | None
    begun_at: float
    seen_at: float


async def find(tx: Transaction, key: Key) -> KeptTransaction | None:
    """The transaction that a client means."""
    sql = f"SELECT {_COLUMNS} FROM checkpoint WHERE owner = ? AND hello = ? AND transid = ?"
    row = await tx.fetch_one(sql, (key.owner, key.hello, key.transid))
    return None if row is None else _parse(row)


async def find_by_id(tx: Transaction, row_id: int) -> KeptTransaction | None:
    """One transaction."""
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM checkpoint WHERE id = ?", (row_id,))
    return None if row is None else _parse(row)


async def all_rows(tx: Transaction, limit: int) -> list[KeptTransaction]:
    """Those that gave a sign of life last, and older ones behind them."""
    rows = await tx.fetch_all(
        f"SELECT {_COLUMNS} FROM checkpoint ORDER BY seen_at DESC, id LIMIT ?", (limit,)
    )
    return [_parse(row) for row in rows]


async def unseen_since(tx: Transaction, instant: float, limit: int) -> list[KeptTransaction]:
    """Those that have given no sign of life since."""
    sql = f"SELECT {_COLUMNS} FROM checkpoint WHERE seen_at <= ? ORDER BY seen_at LIMIT ?"
    return [_parse(row) for row in await tx.fetch_all(sql, (instant, limit))]


async def oldest_sign(tx: Transaction) -> float | None:
    """When the one that is silent for longest was seen."""
    row = await tx.fetch_one("SELECT MIN(seen_at) FROM checkpoint")
    return None if row is None else row[0]


async def has_room(tx: Transaction, owner: str, transactions: int, per_client: int) -> bool:
    """Whether one more may be kept."""
    row = await tx.fetch_one(_ROOM, (owner,))
    return row is not None and row[0] < transactions and row[1] < per_client


async def octets_of_others(tx: Transaction, row_id: int) -> int:
    """Content that is kept beside that of one transaction."""
    row = await tx.fetch_one(
        "SELECT COALESCE(SUM(size_bytes), 0) FROM checkpoint WHERE file IS NOT NULL AND id <> ?", (row_id,)
    )
    return 0 if row is None else int(row[0])


async def insert(
    tx: Transaction,
    key: Key,
    said: Said,
    recipients: Sequence[Recipient],
    *,
    queue_id: int,
    file: str,
    boot: str,
    now: float,
) -> int:
    """A transaction whose content begins: its id. Raises Conflict when there is one of this key."""
    values = (
        key.owner,
        key.hello,
        key.transid,
        int(State.OPEN),
        queue_id,
        int(said.is_tls),
        str(said.reverse_path),
        _format_parameters(said.parameters),
        json.dumps([[str(one.forward_path), dict(one.parameters)] for one in recipients]),
        file,
        boot,
        now,
        now,
    )
    return await tx.insert(_INSERT, values)


async def note_progress(
    tx: Transaction, row_id: int, size_bytes: int, synced: Progress, boot: str, now: float
) -> None:
    """So much is there, and so much of it on disk."""
    await tx.execute(
        "UPDATE checkpoint SET size_bytes = ?, synced_bytes = ?, is_8bit = ?, has_long_lines = ?, boot = ?, "
        "seen_at = ? WHERE id = ?",
        (size_bytes, synced.octets, int(synced.is_8bit), int(synced.has_long_lines), boot, now, row_id),
    )


async def note_answer(tx: Transaction, row_id: int, reply: Reply, size_bytes: int, now: float) -> None:
    """The content was answered; its file is somebody else's, or nobody's, from now on."""
    await tx.execute(
        "UPDATE checkpoint SET state = ?, reply = ?, file = NULL, size_bytes = ?, seen_at = ? WHERE id = ?",
        (int(State.DONE), _format_reply(reply), size_bytes, now, row_id),
    )


async def note_size(tx: Transaction, row_id: int, size_bytes: int) -> None:
    """The file was looked at."""
    await tx.execute("UPDATE checkpoint SET size_bytes = ? WHERE id = ?", (size_bytes, row_id))


async def remove(tx: Transaction, row_id: int) -> None:
    """Forget it."""
    await tx.execute("DELETE FROM checkpoint WHERE id = ?", (row_id,))


def _parse(row: Row) -> KeptTransaction:
    row_id, owner, hello, transid, state, queue_id, is_tls, reverse_path, parameters, recipients = row[:10]
    file, size_bytes, synced, is_8bit, has_long_lines, boot, reply, begun_at, seen_at = row[10:]
    return KeptTransaction(
        id=row_id,
        key=Key(owner, hello, transid),
        state=State(state),
        queue_id=queue_id,
        said=Said(parse_reverse_path(f"<{reverse_path}>"), _parse_parameters(parameters), bool(is_tls)),
        recipients=tuple(_parse_recipient(*one) for one in json.loads(recipients)),
        file=file,
        size_bytes=size_bytes,
        synced=Progress(synced, bool(is_8bit), bool(has_long_lines)),
        boot=boot,
        reply=_parse_reply(reply),
        begun_at=begun_at,
        seen_at=seen_at,
    )


def _parse_recipient(path: str, parameters: dict[str, Any]) -> Recipient:
    return Recipient(parse_forward_path(f"<{path}>"), parameters)


def _format_parameters(parameters: Parameters) -> str:
    return json.dumps(dict(parameters))


def _parse_parameters(text: str) -> Parameters:
    parameters: Parameters = json.loads(text)
    return parameters


def _format_reply(reply: Reply) -> str:
    return f"{reply.code} {reply.status or '-'} {reply.text}"


def _parse_reply(text: str) -> Reply | None:
    if not text:
        return None
    code, status, words = text.split(" ", 2)
    return Reply(int(code), None if status == "-" else Status.parse(status), words)
