"""Values that must be one word of ASCII: how parameters write what is not.

Implements  RFC 3461 4 (xtext), 4.2 (ORCPT), RFC 6533 3 (unitext: the `utf-8` address type).
Gives       parse_xtext, format_xtext, parse_unitext, format_unitext, as_ascii, format_original_recipient.
Not here    Which parameters are checked for what: proto.smtp.parameters.
"""

from __future__ import annotations

import re
from typing import Final

from postel.mail.fault import BadSyntax
from postel.mail.mailbox import Mailbox

_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_HEXCHAR: Final = re.compile(rb"\+([0-9A-F]{2})")
_XCHAR: Final = frozenset(range(33, 127)) - frozenset(b"+=")
# RFC 6533 3, HEXPOINT: what has no business in such a value otherwise, and every code point beyond ASCII.
_HEXPOINT: Final = (
    "0[1-9]|1[0-9]|20|2B|3D|5C|7F|[89A-F][0-9A-F]|[1-9A-F][0-9A-F]{2}|[1-9A-CEF][0-9A-F]{3}|D[0-7][0-9A-F]{2}"
    "|[1-9A-F][0-9A-F]{4}|10[0-9A-F]{4}"
)
_EMBEDDED: Final = re.compile(rf"\\x\{{({_HEXPOINT})\}}", re.IGNORECASE)
_UNITEXT: Final = re.compile(
    rf"(?:[!-*,-<>-\[\]-~\u0080-\U0010FFFF]|\\x\{{(?:{_HEXPOINT})\}})+", re.IGNORECASE
)
_NOT_UNITEXT: Final = re.compile(r"[ \\+=]")
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")


def parse_xtext(text: str) -> str:
    """Decode xtext, whose octets are UTF-8. Raises BadSyntax."""
    if not _XTEXT.fullmatch(text):
        raise BadSyntax("xtext is printable ASCII without + and =, or +XX")
    try:
        return _HEXCHAR.sub(lambda match: bytes([int(match[1], 16)]), text.encode()).decode()
    except UnicodeDecodeError:
        raise BadSyntax("xtext is UTF-8 when decoded") from None


def format_xtext(text: str) -> str:
    """Printable ASCII as it is, but for + and =; all else as +XX for each octet of its UTF-8."""
    return "".join(chr(octet) if octet in _XCHAR else f"+{octet:02X}" for octet in text.encode())


def parse_unitext(text: str) -> str:
    """Decode a value of the address type `utf-8`, in any of its three forms. Raises BadSyntax."""
    if not _UNITEXT.fullmatch(text):
        raise BadSyntax(r"an address of type utf-8 has no blanks, +, =, or \ but in \x{...}")
    return _EMBEDDED.sub(lambda match: chr(int(match[1], 16)), text)


def format_unitext(address: str) -> str:
    r"""Write an address, which has no controls, for the type `utf-8`; what is beyond ASCII stays."""
    return _NOT_UNITEXT.sub(_embed, address)


def as_ascii(value: str) -> str:
    """The 7-bit form of a value in unitext (RFC 6533 3)."""
    return _BEYOND_ASCII.sub(_embed, value)


def format_original_recipient(mailbox: Mailbox) -> str:
    """What ORCPT says of an address: `rfc822;` with xtext, or `utf-8;` with unitext."""
    if mailbox.is_ascii:
        return f"rfc822;{format_xtext(str(mailbox))}"
    return f"utf-8;{format_unitext(str(mailbox))}"


def _embed(match: re.Match[str]) -> str:
    return f"\\x{{{ord(match[0]):02X}}}"
