"""Dates as header fields write them.

Implements  RFC 5322 3.3 (date-time), 4.3 (obsolete years and zones, when reading), RFC 5321 4.4 (never when writing).
Gives       format_date, parse_date, parse_zoned_date.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE_LIMIT: Final = 200  # octets that parse_date looks at
_DATE: Final = re.compile(
    r"""\s*(?:[A-Za-z]+\s*,?)?\s*
    (?P<day>\d{1,2})[\s-]+(?P<month>[A-Za-z]{3})[A-Za-z]*[\s,-]+(?P<year>\d{2,4})[\s,]+
    (?P<hour>\d{1,2})\s*:\s*(?P<minute>\d{2})(?:\s*:\s*(?P<second>\d{2}))?
    \s*(?P<zone>[+-]\d{4}|[A-Za-z]+)?\s*""",
    re.VERBOSE | re.ASCII,
)
_COMMENT: Final = re.compile(r"\([^()]*\)")
# RFC 5322 4.3: only these names have a meaning; all others are to be taken as -0000.
_ZONE_HOURS: Final = {
    "EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8,
}  # fmt: skip


def format_date(at: float, offset: timedelta = timedelta(0)) -> str:
    """The date-time of an instant, in the zone `offset` from UTC: `Thu, 01 Jan 2026 00:00:00 +0000`."""
    return _format_second(math.floor(at), offset)


@lru_cache(maxsize=64)  # a busy second has many messages
def _format_second(second: int, offset: timedelta) -> str:
    local = datetime.fromtimestamp(second, UTC).astimezone(timezone(offset))
    # Names are ours and English: strftime would follow the locale.
    day, month = _DAYS[local.weekday()], _MONTHS[local.month - 1]
    return f"{day}, {local.day:02} {month} {local.year:04} {local:%H:%M:%S %z}"


def parse_date(text: str) -> float | None:
    """The instant that a date-time names, obsolete forms included; None where there is no telling."""
    found = parse_zoned_date(text)
    return found[0] if found else None


def parse_zoned_date(text: str) -> tuple[float, int] | None:
    """The instant, and the seconds that its zone is ahead of UTC: by both, the date as it was written."""
    if len(text) > _DATE_LIMIT:
        return None
    match = _DATE.fullmatch(_COMMENT.sub(" ", text))
    if match is None or match["month"].title() not in _MONTHS:
        return None
    try:
        at = datetime(
            _full_year(match["year"]),
            _MONTHS.index(match["month"].title()) + 1,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            # A leap second has no Unix instant of its own: it is the last of its minute.
            min(int(match["second"] or 0), 59),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    offset_s = _zone_offset_s(match["zone"] or "")
    return at.timestamp() - offset_s, offset_s


def _full_year(digits: str) -> int:
    """RFC 5322 4.3: 00 to 49 are of this century, 50 to 999 count from 1900."""
    year = int(digits)
    if len(digits) == 2 and year < 50:
        return 2000 + year
    return 1900 + year if len(digits) < 4 else year


def _zone_offset_s(zone: str) -> int:
    if zone[:1] in ("+", "-"):
        seconds = int(zone[1:3]) * 3600 + int(zone[3:]) * 60
        return -seconds if zone[0] == "-" else seconds
    return _ZONE_HOURS.get(zone.upper(), 0) * 3600
