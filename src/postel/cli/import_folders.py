"""Folders in files into the mailboxes of an account: one of them, or a tree.

Gives       FolderImport.
Not here    The messages of one: importing. Which folders there are: trees.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from postel.app import Bench
from postel.cli.importing import Importer, find_source
from postel.cli.mbox import Quoting
from postel.cli.rights import Rights
from postel.cli.skipped import NotTaken, Skipped
from postel.cli.trees import Folder, find_folders
from postel.directory import Account
from postel.store import BadMailboxName, TooMany


@dataclass(slots=True)
class FolderImport:
    """Counts the messages that are in."""

    bench: Bench
    account: Account
    quoting: Quoting
    rights: Rights
    skipped: Skipped
    number: int = 0

    async def take_tree(self, top: Path) -> None:
        """All folders of a tree that can be taken. Raises CannotDo for what stops all, OSError."""
        with self.rights.oneself():
            folders = find_folders(top, self.skipped)
        for folder in folders:
            try:
                await self.take(folder)
            except (NotTaken, OSError) as why:
                self.skipped.add(folder.path, why)

    async def take(self, folder: Folder) -> None:
        """One folder. Raises CannotDo, OSError where it cannot be opened."""
        with ExitStack() as files:
            source = find_source(folder.path, self.quoting, self.rights, files, self.skipped)
            await self._make(folder)
            importer = Importer(self.bench, self.account, folder.name, self.skipped)
            try:
                await importer.run(source)
            finally:
                self.number += importer.number

    async def _make(self, folder: Folder) -> None:
        store = self.bench.rooms.store
        try:
            await self.bench.rooms.database.write(lambda tx: store.create(tx, self.account.id, folder.name))
        except (BadMailboxName, TooMany) as why:
            raise NotTaken(f"{folder.name}: {why}") from None
