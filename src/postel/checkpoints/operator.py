"""What an operator sees of kept transactions, and does about them; beside a running server too.

Gives       list_kept, forget_kept.
"""

from __future__ import annotations

from functools import partial

from postel.checkpoints import rows
from postel.checkpoints.options import CheckpointOptions
from postel.checkpoints.rows import KeptTransaction
from postel.checkpoints.shelf import Shelf
from postel.contents import Contents
from postel.database import Database
from postel.net import Clock


async def list_kept(database: Database, limit: int) -> list[KeptTransaction]:
    """Those that gave a sign of life last come first. Raises DatabaseTrouble."""
    return await database.read(partial(rows.all_rows, limit=limit))


async def forget_kept(database: Database, contents: Contents, clock: Clock, row_id: int) -> bool | None:
    """Forget one with its content; False when a session has it in hand, None when there is none.

    Raises DatabaseTrouble.
    """
    row = await database.read(partial(rows.find_by_id, row_id=row_id))
    if row is None:
        return None
    return await Shelf(database, contents, clock, CheckpointOptions(), "").forget(row)
