"""Strings as IMAP writes them.

Implements  RFC 9051 4.3 and 9 (quoted, literal, nstring), RFC 3501 4.3, RFC 6855 3 (UTF-8 in quoted strings).
Gives       NIL, nstring, string, quote_utf8.

What is plain ASCII is quoted, all else becomes a literal, which every client takes. `quote_utf8` has the other form,
for those that said that they know it.
"""

from __future__ import annotations

import re
from typing import Final

from postel.message.charsets import is_utf8

NIL: Final = b"NIL"
QUOTED_LIMIT: Final = 4096  # octets: what is longer is a literal, ours

_PLAIN: Final = bytes(octet for octet in range(32, 127) if octet not in b'"\\') + b"\t"
_UNQUOTABLE: Final = re.compile(rb"[\r\n\0]")
_SPECIAL: Final = re.compile(rb'(["\\])')
_LITERAL: Final = re.compile(rb"\{(\d+)\}\r\n")
_TO_LITERAL: Final = re.compile(rb'(?:[^"{]+|"(?:[^"\\]|\\.)*+")*+(?=\{)', re.DOTALL)


def nstring(value: bytes | None) -> bytes:
    """The string, or NIL for None."""
    if value is None:
        return NIL
    if not value.translate(None, _PLAIN) and len(value) <= QUOTED_LIMIT:
        return b'"' + value + b'"'
    return string(value)


def string(value: bytes) -> bytes:
    """Quoted, or a literal for what cannot be quoted. A NUL is in neither: RFC 9051 9, CHAR8; it becomes 0x80."""
    if value.isascii() and len(value) <= QUOTED_LIMIT and not _UNQUOTABLE.search(value):
        return b'"' + _SPECIAL.sub(rb"\\\1", value) + b'"'
    value = value.replace(b"\0", b"\x80")
    return b"{%d}\r\n%b" % (len(value), value)


def quote_utf8(rendered: bytes) -> bytes:
    """What `nstring` made, its literals of UTF-8 turned into quoted strings (RFC 6855 3). Costs O(n)."""
    pieces: list[bytes] = []
    at = 0
    while found := _TO_LITERAL.match(rendered, at):
        head = _LITERAL.match(rendered, found.end())
        if head is None:
            break
        end = head.end() + int(head[1])
        value = rendered[head.end() : end]
        is_quotable = len(value) <= QUOTED_LIMIT and not _UNQUOTABLE.search(value) and is_utf8(value)
        said = b'"' + _SPECIAL.sub(rb"\\\1", value) + b'"' if is_quotable else rendered[head.start() : end]
        pieces += [found.group(), said]
        at = end
    return b"".join([*pieces, rendered[at:]])
