"""Which stored mailbox a name means, and what its user may do with it.

Implements  RFC 9051 5.1 (names), RFC 2342 5 (other users' mailboxes), RFC 4314 4 (rights that commands need).
Gives       Names, Opened, Place.

    Sent                            of the account that is logged in
    Other Users/ann@drag.net/Plans  what Ann shares with it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from postel.directory import Account, Directory
from postel.proto.imap import NO, Result, codes
from postel.servers.imapd.faults import NO_RIGHT, NO_SUCH_MAILBOX, Denied
from postel.store import ALL_RIGHTS, OTHER_USERS, SEPARATOR, MailboxName, Store, StoredMailbox, inbox_first

ALL: Final = frozenset(ALL_RIGHTS)
_TRY_CREATE: Final = NO.saying("There is no such mailbox", codes.TRYCREATE)
_OTHERS: Final = OTHER_USERS + SEPARATOR


def _stored(name: str) -> MailboxName:
    return MailboxName(inbox_first(name.removesuffix(SEPARATOR)))


@dataclass(frozen=True, slots=True)
class Place:
    """A name, whether or not there is a mailbox of it: whose it is, and what the owner calls it."""

    account_id: int
    name: MailboxName


@dataclass(frozen=True, slots=True)
class Opened:
    """A mailbox, and what its user may do with it (RFC 4314 2.1)."""

    box: StoredMailbox
    rights: frozenset[str]

    def needs(self, rights: str, hidden: Result = NO_SUCH_MAILBOX) -> None:
        """Raises Denied unless all of these rights are there.

        RFC 4314 6: who may not even see the mailbox (l) is told what would be said if it were not there.
        """
        if not self.rights.issuperset(rights):
            raise Denied(NO_RIGHT if "l" in self.rights else hidden)


class Names:
    """The names as one account sees them."""

    def __init__(self, store: Store, directory: Directory, account: Account) -> None:
        self._store = store
        self._directory = directory
        self._account = account

    @property
    def address(self) -> str:
        """The account's own address, by which others give it rights."""
        return self._account.mailbox.folded

    async def open(self, name: str, rights: str) -> Opened:
        """The mailbox of this name, on which all these rights are held. Raises Denied."""
        opened = await self.find(name)
        if opened is None:
            raise Denied(NO_SUCH_MAILBOX)
        opened.needs(rights, NO_SUCH_MAILBOX)
        return opened

    async def target(self, name: str, rights: str = "i") -> Opened:
        """The mailbox that messages go to (RFC 9051 6.3.12): one that could be made is said to be. Raises Denied."""
        opened = await self.find(name)
        if opened is None or not opened.box.is_selectable:
            raise Denied(_TRY_CREATE)
        opened.needs(rights, _TRY_CREATE)
        return opened

    async def find(self, name: str) -> Opened | None:
        """The mailbox of this name, if there is one on which any right is held; \\Noselect ones too."""
        place = await self.place(name)
        if place is None:
            return None
        box = await self._store.mailbox(place.account_id, place.name)
        if box is None:
            return None
        rights = await self.rights(box)
        return Opened(box, rights) if rights else None

    async def rights(self, box: StoredMailbox) -> frozenset[str]:
        """What may be done with a mailbox."""
        if box.account_id == self._account.id:
            return ALL
        return await self._store.rights.of(box, self._account.id, self.address)

    async def place(self, name: str) -> Place | None:
        """What a name means; None: another user who is not known."""
        if not name.startswith(_OTHERS):
            return Place(self._account.id, _stored(name))
        address, _, rest = name[len(_OTHERS) :].partition(SEPARATOR)
        owner = await self._directory.find(address.casefold())
        if owner is None or not rest:
            return None
        return Place(owner.id, _stored(rest))

    async def own(self, name: str) -> Place:
        """What a name means that is to be made. Raises Denied, and tells nobody which other users there are."""
        place = await self.place(name)
        if place is None:
            raise Denied(NO_RIGHT)
        return place

    def shown(self, box: StoredMailbox, owner: str) -> str:
        """The name by which this account knows a mailbox of `owner`."""
        return box.name if box.account_id == self._account.id else f"{_OTHERS}{owner}{SEPARATOR}{box.name}"

    async def shared(self) -> list[tuple[str, StoredMailbox]]:
        """What others share with this account, by the names it knows them by."""
        owners = {account.id: str(account.mailbox) for account in await self._directory.list()}
        boxes = await self._store.rights.shared_with(self._account.id, self.address)
        return [(self.shown(box, owners[box.account_id]), box) for box in boxes if box.account_id in owners]
