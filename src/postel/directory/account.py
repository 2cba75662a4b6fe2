"""Accounts and their rows.

Gives       Account, Credentials, MIGRATIONS, AccountExists, NoAccount, and the queries on them.
Not here    What is right or wrong about a password: directory.passwords.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

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
    Migration("directory", 4, "ALTER TABLE account ADD COLUMN quota_messages INTEGER;"),
)


class AccountExists(Exception):
    """There is an account of this address already."""


class NoAccount(Exception):
    """There is no account of this address."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who has a mailbox here and may log in.

    mailbox       the address as it was given; compared by `folded`.
    quota_bytes   how much it may store; None for no limit.
    quota_messages  how many messages, likewise.
    """

    id: int
    mailbox: Mailbox
    quota_bytes: int | None = None
    created_at: float = 0.0
    quota_messages: int | None = None

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


_ACCOUNT: Final = "id, address, quota_bytes, created_at, quota_messages"


async def find_credentials(tx: Transaction, folded: str) -> Credentials | None:
    """The account of a folded address, with its secrets."""
    row = await tx.fetch_one(
        f"SELECT {_ACCOUNT}, password_hash, shared_secret FROM account WHERE folded = ?", (fold(folded),)
    )
    if row is None:
        return None
    *account, password_hash, shared_secret = row
    return Credentials(_account(account), password_hash, shared_secret)


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
    rows = await tx.fetch_all(f"SELECT {_ACCOUNT} FROM account ORDER BY folded")
    return tuple(map(_account, rows))


async def first_account(tx: Transaction, domain: str) -> Account | None:
    """The account made first at a domain, or else at all."""
    sql = f"SELECT {_ACCOUNT} FROM account {{}} ORDER BY id LIMIT 1"
    row = await tx.fetch_one(sql.format("WHERE folded LIKE ?"), (f"%@{domain}",))
    if row is None:
        row = await tx.fetch_one(sql.format(""))
    return None if row is None else _account(row)


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


async def quota_in(tx: Transaction, account_id: int) -> tuple[int | None, int | None]:
    """How many octets and messages an account may store; None for no limit, or no account."""
    row = await tx.fetch_one("SELECT quota_bytes, quota_messages FROM account WHERE id = ?", (account_id,))
    return (None, None) if row is None else (row[0], row[1])


def _account(row: Sequence[Any]) -> Account:
    """A row of _ACCOUNT."""
    id_, address, quota_bytes, created_at, quota_messages = row
    return Account(id_, parse_mailbox(address), quota_bytes, created_at, quota_messages)
