"""DELETEACL.

Implements  RFC 4314 3.2.
Gives       DeleteAcl, read_delete_acl.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName


@dataclass(frozen=True, slots=True)
class DeleteAcl(Command):
    """Someone has no rights of their own any more."""

    mailbox: MailboxName
    identifier: str


def read_delete_acl(cursor: Cursor) -> DeleteAcl:
    """A mailbox and an identifier."""
    cursor.space()
    mailbox = cursor.mailbox()
    cursor.space()
    return DeleteAcl(mailbox, cursor.text_string())
