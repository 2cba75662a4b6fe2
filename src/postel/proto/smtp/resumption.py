"""Where an interrupted mail transaction goes on.

Implements  RFC 1845 2 (the TRANSID parameter), 3 (the offset, and the reply that tells it).
Gives       Resumption, parse_offset; TRANSID_LIMIT, is_transid.
Not here    What a server keeps of a transaction, and for whom: checkpoints. When a client asks: delivery.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# RFC 1845 2 (4): tokens of ASCII without SPACE, controls, and MIME's tspecials (RFC 2045 5.1). A dot divides atoms.
_ATOM: Final = r"[!#$%&'*+\-0-9A-Z^_`a-z{|}~]+"
_TOKEN: Final = rf"{_ATOM}(?:\.{_ATOM})*"
_TRANSID: Final = re.compile(rf"<{_TOKEN}@{_TOKEN}>")
_OFFSET: Final = re.compile(r"([0-9]{1,20})(?:[ \t]|$)")

TRANSID_LIMIT: Final = 80  # RFC 1845 2 (4): characters, the angle brackets among them


@dataclass(frozen=True, slots=True)
class Resumption:
    """What a server knows of a transaction that goes on.

    offset           octets of content that it has (RFC 1845 3: counted without dot-stuffing).
    recipients       how many it had accepted.
    is_8bit, has_long_lines   of the content so far; see DataEnd.
    """

    offset: int
    recipients: int
    is_8bit: bool = False
    has_long_lines: bool = False


def is_transid(text: str) -> bool:
    """Whether it is a transid-value of RFC 1845 2 (4)."""
    return len(text) <= TRANSID_LIMIT and _TRANSID.fullmatch(text) is not None


def parse_offset(text: str) -> int | None:
    """The octet-offset that begins the text of a 355; None where there is none (RFC 1845 3)."""
    found = _OFFSET.match(text)
    return None if found is None else int(found[1])
