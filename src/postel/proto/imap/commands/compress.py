"""COMPRESS.

Implements  RFC 4978 3.
Gives       Compress, read_compress.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand


@dataclass(frozen=True, slots=True)
class Compress(Command):
    """Both directions are deflated from the result on; the machine does it."""


def read_compress(cursor: Cursor) -> Compress:
    """DEFLATE."""
    cursor.space()
    if cursor.keyword() != b"DEFLATE":
        raise BadCommand("DEFLATE is expected")
    return Compress()
