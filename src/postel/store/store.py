"""The stored mailboxes of all accounts: messages come in, are read, change, and go.

Implements  RFC 9051 2.3.1.1 (UIDs), RFC 7162 3.1, 3.2 (mod-sequences, what was expunged), RFC 1939 8.
Gives       Store.
Not here    Content itself (contents), the maildrop lock (locks), accounts (directory). What each change does to the
            rows: coming, flags, copying, expunging, tree.

What takes a transaction is part of the caller's, and short. What takes none does its work in pieces, between which
others write and read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Final, TypeVar

from postel.contents import Contents
from postel.database import Database, Row, Transaction, Work
from postel.net import Clock, Workers
from postel.store import coming, copying, expunging, flags, kept
from postel.store.annotations import Annotations
from postel.store.changes import Changes
from postel.store.copying import EVERYTHING, Carried, Copied
from postel.store.expunging import UIDS, Removed
from postel.store.faults import NoSuchMailbox, NoSuchMessage
from postel.store.flags import FlagChange, FlagsChanged
from postel.store.housekeeping import Housekeeping
from postel.store.index import ContentIndex, is_fresh
from postel.store.indexer import Indexer
from postel.store.kept import UNTIDY, Kept
from postel.store.maildrops import list_maildrop
from postel.store.options import StoreOptions
from postel.store.pages import LetterPage, load_departed, load_page, load_prefixes, load_small
from postel.store.quota import Fill, Quota, QuotaOf, Usage, check_room, used
from postel.store.records import (
    INBOX,
    Appended,
    Flags,
    Letter,
    MailboxName,
    Maildrop,
    MessageFacts,
    SpecialUse,
    StoredMailbox,
    StoredMessage,
)
from postel.store.rights import Rights
from postel.store.rows import MAILBOX, MESSAGE, find_mailbox, get_mailbox, mailbox_of, message_of
from postel.store.runs import pieces
from postel.store.snapshot import Snapshot
from postel.store.snapshots import Snapshots
from postel.store.threads import NewLetter, assign_threads, thread_keys
from postel.store.tree import Tree, doom
from postel.store.url_keys import UrlKeys

T = TypeVar("T")

_AT_ONCE: Final = 200  # rows in one page of an iteration
_FEW: Final = 50  # messages that are changed on the loop, and share a commit with what others do
_RECENT: Final = "SELECT recent_from, uid_next FROM stored_mailbox WHERE id = ?"
_CLAIM: Final = "UPDATE stored_mailbox SET recent_from = uid_next WHERE id = ?"


class Store:
    """The stored mailboxes of all accounts.

    tree, rights, annotations, url_keys, snapshots, index, kept, changes    the rest of it, each with its own idea.
    indexer, housekeeping   what it does in the background, once started.
    """

    def __init__(
        self,
        database: Database,
        contents: Contents,
        clock: Clock,
        workers: Workers,
        options: StoreOptions | None = None,
        quota_of: QuotaOf | None = None,
    ) -> None:
        self._database = database
        self._contents = contents
        self._clock = clock
        self.options = options or StoreOptions()
        self._quota_of = quota_of
        self.changes = Changes(database)
        self.tree = Tree(database, clock, self.options, self.changes)
        self.rights = Rights(database, self.options, self.changes)
        self.annotations = Annotations(database, self.options, self.changes)
        self.url_keys = UrlKeys(database)
        self.snapshots = Snapshots(database, self.options.snapshot_bytes)
        self.index = ContentIndex(database, contents, workers)
        self.indexer = Indexer(database, self.index)
        self.kept = Kept(database)
        self.housekeeping = Housekeeping(database, clock, self.options, self.kept)

    def start(self) -> None:
        """Begin the work in the background; in one process of those that share a database."""
        self.indexer.start()
        self.housekeeping.start()

    async def stop(self) -> None:
        """End it; the next start goes on where it was."""
        await self.indexer.close()
        await self.index.close()
        await self.housekeeping.close()

    def reload(self, options: StoreOptions) -> None:
        """Take other limits, from now on; the memory for snapshots stays as it is."""
        self.options = options
        for part in (self.tree, self.rights, self.annotations, self.housekeeping):
            part.options = options

    # --- coming in ---------------------------------------------------------------------------------------

    async def append(
        self, tx: Transaction, account_id: int, facts: MessageFacts, name: MailboxName = INBOX
    ) -> int:
        """Put a message into a stored mailbox and give its UID, in the caller's transaction.

        INBOX is made when its first message comes. Holds the content once more. Raises NoSuchMailbox (a LookupError)
        when the account has no other mailbox of that name, OverQuota, and TooMany for keywords.
        """
        flags.check_keywords(facts.keywords, self.options)
        await self._check_room(tx, account_id, facts)
        place = (account_id, name)
        now = self._clock.now()
        appended = await coming.append(tx, coming.BY_NAME, place, facts, now)
        if appended is None and name == INBOX:
            await self.tree.ensure(tx, account_id, INBOX)
            appended = await coming.append(tx, coming.BY_NAME, place, facts, now)
        if appended is None:
            raise NoSuchMailbox(f"no mailbox {name!r}")
        self.changes.publish(tx, appended.mailbox_id)
        return appended.uid

    async def append_to(self, tx: Transaction, mailbox_id: int, facts: MessageFacts) -> Appended:
        """The same, for a mailbox that is known; several in one transaction come in together (RFC 3502).

        Raises NoSuchMailbox, OverQuota, TooMany: then nothing of the transaction may be kept.
        """
        flags.check_keywords(facts.keywords, self.options)
        appended = await coming.append(tx, coming.BY_ID, (mailbox_id,), facts, self._clock.now())
        if appended is None:
            raise NoSuchMailbox(f"no mailbox {mailbox_id}")
        if self._quota_of is not None:
            quota = await self._quota_of(tx, appended.account_id)
            await check_room(tx, appended.account_id, Usage(0, 0), quota)
        self.changes.publish(tx, mailbox_id)
        return appended

    async def _check_room(self, tx: Transaction, account_id: int, facts: MessageFacts) -> None:
        if self._quota_of is not None:
            more = Usage(len(facts.prefix) + facts.content_size_bytes, 1)
            await check_room(tx, account_id, more, await self._quota_of(tx, account_id))

    async def create(
        self,
        tx: Transaction,
        account_id: int,
        name: MailboxName,
        special_use: SpecialUse = SpecialUse.NONE,
    ) -> None:
        """Make a stored mailbox, unless there is one of that name. Raises what Tree.create raises."""
        await self.tree.ensure(tx, account_id, name, [special_use] if special_use else [])

    # --- looking -----------------------------------------------------------------------------------------

    async def mailboxes(self, account_id: int) -> list[StoredMailbox]:
        """All stored mailboxes of an account, by name."""
        sql = f"{MAILBOX} WHERE account_id = ? ORDER BY name"
        rows = await self._database.read(lambda tx: tx.fetch_all(sql, (account_id,)))
        boxes: list[StoredMailbox] = []
        for start in range(0, len(rows), _AT_ONCE):
            if start:
                await asyncio.sleep(0)
            boxes += map(mailbox_of, rows[start : start + _AT_ONCE])
        return boxes

    async def mailbox(self, account_id: int, name: MailboxName = INBOX) -> StoredMailbox | None:
        """One stored mailbox; None while there is none of that name."""
        sql = f"{MAILBOX} WHERE account_id = ? AND name = ?"
        row = await self._database.read(lambda tx: tx.fetch_one(sql, (account_id, name)))
        return None if row is None else mailbox_of(row)

    async def mailbox_by_id(self, mailbox_id: int) -> StoredMailbox | None:
        """One stored mailbox; None when there is none, or not any more."""
        return await self._database.read(lambda tx: find_mailbox(tx, mailbox_id))

    async def usage(self, account_id: int) -> Usage:
        """What an account stores."""
        return await self._database.read(lambda tx: used(tx, account_id))

    async def quota(self, account_id: int) -> Quota:
        """What an account may store."""
        quota_of = self._quota_of
        return Quota() if quota_of is None else await self._database.read(lambda tx: quota_of(tx, account_id))

    async def fill(self, account_id: int) -> Fill | None:
        """How full an account is; None where it has no limit."""
        quota_of = self._quota_of
        if quota_of is None:
            return None

        async def work(tx: Transaction) -> Fill | None:
            quota = await quota_of(tx, account_id)
            return Fill(quota, await used(tx, account_id)) if quota.is_limited else None

        return await self._database.read(work)

    async def maildrop(self, account_id: int) -> Maildrop:
        """INBOX as POP3 lists it: what had come when the listing began, or a little later."""
        return await list_maildrop(self._database, account_id)

    async def message(self, mailbox_id: int, uid: int) -> StoredMessage:
        """One message. Raises NoSuchMessage."""
        sql = f"{MESSAGE} WHERE m.mailbox_id = ? AND m.uid = ?"
        row = await self._database.read(lambda tx: tx.fetch_one(sql, (mailbox_id, uid)))
        if row is None:
            raise NoSuchMessage(f"uid {uid}")
        return message_of(row)

    async def messages(self, mailbox_id: int) -> AsyncGenerator[StoredMessage, None]:
        """All messages of a mailbox by UID, a page at a time, so that a large mailbox holds nothing up."""
        last_uid = 0
        while rows := await self._page(mailbox_id, last_uid):
            for row in rows:
                yield message_of(row)
            last_uid = rows[-1][1]

    async def _page(self, mailbox_id: int, after_uid: int) -> list[Row]:
        sql = f"{MESSAGE} WHERE m.mailbox_id = ? AND m.uid > ? ORDER BY m.uid LIMIT {_AT_ONCE}"
        return await self._database.read(lambda tx: tx.fetch_all(sql, (mailbox_id, after_uid)))

    async def letters(self, mailbox_id: int, uids: Sequence[int]) -> dict[int, Letter]:
        """What never changes of messages (UIDs ascending, a page of them), by UID; what is gone is left out."""
        page = await self._database.read(lambda tx: load_page(tx, mailbox_id, uids))
        return dict(page.letters)

    async def page(self, mailbox_id: int, uids: Sequence[int], *, contents: bool = False) -> LetterPage:
        """The same, and what is known of their contents; the small contents too, where they are wanted."""
        page = await self._database.read(
            lambda tx: load_page(tx, mailbox_id, uids, blobs=True, contents=contents)
        )
        return await self._indexed(page)

    async def departed(self, departed: Snapshot) -> LetterPage:
        """The same with contents, of messages that a mailbox has lost (Snapshot.departed, a page of them).

        They are there as long as they can be had back, or are in another mailbox too.
        """
        return await self._indexed(await self._database.read(lambda tx: load_departed(tx, departed)))

    async def _indexed(self, page: LetterPage) -> LetterPage:
        ids = [letter.content_id for letter in page.letters.values()]
        if all(content_id in page.blobs and is_fresh(page.blobs[content_id]) for content_id in ids):
            return page
        return replace(page, blobs=await self.index.fresh(ids))

    async def prefixes(self, mailbox_id: int, uids: Sequence[int]) -> dict[int, bytes]:
        """What `letters` says of the prefixes alone."""
        return await self._database.read(lambda tx: load_prefixes(tx, mailbox_id, uids))

    async def small(self, mailbox_id: int, uids: Sequence[int]) -> dict[int, bytes]:
        """The octets of messages (UIDs ascending, a page of them) that lie in the database, by UID.

        The others are gone, or `read` gives them in pieces. Raises DatabaseTrouble.
        """
        return await self._database.read(lambda tx: load_small(tx, mailbox_id, uids))

    async def threaded(self, mailbox_id: int, uids: Sequence[int]) -> dict[int, Letter]:
        """As `letters`, each with its thread: those that have none yet are indexed now.

        RFC 8474 5.2: a letter is of one thread for ever, so nobody may be told that it is of none.
        """
        letters = await self.letters(mailbox_id, uids)
        new = {letter.letter_id: letter.content_id for letter in letters.values() if not letter.thread_id}
        if new:
            blobs = await self.index.fresh(list(new.values()))
            joining = [
                NewLetter(id_, thread_keys(blobs[new[id_]])) for id_ in sorted(new) if new[id_] in blobs
            ]
            await self._database.write(lambda tx: assign_threads(tx, joining))
            letters = await self.letters(mailbox_id, uids)
        return letters

    async def read(self, message: StoredMessage) -> AsyncGenerator[bytes, None]:
        """The octets of a message: prefix, then content, in pieces of little more than 64 KiB.

        Raises ContentMissing, usually before the first piece, when the message was expunged long ago.
        """
        reader = await self._contents.reader(message.content_id)
        async with aclosing(reader.chunks()) as chunks:
            yield message.prefix + await anext(chunks, b"")
            async for chunk in chunks:
                yield chunk

    # --- changing ----------------------------------------------------------------------------------------

    async def _write(self, messages: int, work: Work[T]) -> T:
        """Change so many messages: beside the loop where they are many."""
        write = self._database.write if messages <= _FEW else self._database.write_apart
        return await write(work)

    async def _quota_known(self, mailbox_id: int) -> QuotaOf | None:
        """What the owner of a mailbox may store, for work that runs beside the loop. Raises NoSuchMailbox."""
        if self._quota_of is None:
            return None
        box = await self._database.read(lambda tx: get_mailbox(tx, mailbox_id))
        quota = await self.quota(box.account_id)

        async def quota_of(tx: Transaction, account_id: int) -> Quota:
            return quota

        return quota_of

    async def change_flags(
        self,
        mailbox_id: int,
        uids: Sequence[int],
        change: FlagChange,
        unchanged_since: int | None = None,
    ) -> FlagsChanged:
        """Change flags of messages (UIDs ascending); those that are gone are left out.

        Raises NoSuchMailbox, TooMany; what was changed before stays changed.
        """
        flags.check_keywords(change.keywords, self.options)

        async def work(piece: Sequence[int], tx: Transaction) -> FlagsChanged:
            changed = await flags.change_flags(tx, mailbox_id, piece, change, unchanged_since, self.options)
            if changed.changed:
                self.changes.publish(tx, mailbox_id)
            return changed

        done = [
            await self._write(len(piece), partial(work, piece)) for piece in pieces(uids, self.options.piece)
        ]
        return flags.joined(done)

    async def copy(
        self, source_id: int, uids: Sequence[int], target_id: int, carried: Carried = EVERYTHING
    ) -> Copied:
        """Copy messages (UIDs ascending), all or none (RFC 9051 6.4.7). Raises NoSuchMailbox, OverQuota."""
        now, quota_of = self._clock.now(), await self._quota_known(target_id)

        async def work(tx: Transaction) -> Copied:
            await get_mailbox(tx, source_id)
            copied = await copying.copy(tx, source_id, uids, target_id, now, quota_of, carried)
            self.changes.publish(tx, target_id)
            return copied

        return await self._write(len(uids), work)

    async def move(
        self, source_id: int, uids: Sequence[int], target_id: int, carried: Carried = EVERYTHING
    ) -> Copied:
        """Move messages (UIDs ascending); each is moved or not (RFC 6851 3.3). Raises NoSuchMailbox, OverQuota."""
        quota_of = await self._quota_known(target_id)

        async def work(piece: Sequence[int], now: float, tx: Transaction) -> Copied:
            await get_mailbox(tx, source_id)
            moved = await copying.move(tx, source_id, piece, target_id, now, quota_of, carried)
            self.changes.publish(tx, source_id)
            self.changes.publish(tx, target_id)
            return moved

        done = [
            await self._write(len(piece), partial(work, piece, self._clock.now()))
            for piece in [*pieces(uids, self.options.piece)] or [()]
        ]
        source = tuple(chain.from_iterable(moved.source_uids for moved in done))
        target = tuple(chain.from_iterable(moved.target_uids for moved in done))
        return Copied(done[-1].uid_validity, source, target)

    async def rename_inbox(self, account_id: int, new_name: str) -> None:
        """RFC 9051 6.3.6: INBOX stays, empty; its messages move to a mailbox of the new name, which is made.

        Raises NoSuchMailbox, MailboxExists, BadMailboxName, TooMany.
        """
        inbox = await self.mailbox(account_id)
        if inbox is None:
            raise NoSuchMailbox(INBOX)
        target_id = await self._database.write(lambda tx: self.tree.create(tx, account_id, new_name))
        while rows := await self._database.read(
            lambda tx: tx.fetch_all(f"{UIDS} LIMIT {self.options.piece}", (inbox.id,))
        ):
            await self.move(inbox.id, [row[0] for row in rows], target_id)

    async def claim_recent(self, mailbox_id: int) -> range:
        """The UIDs that are recent to the session that asks, and to no other (RFC 3501 2.3.2)."""
        box = await self.mailbox_by_id(mailbox_id)
        if box is None or box.recent_from == box.uid_next:  # nothing has come since: nothing to write
            return range(0)
        return await self._database.write(lambda tx: self.claim_recent_in(tx, mailbox_id))

    async def claim_recent_in(self, tx: Transaction, mailbox_id: int) -> range:
        """The same, in the caller's transaction. Raises NoSuchMailbox."""
        row = await tx.fetch_one(_RECENT, (mailbox_id,))
        if row is None:
            raise NoSuchMailbox(f"no mailbox {mailbox_id}")
        await tx.execute(_CLAIM, (mailbox_id,))
        return range(*row)

    # --- going -------------------------------------------------------------------------------------------

    async def expunge(self, tx: Transaction, mailbox_id: int, uids: Iterable[int]) -> int:
        """Remove messages, in the caller's transaction; how many there were.

        Leaves behind which UIDs went and when (RFC 7162 3.2.10). They can be had back for a time (`kept`).
        """
        removed = await self._expunge(mailbox_id, sorted(set(uids)), self._clock.now(), tx)
        return len(removed.uids)

    async def remove(self, mailbox_id: int, uids: Sequence[int]) -> Removed:
        """Remove messages (UIDs ascending), one piece after another: those that were there, and the last modseq."""
        done = [
            await self._write(len(piece), partial(self._expunge, mailbox_id, piece, self._clock.now()))
            for piece in pieces(uids, self.options.piece)
        ]
        gone = tuple(chain.from_iterable(removed.uids for removed in done))
        return Removed(gone, max((removed.modseq for removed in done), default=0))

    async def _expunge(self, mailbox_id: int, uids: Sequence[int], now: float, tx: Transaction) -> Removed:
        removed = await expunging.expunge(tx, mailbox_id, uids, now)
        if removed.uids:
            self.changes.publish(tx, mailbox_id)
            if not self.options.keep_s:  # nobody can have it back, so it need not wait for the hour
                tx.announce(UNTIDY)
        return removed

    async def deleted_uids(self, mailbox_id: int) -> list[int]:
        """The messages that are marked \\Deleted: what EXPUNGE and CLOSE remove."""
        box = await self.mailbox_by_id(mailbox_id)
        if box is None or not box.deleted_count:  # EXPUNGE and CLOSE need not look for what is not there
            return []
        uids: list[int] = []
        while rows := await self._database.read(
            partial(expunging.deleted_page, mailbox_id, uids[-1] if uids else 0)
        ):
            uids += chain.from_iterable(rows)
            await asyncio.sleep(0)
        return uids

    async def expunged_since(self, mailbox_id: int, modseq: int) -> list[tuple[int, int]]:
        """Ranges of UIDs that went after a mod-sequence, first and last included (RFC 7162 3.2.5.2).

        Where that is not remembered any more, all that are not there, as the RFC allows.
        """
        return await self._database.read(lambda tx: expunging.expunged_since(tx, mailbox_id, modseq))

    async def undelete(self, account_id: int, name: MailboxName, since: float = 0.0) -> int:
        """Bring back what was expunged from a mailbox since then, with new UIDs: how many messages.

        The mailbox is made again where it is gone. Raises OverQuota, BadMailboxName, TooMany; what was brought back
        before stays.
        """
        number = 0
        async for rows in self.kept.pages(account_id, name, since):
            back = [(row[0], row[1] & ~Flags.DELETED, *row[2:]) for row in rows]
            number += await self._database.write(partial(self._restore, account_id, name, back))
        return number

    async def _restore(self, account_id: int, name: MailboxName, rows: Sequence[Row], tx: Transaction) -> int:
        if self._quota_of is not None:
            more = Usage(sum(row[2] for row in rows), len(rows))
            await check_room(tx, account_id, more, await self._quota_of(tx, account_id))
        left = await kept.take_out(tx, rows)
        mailbox_id = await self.tree.ensure(tx, account_id, name)
        await copying.put(tx, left, mailbox_id, self._clock.now())
        self.changes.publish(tx, mailbox_id)
        return len(left)

    async def forget_account(self, tx: Transaction, account_id: int) -> None:
        """Remove all that an account has, when the account is removed. Its messages go in the background."""
        sql = f"{MAILBOX} WHERE account_id = ?"
        for row in await tx.fetch_all(sql, (account_id,)):
            await doom(tx, mailbox_of(row), 0.0)  # expunged at the beginning of time: nobody can want it back
            self.changes.publish(tx, row[0])
        await tx.execute("UPDATE stored_kept SET expunged_at = 0 WHERE account_id = ?", (account_id,))
        for table in ("annotation", "url_key", "subscription", "thread", "account"):
            await tx.execute(f"DELETE FROM stored_{table} WHERE account_id = ?", (account_id,))
        self.changes.publish_tree(tx, account_id)
