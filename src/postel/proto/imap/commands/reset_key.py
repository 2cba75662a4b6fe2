"""RESETKEY.

Implements  RFC 4467 7.
Gives       ResetKey, read_reset_key.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName


@dataclass(frozen=True, slots=True)
class ResetKey(Command):
    """Authorized URLs of a mailbox (None: of all the user's) hold no longer; of these mechanisms, or of all."""

    mailbox: MailboxName | None = None
    mechanisms: tuple[str, ...] = ()


def read_reset_key(cursor: Cursor) -> ResetKey:
    """[mailbox [mechanisms]]."""
    if cursor.at_end or not cursor.skip(b" ") or cursor.at_end:
        return ResetKey()
    mailbox = cursor.mailbox()
    mechanisms: list[str] = []
    while cursor.skip(b" ") and not cursor.at_end and len(mechanisms) < 50:
        mechanisms.append(cursor.keyword().decode("ascii"))
    return ResetKey(mailbox, tuple(mechanisms))
