"""What can go wrong with the database, in words that do not depend on the engine.

Gives       DatabaseTrouble, Conflict, DatabaseTooNew.
Not here    Mistakes of our own (a work that waits, SQL that does not parse): LocalFault of `mail`.
"""

from __future__ import annotations


class DatabaseTrouble(Exception):
    """The engine could not do it now: disk full, I/O error, busy, closed. Nothing was acknowledged.

    Callers answer 4yz and may try again. `is_full` says that space is what is missing.
    After an I/O error during the commit itself a power cut may still bring the work to life: what was
    not acknowledged may have happened, what was acknowledged has.
    """

    def __init__(self, reason: str, *, is_full: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_full = is_full


class Conflict(Exception):
    """A row breaks a rule of the schema: it is there already, or names something that is not."""


class DatabaseTooNew(Exception):
    """The database was migrated by a newer Postel than this one. It is left untouched."""
