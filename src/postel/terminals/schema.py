"""The tables of terminals.

Gives       MIGRATIONS.

    terminal            one row a waiting `postel terminal`, renewed by it while it lives
    terminal_message    one row a message that a terminal shall show; the terminal removes it once it has

Nothing here is mail that we are responsible for: whoever has put a message here waits until it is gone, and says no to
its client otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from postel.database import Migration

_FIRST: Final = """
CREATE TABLE terminal (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    seen_at REAL NOT NULL
);
CREATE INDEX terminal_account ON terminal (account);
CREATE TABLE terminal_message (
    id INTEGER PRIMARY KEY,
    terminal_id INTEGER NOT NULL,
    sent_at REAL NOT NULL,
    reverse_path TEXT NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX terminal_message_waits ON terminal_message (terminal_id);
"""

MIGRATIONS: Final[Sequence[Migration]] = (Migration("terminals", 1, _FIRST),)
