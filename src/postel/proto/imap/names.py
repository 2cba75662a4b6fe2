"""Names of stored mailboxes: modified UTF-7 and UTF-8 on the wire, text inside.

Implements  RFC 3501 5.1.3 (modified UTF-7), RFC 9051 5.1 (INBOX, UTF-8 names), RFC 6855 3, RFC 5198 2 (no controls).
Gives       MailboxName, INBOX, NAME_LIMIT; parse_name, format_name, decode_utf7, encode_utf7.
Not here    Which characters a store lets in, the hierarchy: store.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from typing import Final, NewType

from postel.mail import BadSyntax

MailboxName = NewType("MailboxName", str)

INBOX: Final = MailboxName("INBOX")
NAME_LIMIT: Final = 1000  # characters; ours
_DIRECT: Final = re.compile("[ -%'-~]+")  # printable ASCII but `&`
_CONTROL: Final = re.compile(rb"[\0-\x1f\x7f]")
_SHIFTED: Final = re.compile(rb"&([A-Za-z0-9+,]*)-")


def parse_name(octets: bytes, *, is_utf8: bool) -> MailboxName:
    """The name in these octets; modified UTF-7, or UTF-8 where the session speaks it. Raises BadSyntax.

    INBOX in any case is INBOX; other names are normalised to NFC, so that two ways of writing one are one.
    """
    try:
        text = octets.decode("utf-8") if is_utf8 else decode_utf7(octets)
    except UnicodeDecodeError:
        raise BadSyntax("a mailbox name is UTF-8") from None
    return check_name(text)


def check_name(text: str) -> MailboxName:
    """The name for this text. Raises BadSyntax for an empty one, controls, or more than NAME_LIMIT."""
    if not text or len(text) > NAME_LIMIT:
        raise BadSyntax(f"a mailbox name has 1 to {NAME_LIMIT} characters")
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    # RFC 9051 5.1: controls and line separators have no place in a name.
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text if not " " <= char <= "~"):
        raise BadSyntax("a mailbox name has no control characters")
    # RFC 9051 5.1: in US-ASCII letters; others that have an I for their capital (U+0131) make another name.
    return INBOX if text.isascii() and text.upper() == INBOX else MailboxName(text)


def format_name(name: str, *, is_utf8: bool) -> bytes:
    """The octets of a name, not yet quoted."""
    return name.encode("utf-8") if is_utf8 else encode_utf7(name)


def encode_utf7(text: str) -> bytes:
    """RFC 3501 5.1.3: printable ASCII stands for itself, `&` is `&-`, the rest is BASE64 of UTF-16."""
    if _DIRECT.fullmatch(text):
        return text.encode("ascii")
    out = bytearray()
    place = 0
    while place < len(text):
        if match := _DIRECT.match(text, place):
            out += match[0].encode("ascii")
            place = match.end()
        elif text[place] == "&":
            out += b"&-"
            place += 1
        else:
            end = place
            while end < len(text) and text[end] != "&" and not " " <= text[end] <= "~":
                end += 1
            out += _shift(text[place:end])
            place = end
    return bytes(out)


def _shift(text: str) -> bytes:
    encoded = base64.b64encode(text.encode("utf-16-be", "surrogatepass")).rstrip(b"=")
    return b"&" + encoded.replace(b"/", b",") + b"-"


def decode_utf7(octets: bytes) -> str:
    """The reverse of `encode_utf7`. Raises BadSyntax for anything that `encode_utf7` never writes."""
    parts: list[str] = []
    place = 0
    for match in _SHIFTED.finditer(octets):
        parts.append(_direct(octets[place : match.start()]))
        parts.append(_unshift(match[1]))
        place = match.end()
    text = "".join(parts) + _direct(octets[place:])
    if _CONTROL.search(octets):
        raise BadSyntax("a mailbox name has no control characters")
    # RFC 3501 5.1.3: one name, one form: no superfluous shifts, no ASCII in BASE64.
    if encode_utf7(text) != octets:
        raise BadSyntax("modified UTF-7 is written in one way only")
    return text


def _direct(octets: bytes) -> str:
    if b"&" in octets:
        raise BadSyntax("a mailbox name is modified UTF-7")
    return _ascii(octets)


def _ascii(octets: bytes) -> str:
    try:
        return octets.decode("ascii")
    except UnicodeDecodeError:
        raise BadSyntax("a mailbox name is modified UTF-7 here, which is ASCII") from None


def _unshift(encoded: bytes) -> str:
    if not encoded:
        return "&"
    try:
        octets = base64.b64decode(encoded.replace(b",", b"/") + b"=" * (-len(encoded) % 4), validate=True)
        return octets.decode("utf-16-be")
    except (binascii.Error, UnicodeDecodeError):
        raise BadSyntax("a mailbox name is modified UTF-7") from None
