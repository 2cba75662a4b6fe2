"""What a command comes to when the store, or a right, says no.

Implements  RFC 5530 (the response codes), RFC 9051 6.3.12 and 6.4.7 (TRYCREATE), RFC 9208 4.3.1 (OVERQUOTA).
Gives       Denied, as_result, trouble_result, TROUBLES, NO_SUCH_MAILBOX, NO_RIGHT, SOME_GONE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from postel.contents import ContentMissing
from postel.database import DatabaseTrouble
from postel.proto.imap import NO, Result, codes
from postel.store import (
    BadMailboxName,
    BadRights,
    MailboxExists,
    MailboxHasChildren,
    MailboxIsInbox,
    NoSuchMailbox,
    NoSuchMessage,
    OverQuota,
    TooMany,
    UseTaken,
)

# What the machine has not got now: a disk, room on it, file handles, memory. It may have it later.
TROUBLES: Final = (DatabaseTrouble, ContentMissing, OSError, MemoryError)

_UNAVAILABLE: Final = NO.saying("That cannot be done now; try again later", codes.UNAVAILABLE)
_FULL: Final = NO.saying("There is no room for it on the server; try again later", codes.UNAVAILABLE)
NO_SUCH_MAILBOX: Final = NO.saying("There is no such mailbox", codes.NONEXISTENT)
NO_RIGHT: Final = NO.saying("You may not do that with this mailbox", codes.NOPERM)
SOME_GONE: Final = NO.saying("Some of the messages are gone", codes.EXPUNGEISSUED)


class Denied(Exception):
    """The command ends with this result. What happened in the selected mailbox is told before it."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.text)
        self.result = result


_RESULTS: Final[Mapping[type[Exception], Callable[[Any], Result]]] = {
    NoSuchMailbox: lambda fault: NO_SUCH_MAILBOX,
    MailboxExists: lambda fault: NO.saying("There is a mailbox of this name already", codes.ALREADYEXISTS),
    MailboxHasChildren: lambda fault: NO.saying("It only holds other mailboxes", codes.HASCHILDREN),
    MailboxIsInbox: lambda fault: NO.saying("INBOX stays where it is", codes.CANNOT),
    BadMailboxName: lambda fault: NO.saying(str(fault).capitalize(), codes.CANNOT),
    BadRights: lambda fault: NO.saying(str(fault).capitalize(), codes.CANNOT),
    UseTaken: lambda fault: NO.saying("Another mailbox has this use", codes.USEATTR),
    OverQuota: lambda fault: NO.saying(
        f"The quota of {fault.limit} {fault.what} is reached", codes.OVERQUOTA
    ),
    TooMany: lambda fault: NO.saying(f"At most {fault.limit} {fault.what}", codes.LIMIT),
    NoSuchMessage: lambda fault: SOME_GONE,
}


def trouble_result(trouble: BaseException) -> Result:
    """RFC 5530 3, UNAVAILABLE: it is for now only. For those of TROUBLES."""
    return _FULL if isinstance(trouble, DatabaseTrouble) and trouble.is_full else _UNAVAILABLE


def as_result(fault: Exception) -> Result | None:
    """The result that says it; None: nobody expects this fault."""
    make = _RESULTS.get(type(fault))
    return None if make is None else make(fault)
