"""APSW's exceptions in our words.

Gives       translate(error) -> the exception to raise instead.
"""

from __future__ import annotations

from typing import Final

import apsw

from postel.database.faults import Conflict, DatabaseTrouble
from postel.mail import LocalFault

# The engine is fine and so are we; the world is not.
_TROUBLES: Final = (
    apsw.FullError,
    apsw.IOError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.PermissionsError,
    apsw.AuthError,
    apsw.NoMemError,
    apsw.ProtocolError,
    apsw.InterruptError,
    apsw.AbortError,
    apsw.NoLFSError,
)


def translate(error: apsw.Error) -> Exception:
    """DatabaseTrouble or Conflict; LocalFault for what only a mistake of ours can cause."""
    if isinstance(error, _TROUBLES):
        return DatabaseTrouble(f"{type(error).__name__}: {error}", is_full=isinstance(error, apsw.FullError))
    if isinstance(error, apsw.ConstraintError):
        return Conflict(str(error))
    return LocalFault(f"{type(error).__name__}: {error}")
