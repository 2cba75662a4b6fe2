"""Strings as responses write them.

Implements  RFC 9051 4.3, 9 (quoted, literal, astring, nstring), RFC 6855 3, RFC 3516 4.4 (literal8).
Gives       quoted, string, nstring, astring, text_string, mailbox, literal, literal_head, binary_head, listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from postel.proto.imap.names import format_name

_ATOM: Final = re.compile(rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+")
_QUOTABLE: Final = re.compile(rb"[^\r\n\0\x80-\xff]{0,1000}")
_QUOTABLE_8BIT: Final = re.compile(rb"[^\r\n\0]{0,1000}")
_SPECIAL: Final = re.compile(rb'(["\\])')


def quoted(octets: bytes) -> bytes:
    """Between quotes; the octets have no CR, LF or NUL."""
    if b'"' in octets or b"\\" in octets:
        octets = _SPECIAL.sub(rb"\\\1", octets)
    return b'"%b"' % octets


def string(octets: bytes, *, is_utf8: bool = False) -> bytes:
    """Quoted where that is possible, else a literal. is_utf8: the octets are UTF-8 and may be quoted as such."""
    pattern = _QUOTABLE_8BIT if is_utf8 else _QUOTABLE
    return quoted(octets) if pattern.fullmatch(octets) else literal(octets)


def nstring(octets: bytes | None, *, is_utf8: bool = False) -> bytes:
    """NIL for None."""
    return b"NIL" if octets is None else string(octets, is_utf8=is_utf8)


def astring(octets: bytes, *, is_utf8: bool = False) -> bytes:
    """An atom where that is possible; never the atom NIL."""
    if _ATOM.fullmatch(octets) and octets.upper() != b"NIL":
        return octets
    return string(octets, is_utf8=is_utf8)


def text_string(text: str, *, is_utf8: bool) -> bytes:
    """Text as UTF-8: quoted where the session speaks it, else perhaps a literal."""
    return string(text.encode("utf-8", "replace"), is_utf8=is_utf8)


def mailbox(name: str, *, is_utf8: bool) -> bytes:
    """A mailbox's name."""
    return astring(format_name(name, is_utf8=is_utf8), is_utf8=is_utf8)


def literal_head(size: int) -> bytes:
    """What stands before so many octets."""
    return b"{%d}\r\n" % size


def binary_head(size: int) -> bytes:
    """The same before octets that may be NUL."""
    return b"~{%d}\r\n" % size


def literal(octets: bytes) -> bytes:
    """A whole literal; a literal8 where there is a NUL."""
    return (binary_head(len(octets)) if b"\0" in octets else literal_head(len(octets))) + octets


def listed(words: Iterable[bytes]) -> bytes:
    """In parentheses."""
    return b"(%b)" % b" ".join(words)
