"""GETQUOTA.

Implements  RFC 9208 4.1.1.
Gives       GetQuota, read_get_quota.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class GetQuota(Command):
    """How full is a quota root?"""

    root: str


def read_get_quota(cursor: Cursor) -> GetQuota:
    """The root's name, perhaps empty."""
    cursor.space()
    return GetQuota(cursor.text_string())
