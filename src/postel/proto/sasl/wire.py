"""Challenges and responses as SMTP, POP3, IMAP and ManageSieve carry them: strict base64.

Implements  RFC 4648 4, RFC 4954 4 (a "=" for an empty initial response, no leniency, limits),
            RFC 5034 4 (the same for POP3).
Gives       encode, encode_initial, decode, decode_initial, LINE_LIMIT, CANCEL.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from postel.mail import BadSyntax

LINE_LIMIT: Final = 12288  # octets of base64 in one line: RFC 4954 4 deems it sufficient
CANCEL: Final = b"*"

# RFC 4954 4: anything outside the alphabet, or a pad anywhere but at the end, MUST be rejected.
_BASE64: Final = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def encode(data: bytes) -> bytes:
    """A challenge or a response; empty stays empty."""
    return base64.b64encode(data)


def encode_initial(data: bytes) -> bytes:
    """An initial response: present but empty is written `=`."""
    return base64.b64encode(data) or b"="


def decode(line: bytes) -> bytes:
    """The reverse of `encode`. Raises BadSyntax."""
    if len(line) > LINE_LIMIT:
        raise BadSyntax(f"a line of base64 has at most {LINE_LIMIT} octets")
    if not _BASE64.fullmatch(line):
        raise BadSyntax("a challenge or response is base64")
    try:
        return base64.b64decode(line, validate=True)
    except binascii.Error:  # pragma: no cover - the pattern is at least as strict
        raise BadSyntax("a challenge or response is base64") from None


def decode_initial(argument: bytes) -> bytes:
    """The reverse of `encode_initial`. Raises BadSyntax."""
    return b"" if argument == b"=" else decode(argument)
