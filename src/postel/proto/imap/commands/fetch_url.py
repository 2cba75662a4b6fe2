"""URLFETCH.

Implements  RFC 4467 7.
Gives       UrlFetch, read_fetch_url.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand

_MOST = 100


@dataclass(frozen=True, slots=True)
class UrlFetch(Command):
    """What do these authorized URLs name?"""

    urls: tuple[str, ...]


def read_fetch_url(cursor: Cursor) -> UrlFetch:
    """One or more URLs."""
    urls: list[str] = []
    while cursor.skip(b" ") and not cursor.at_end and len(urls) < _MOST:
        urls.append(cursor.text_string())
    if not urls:
        raise BadCommand("a URL is expected")
    return UrlFetch(tuple(urls))
