"""Message identifiers, as threads compare them.

Implements  RFC 5256 3 (normalised message ids; References, else the first of In-Reply-To), RFC 5322 3.6.4.
Gives       message_ids, references_of.
"""

from __future__ import annotations

import re
from typing import Final

REFERENCES_LIMIT: Final = 1000  # of one letter; of more the last ones count, which are the nearest

# RFC 5322 3.6.4, or the same with a quoted local part (RFC 2822 3.6.4, obsolete). Blanks in it are folds.
_ID: Final = re.compile(rb'<((?:[^<>"@\\\s]++|"(?:[^"\\]|\\.)*+")++@[^<>@]++)>', re.DOTALL)
_BLANKS: Final = re.compile(rb"\s+")
_QUOTED_PAIR: Final = re.compile(rb"\\(.)", re.DOTALL)


def message_ids(rest: bytes) -> list[str]:
    """All in a field, without brackets and quotes. Costs O(n)."""
    return [_normal(found) for found in _ID.findall(rest)]


def references_of(fields: dict[bytes, bytes]) -> tuple[str, ...]:
    """The letters that this one answers, oldest first."""
    found = message_ids(fields.get(b"references", b""))
    if not found:
        found = message_ids(fields.get(b"in-reply-to", b""))[:1]
    return tuple(found[-REFERENCES_LIMIT:])


def _normal(found: bytes) -> str:
    """RFC 5256 3: quoting is undone, so that <"a"@b> is <a@b>."""
    if b'"' in found:
        found = _QUOTED_PAIR.sub(rb"\1", found.replace(b'"', b""))
    return _BLANKS.sub(b"", found).decode("utf-8", "replace")
