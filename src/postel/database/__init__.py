"""Everything durable, behind one small interface. Floor 2.

A piece of work is a coroutine function that gets a `Transaction`. `Database.write` returns when it is on
disk; many pieces share one commit. `SqliteDatabase` is the embedded engine.
"""

from postel.database.connection import FILE_NAME
from postel.database.faults import Conflict, DatabaseTooNew, DatabaseTrouble
from postel.database.interface import Action, Database, Migration, Row, Shared, Transaction, Value, Work
from postel.database.sqlite import SqliteDatabase

__all__ = [
    "FILE_NAME",
    "Action",
    "Conflict",
    "Database",
    "DatabaseTooNew",
    "DatabaseTrouble",
    "Migration",
    "Row",
    "Shared",
    "SqliteDatabase",
    "Transaction",
    "Value",
    "Work",
]
