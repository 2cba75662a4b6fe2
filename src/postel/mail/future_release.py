"""The time before which a message is not to be released, as HOLDFOR and HOLDUNTIL say it.

Implements  RFC 4865 3 (both parameters of MAIL), 5.1.2 (how reports repeat them), RFC 3339 5.6 (date and time, in UTC).
Gives       parse_hold_for, parse_hold_until, format_instant, release_of, release_request.
Not here    How far in the future is too far: proto.smtp and servers. Holding: queue.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from postel.mail.envelope import Parameters
from postel.mail.fault import BadSyntax

_SECONDS: Final = re.compile(r"[1-9][0-9]{0,8}")
# RFC 4865 3: "normalized to UTC", so the offset is Z; fractions of a second are allowed, and of no use.
_INSTANT: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?Z", re.IGNORECASE | re.ASCII
)

_UNREADABLE: Final = "HOLDUNTIL is a date and time in UTC, such as 2026-12-24T18:00:00Z"


def parse_hold_for(text: str) -> int:
    """The value of HOLDFOR, in seconds: 1 to 999999999. Raises BadSyntax."""
    if not _SECONDS.fullmatch(text):
        raise BadSyntax("HOLDFOR is a number of seconds from 1 to 999999999")
    return int(text)


def parse_hold_until(text: str) -> float:
    """The value of HOLDUNTIL, as Unix seconds. Raises BadSyntax."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise BadSyntax(_UNREADABLE)
    year, month, day, hour, minute, second = map(int, match.groups())
    # RFC 3339 5.7: a leap second has no Unix instant of its own.
    second = 59 if second == 60 else second
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        raise BadSyntax(_UNREADABLE) from None


def format_instant(at: float) -> str:
    """An instant as HOLDUNTIL writes it: `2026-12-24T18:00:00Z`. Raises ValueError beyond the year 9999."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def release_of(parameters: Parameters, received_at: float) -> float | None:
    """When a message that came then is to be released, by checked parameters of MAIL; None: at once."""
    if value := parameters.get("HOLDFOR"):
        return received_at + parse_hold_for(value)
    if value := parameters.get("HOLDUNTIL"):
        return parse_hold_until(value)
    return None


def release_request(parameters: Parameters) -> str | None:
    """What a report says of the wish (RFC 4865 5.1.2): `for;3600`; None without one."""
    if value := parameters.get("HOLDFOR"):
        return f"for;{value}"
    if value := parameters.get("HOLDUNTIL"):
        return f"until;{value}"
    return None
