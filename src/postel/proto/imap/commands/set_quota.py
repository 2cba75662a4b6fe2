"""SETQUOTA.

Implements  RFC 9208 4.1.3.
Gives       SetQuota, read_set_quota.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import MAX_63, Cursor


@dataclass(frozen=True, slots=True)
class SetQuota(Command):
    """New limits of a quota root, by resource (upper case); those that are not named have none."""

    root: str
    limits: tuple[tuple[str, int], ...]


def read_set_quota(cursor: Cursor) -> SetQuota:
    """The root's name and (STORAGE 512 ...)."""
    cursor.space()
    root = cursor.text_string()
    cursor.space()
    return SetQuota(root, tuple(cursor.listed(lambda: _read_limit(cursor), least=0, most=50)))


def _read_limit(cursor: Cursor) -> tuple[str, int]:
    resource = cursor.keyword().decode("ascii")
    cursor.space()
    return resource, cursor.number(MAX_63)
