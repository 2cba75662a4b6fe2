"""Ids of mailboxes, letters and threads, as clients read and write them.

Implements  RFC 8474 4 (MAILBOXID), 5.1 (EMAILID), 5.2 (THREADID), 7 (letters, digits, _ and -; the first letter tells
            what it is of, so that no id is of two things).
Gives       mailbox_id, email_ids, thread_ids, email_of, thread_of, NOBODYS_ID.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

NOBODYS_ID: Final = -1


def mailbox_id(number: int) -> str:
    """MAILBOXID."""
    return f"M{number}"


def email_ids(letters: Iterable[int]) -> list[bytes]:
    """EMAILIDs."""
    return [b"L%d" % number for number in letters]


def thread_ids(threads: Iterable[int]) -> list[bytes]:
    """THREADIDs in parentheses; NIL where there is no thread (0)."""
    return [b"(T%d)" % number if number else b"NIL" for number in threads]


def email_of(object_id: str) -> int:
    """The letter that a client speaks of; NOBODYS_ID: there can be none."""
    return _number(object_id, "L")


def thread_of(object_id: str) -> int:
    """The thread that a client speaks of; NOBODYS_ID: there can be none."""
    return _number(object_id, "T")


def _number(object_id: str, kind: str) -> int:
    digits = object_id.removeprefix(kind)
    return int(digits) if digits != object_id and digits.isascii() and digits.isdigit() else NOBODYS_ID
