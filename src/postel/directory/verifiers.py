"""What accounts keep for SCRAM: salted keys, from which a password is only found by guessing.

Implements  RFC 5802 2.2 and 9, RFC 7677 4 (what is stored, and for whom there is nothing).
Gives       Verifiers, VERIFIER_MIGRATIONS, ScramOptions, store_verifiers.
Not here    The exchange: proto.sasl. Counting those who guess: directory.throttle.

The salt of a name is a keyed digest of it. So who is unknown, who has no verifier yet, and who has one are answered
with the same salt at all times, and asking tells nobody who has an account here.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from postel.database import Database, Migration, Transaction
from postel.mail import BadSyntax
from postel.net import Workers
from postel.proto.sasl import Verifier, make_verifier

SALT_OCTETS: Final = 16

VERIFIER_MIGRATIONS: Final = (
    Migration(
        "directory",
        2,
        """
        CREATE TABLE account_verifier (
            account_id INTEGER NOT NULL,
            hash TEXT NOT NULL,
            salt BLOB NOT NULL,
            iterations INTEGER NOT NULL,
            stored_key BLOB NOT NULL,
            server_key BLOB NOT NULL,
            PRIMARY KEY (account_id, hash)
        )
        """,
    ),
    Migration(
        "directory",
        3,
        """
        CREATE TABLE directory_key (
            name TEXT PRIMARY KEY,
            value BLOB NOT NULL
        )
        """,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScramOptions:
    """What guessing costs whoever has stolen the database, and a client at each login.

    hashes          for which verifiers are made; none: passwords are kept as argon2id only.
    iterations      RFC 7677 4 wants 4096 at the least; clients with Cyrus SASL (mbsync, mutt, Postfix) refuse more than
                    65536. A telephone does as many in a tenth of a second.
    """

    hashes: tuple[str, ...] = ("sha1", "sha256")
    iterations: int = 65_536


class Verifiers:
    """The verifiers of one database."""

    def __init__(self, database: Database, workers: Workers, options: ScramOptions) -> None:
        self._database = database
        self._workers = workers
        self._options = options
        self._salting: bytes | None = None
        # Nobody's keys: no proof fits them.
        self._nobody = {name: Verifier(b"", 0, *_random_keys(name)) for name in ("sha1", "sha256")}

    async def make(self, folded: str, password: str) -> dict[str, Verifier]:
        """What to store of a password; nothing of one that SASLprep refuses: it works with PLAIN alone."""
        made = {}
        for name in self._options.hashes:
            salt = _salt(await self._salting_key(), name, folded)
            work = partial(make_verifier, name, password, salt, self._options.iterations)
            with suppress(BadSyntax):
                made[name] = await self._workers.run(work)
        return made

    async def find(self, account_id: int | None, folded: str, hash_name: str) -> Verifier:
        """An account's, or one that looks like it. `account_id` is None for who is unknown. Raises DatabaseTrouble."""
        key = await self._salting_key()
        found = await self._database.read(partial(_find, account_id=account_id or 0, hash_name=hash_name))
        if found is not None:
            return found
        made_up = self._nobody[hash_name]
        salt = _salt(key, hash_name, folded)
        return Verifier(salt, self._options.iterations, made_up.stored_key, made_up.server_key)

    async def are_outdated(self, account_id: int) -> bool:
        """Whether one is missing, or made at another cost than today's. Raises DatabaseTrouble."""
        if not self._options.hashes:
            return False
        stored = await self._database.read(partial(_costs, account_id=account_id))
        return any(stored.get(name) != self._options.iterations for name in self._options.hashes)

    async def _salting_key(self) -> bytes:
        """The key of all salts, made when first needed. It goes with the database, backups included."""
        if self._salting is not None:
            return self._salting
        key = await self._database.read(_find_key)
        if key is None:
            key = await self._database.write(_make_key)
        self._salting = key
        return key


async def store_verifiers(tx: Transaction, account_id: int, verifiers: Mapping[str, Verifier]) -> None:
    """Put these in the place of those that the account had; none, where it is gone."""
    await tx.execute("DELETE FROM account_verifier WHERE account_id = ?", (account_id,))
    for name, made in verifiers.items():
        await tx.execute(
            "INSERT INTO account_verifier (account_id, hash, salt, iterations, stored_key, server_key) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (account_id, name, made.salt, made.iterations, made.stored_key, made.server_key),
        )


def _random_keys(hash_name: str) -> tuple[bytes, bytes]:
    octets = 20 if hash_name == "sha1" else 32
    return secrets.token_bytes(octets), secrets.token_bytes(octets)


def _salt(key: bytes, hash_name: str, folded: str) -> bytes:
    return hmac.digest(key, f"{hash_name} {folded}".encode(), "sha256")[:SALT_OCTETS]


async def _find(tx: Transaction, account_id: int, hash_name: str) -> Verifier | None:
    row = await tx.fetch_one(
        "SELECT salt, iterations, stored_key, server_key FROM account_verifier WHERE account_id = ? AND hash = ?",
        (account_id, hash_name),
    )
    return None if row is None else Verifier(bytes(row[0]), row[1], bytes(row[2]), bytes(row[3]))


async def _costs(tx: Transaction, account_id: int) -> dict[str, int]:
    """The iterations of each hash."""
    sql = "SELECT hash, iterations FROM account_verifier WHERE account_id = ?"
    return {row[0]: row[1] for row in await tx.fetch_all(sql, (account_id,))}


async def _find_key(tx: Transaction) -> bytes | None:
    row = await tx.fetch_one("SELECT value FROM directory_key WHERE name = 'salt'", ())
    return None if row is None else bytes(row[0])


async def _make_key(tx: Transaction) -> bytes:
    """Another process may have made it a moment ago: then it is that one."""
    found = await _find_key(tx)
    if found is not None:
        return found
    made = secrets.token_bytes(32)
    await tx.execute("INSERT INTO directory_key (name, value) VALUES ('salt', ?)", (made,))
    return made
