"""Who may do what with a mailbox.

Implements  RFC 4314 2 (identifiers, negative rights), 2.1 (rights), 2.1.1 (the obsolete c and d), 4 (what they allow).
Gives       Rights, ALL_RIGHTS, OWNER_RIGHTS.
Not here    Which command needs which right: servers. Names of others' mailboxes: servers.

The owner of an account has all rights in its mailboxes, and no row takes them away. Identifiers are addresses, compared
folded, and `anyone`; one that begins with `-` takes rights away (RFC 4314 2).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from postel.database import Action, Database, Transaction
from postel.store.changes import Changes
from postel.store.faults import BadRights, TooMany
from postel.store.options import StoreOptions
from postel.store.records import StoredMailbox
from postel.store.rows import MAILBOX, get_mailbox, mailbox_of

ALL_RIGHTS: Final = "lrswipkxtea"
ANYONE: Final = "anyone"
# RFC 4314 2.1.1: what programs of old mean by them.
_OBSOLETE: Final = {"c": "kx", "d": "te"}

_SHARED: Final = f"""
{MAILBOX} WHERE account_id <> ? AND id IN (SELECT mailbox_id FROM stored_right WHERE identifier IN (?, ?))
ORDER BY account_id, name"""


class Rights:
    """The access control lists of all mailboxes."""

    def __init__(self, database: Database, options: StoreOptions, changes: Changes) -> None:
        self._database = database
        self.options = options
        self._changes = changes

    async def of(self, mailbox: StoredMailbox, account_id: int, address: str) -> frozenset[str]:
        """The rights that an account has in a mailbox (MYRIGHTS); `address` is its folded address."""
        if mailbox.account_id == account_id:
            return frozenset(ALL_RIGHTS)
        return _effective(await self.granted(mailbox.id), address)

    async def granted(self, mailbox_id: int) -> dict[str, str]:
        """Identifiers and their rights, those of the owner left out (GETACL)."""
        return await self._database.read(lambda tx: _rights(tx, mailbox_id))

    async def set(self, tx: Transaction, mailbox_id: int, identifier: str, rights: str) -> None:
        """Give an identifier these rights and no others; none for "" (SETACL, DELETEACL).

        Raises BadRights, NoSuchMailbox, TooMany.
        """
        box = await get_mailbox(tx, mailbox_id)
        identifier, rights = fold_identifier(identifier), read_rights(rights)
        await tx.execute(
            "DELETE FROM stored_right WHERE mailbox_id = ? AND identifier = ?", (mailbox_id, identifier)
        )
        if rights:
            await self._check_number(tx, mailbox_id)
            await tx.execute(
                "INSERT INTO stored_right (mailbox_id, identifier, rights) VALUES (?, ?, ?)",
                (mailbox_id, identifier, rights),
            )
        self._changes.publish_tree(tx, box.account_id)
        self._changes.publish_rights(tx, identifier.removeprefix("-"))

    async def shared_with(self, account_id: int, address: str) -> list[StoredMailbox]:
        """Mailboxes of others that an account may see (the right l)."""
        key = (account_id, address, ANYONE)

        async def work(tx: Transaction) -> list[StoredMailbox]:
            boxes = [mailbox_of(row) for row in await tx.fetch_all(_SHARED, key)]
            return [box for box in boxes if "l" in _effective(await _rights(tx, box.id), address)]

        return await self._database.read(work)

    def watch(self, address: str, action: Action) -> Action:
        """Call `action` when others give rights to an account, or to anyone, or take some back; the result ends it."""
        ends = [self._changes.watch_rights(who, action) for who in (address.casefold(), ANYONE)]

        def end() -> None:
            for end_one in ends:
                end_one()

        return end

    async def _check_number(self, tx: Transaction, mailbox_id: int) -> None:
        row = await tx.fetch_one("SELECT COUNT(*) FROM stored_right WHERE mailbox_id = ?", (mailbox_id,))
        if row is not None and row[0] >= self.options.rights:
            raise TooMany("identifiers with rights", self.options.rights)


def read_rights(text: str) -> str:
    """Rights in the order of RFC 4314 2.1, each once. Raises BadRights."""
    modern = {right for letter in text for right in _OBSOLETE.get(letter, letter)}
    if not modern <= set(ALL_RIGHTS):
        raise BadRights(f"no such right: {''.join(sorted(modern - set(ALL_RIGHTS)))}")
    return "".join(right for right in ALL_RIGHTS if right in modern)


def fold_identifier(identifier: str) -> str:
    """The form that is kept. Raises BadRights."""
    if not identifier.removeprefix("-").strip() or not identifier.isprintable():
        raise BadRights("an identifier is an address, or anyone")
    return identifier.casefold()


def _effective(rights: dict[str, str], address: str) -> frozenset[str]:
    """RFC 4314 2: what is given to the account and to anyone, less what is taken from either."""
    who = (ANYONE, address.casefold())
    given = _union(rights.get(name, "") for name in who)
    return given - _union(rights.get(f"-{name}", "") for name in who)


def _union(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(right for text in texts for right in text)


async def _rights(tx: Transaction, mailbox_id: int) -> dict[str, str]:
    sql = "SELECT identifier, rights FROM stored_right WHERE mailbox_id = ? ORDER BY identifier"
    return dict(await tx.fetch_all(sql, (mailbox_id,)))
