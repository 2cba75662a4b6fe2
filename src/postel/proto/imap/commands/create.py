r"""CREATE.

Implements  RFC 9051 6.3.4, RFC 6154 3 (USE).
Gives       Create, read_create.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.codes import NO, USEATTR
from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand, Refused
from postel.proto.imap.names import MailboxName

SPECIAL_USES = {
    use.lower(): use
    for use in (
        b"\\All",
        b"\\Archive",
        b"\\Drafts",
        b"\\Flagged",
        b"\\Junk",
        b"\\Sent",
        b"\\Trash",
        b"\\Important",
    )
}


@dataclass(frozen=True, slots=True)
class Create(Command):
    r"""A new mailbox; `uses` are attributes such as \Sent."""

    mailbox: MailboxName
    uses: tuple[bytes, ...] = ()


def read_create(cursor: Cursor) -> Create:
    """A name and perhaps its special use."""
    cursor.space()
    mailbox = cursor.mailbox()
    uses: list[bytes] = []
    if cursor.skip(b" ("):
        if cursor.keyword() != b"USE" or not cursor.knows("CREATE-SPECIAL-USE"):
            raise BadCommand("unknown parameter")
        cursor.space()
        uses = cursor.listed(lambda: _read_use(cursor), least=0, most=20)
        cursor.expect(b")")
    return Create(mailbox, tuple(dict.fromkeys(uses)))


def _read_use(cursor: Cursor) -> bytes:
    cursor.expect(b"\\")
    use = SPECIAL_USES.get(b"\\" + cursor.atom().lower())
    if use is None:  # RFC 6154 3
        raise Refused(NO.saying("Unknown special use", USEATTR))
    return use
