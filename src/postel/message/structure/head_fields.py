"""The fields of a header section, read as fast as Python can.

Implements  RFC 5322 2.2 (fields, folding), 4.5 (obsolete: blanks before the colon).
Gives       head_fields, unfolded, tidied.
Not here    Fields that keep every octet of a broken line, too: header.
"""

from __future__ import annotations

import re
from typing import Final

# A name and its colon where there is one, the rest of the line, and the lines that continue it.
# The optional group is not possessive: with a group to be captured in it, Python 3.11 loses its place (SystemError).
_FIELD: Final = re.compile(rb"((?:([!-9;-~]++)[ \t]*+:)?([^\n]*+(?:\n[ \t][^\n]*+)*+\n?))")
_RUN: Final = re.compile(rb"[ \t\r\n]+")


def head_fields(head: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Every line with its continuations. Costs O(n).

    Of each: all its octets; its name as written, empty for a line that is no field; what is after the colon, line
    ends included. Joined the first ones are `head`; the last of all may be empty.
    """
    return _FIELD.findall(head)


def unfolded(rest: bytes) -> bytes:
    """RFC 5322 2.2.3: without the line ends, and without blanks around it."""
    if b"\n" in rest:
        rest = rest.replace(b"\r\n", b"").replace(b"\n", b"")
    return rest.strip(b" \t\r")


def tidied(rest: bytes) -> bytes:
    """For people: each run of blanks and line ends is one space."""
    text = rest.strip(b" \t\r\n")
    if b"\n" in text or b"  " in text or b"\t" in text:
        return _RUN.sub(b" ", text)
    return text
