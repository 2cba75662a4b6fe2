"""The priority of a message's transfer.

Implements  RFC 6710 5 (-9 to 9, higher goes first), 7 (syntax), RFC 6758 3.1 (the header field).
Gives       LOWEST, HIGHEST, parse_priority, priority_of.
Not here    Who may ask for what: servers. Who goes first: queue.
"""

from __future__ import annotations

import re
from typing import Final

from postel.mail.envelope import Parameters
from postel.mail.fault import BadSyntax

LOWEST: Final = -9
HIGHEST: Final = 9
_VALUE: Final = re.compile(r"0|-?[1-9]", re.ASCII)


def parse_priority(text: str) -> int:
    """A priority. Raises BadSyntax."""
    if not _VALUE.fullmatch(text):
        raise BadSyntax("a priority is a number from -9 to 9")
    return int(text)


def priority_of(parameters: Parameters) -> int:
    """The priority among checked parameters of MAIL; 0 without (RFC 6710 4.1)."""
    value = parameters.get("MT-PRIORITY")
    return parse_priority(value) if value else 0
