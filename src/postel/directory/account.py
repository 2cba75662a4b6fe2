"""Accounts and their rows.

Gives       Account, Credentials, MIGRATIONS, AccountExists, NoAccount, and the queries on them.
Not here    What is right or wrong about a password: directory.passwords.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from postel.database import Migration, Transaction
from postel.directory.verifiers import VERIFIER_MIGRATIONS
from postel.mail import Mailbox, parse_mailbox

MIGRATIONS: Final[Sequence[Migration]] = (
    Migration(
        "directory",
        1,
        # AUTOINCREMENT: what a removed account leaves behind must never fall to a new one.
        """
        CREATE TABLE account (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            address TEXT NOT NULL,
            folded TEXT NOT NULL UNIQUE,
            password_hash TEXT NOT NULL,
            shared_secret TEXT,
            quota_bytes INTEGER,
            created_at REAL NOT NULL
        )
        """,
    ),
    *VERIFIER_MIGRATIONS,
)


class AccountExists(Exception):
    """There is an account of this address already."""


class NoAccount(Exception):
    """There is no account of this address."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who has a mailbox here and may log in.

    mailbox       the address as it was given; compared by `folded`.
    quota_bytes   None for no limit.
    """

    id: int
    mailbox: Mailbox
    quota_bytes: int | None = None
    created_at: float = 0.0

    def __str__(self) -> str:
        return str(self.mailbox)


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account and what proves it. Its text shows no secret."""

    account: Account
    password_hash: str
    shared_secret: str | None

    def __repr__(self) -> str:
        return f"Credentials({self.account})"


def fold(address: str) -> str:
    """The key of a folded address: composed, so that a letter has one spelling (RFC 6532 3.1)."""
    return unicodedata.normalize("NFC", address)


_COLUMNS: Final = "id, address, quota_bytes, created_at, password_hash, shared_secret"


async def find_credentials(tx: Transaction, folded: str) -> Credentials | None:
    """The account of a folded address, with its secrets."""
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM account WHERE folded = ?", (fold(folded),))
    if row is None:
        return None
    id_, address, quota_bytes, created_at, password_hash, shared_secret = row
    account = Account(id_, parse_mailbox(address), quota_bytes, created_at)
    return Credentials(account, password_hash, shared_secret)


async def find_account(tx: Transaction, folded: str) -> Account | None:
    """The account of a folded address."""
    credentials = await find_credentials(tx, folded)
    return None if credentials is None else credentials.account


async def get_account(tx: Transaction, mailbox: Mailbox) -> Account:
    """The account of an address. Raises NoAccount."""
    account = await find_account(tx, mailbox.folded)
    if account is None:
        raise NoAccount(str(mailbox))
    return account


async def all_accounts(tx: Transaction) -> tuple[Account, ...]:
    """Every account, by address."""
    rows = await tx.fetch_all("SELECT id, address, quota_bytes, created_at FROM account ORDER BY folded")
    return tuple(Account(id_, parse_mailbox(address), *rest) for id_, address, *rest in rows)


async def first_account(tx: Transaction, domain: str) -> Account | None:
    """The account made first at a domain, or else at all."""
    sql = "SELECT id, address, quota_bytes, created_at FROM account {} ORDER BY id LIMIT 1"
    row = await tx.fetch_one(sql.format("WHERE folded LIKE ?"), (f"%@{domain}",))
    if row is None:
        row = await tx.fetch_one(sql.format(""))
    return None if row is None else Account(row[0], parse_mailbox(row[1]), row[2], row[3])


async def insert_account(
    tx: Transaction, mailbox: Mailbox, password_hash: str, quota_bytes: int | None, created_at: float
) -> Account:
    """A new account. Raises AccountExists."""
    if await find_account(tx, mailbox.folded) is not None:
        raise AccountExists(str(mailbox))
    account_id = await tx.insert(
        "INSERT INTO account (address, folded, password_hash, quota_bytes, created_at) "
        "VALUES (?, ?, ?, ?, ?) RETURNING id",
        (str(mailbox), fold(mailbox.folded), password_hash, quota_bytes, created_at),
    )
    return Account(account_id, mailbox, quota_bytes, created_at)
