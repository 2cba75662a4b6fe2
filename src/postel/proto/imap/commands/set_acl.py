"""SETACL.

Implements  RFC 4314 3.1, 2.1 (rights), 2.1.1 (obsolete rights).
Gives       SetAcl, RightsChange, read_set_acl.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand
from postel.proto.imap.names import MailboxName
from postel.proto.imap.rights import modern_rights


class RightsChange(enum.Enum):
    """RFC 4314 3.1: what happens to the rights."""

    REPLACE = b""
    ADD = b"+"
    REMOVE = b"-"


@dataclass(frozen=True, slots=True)
class SetAcl(Command):
    """Rights for someone on a mailbox; for the obsolete c and d, what they stand for."""

    mailbox: MailboxName
    identifier: str
    change: RightsChange
    rights: str


def read_set_acl(cursor: Cursor) -> SetAcl:
    """A mailbox, an identifier, [+-]rights."""
    cursor.space()
    mailbox = cursor.mailbox()
    cursor.space()
    identifier = cursor.text_string()
    cursor.space()
    rights = cursor.astring()
    change = RightsChange.REPLACE
    if rights[:1] in (b"+", b"-"):
        change, rights = RightsChange(rights[:1]), rights[1:]
    if not identifier:
        raise BadCommand("an identifier is expected")
    try:
        return SetAcl(mailbox, identifier, change, modern_rights(rights.decode("latin-1")))
    except KeyError:  # RFC 4314 3.1
        raise BadCommand("there is no such right") from None
