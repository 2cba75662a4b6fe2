"""GENURLAUTH.

Implements  RFC 4467 7.
Gives       GenUrlAuth, read_generate_url_auth.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand

_MOST = 100


@dataclass(frozen=True, slots=True)
class GenUrlAuth(Command):
    """Make these URLs authorized ones: the URL's rump, and the mechanism in upper case."""

    urls: tuple[tuple[str, str], ...]


def read_generate_url_auth(cursor: Cursor) -> GenUrlAuth:
    """One or more URLs, each with a mechanism."""
    urls: list[tuple[str, str]] = []
    while cursor.skip(b" ") and not cursor.at_end and len(urls) < _MOST:
        url = cursor.text_string()
        cursor.space()
        urls.append((url, cursor.keyword().decode("ascii")))
    if not urls:
        raise BadCommand("a URL is expected")
    return GenUrlAuth(tuple(urls))
