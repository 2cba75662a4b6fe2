"""Durations and sizes as people write them: "5m", "1h30m", "50 MB".

Gives       parse_duration (seconds), parse_size (octets).
"""

from __future__ import annotations

import re
from typing import Final

from postel.mail import BadSyntax

DURATION_LIMIT_S: Final = 10 * 365 * 86400.0  # a clock can be asked to wait that long
SIZE_LIMIT_OCTETS: Final = 2**50

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?\s*[smhdw]\s*)+")
_DURATION_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhdw])")
_OCTETS: Final = {
    "": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30,
}  # fmt: skip
_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `5m`, `1h30m`, `5d`. Raises BadSyntax."""
    if not _DURATION.fullmatch(text.strip()):
        raise BadSyntax('a duration is a number with s, m, h, d or w, as in "30s", "5m" or "1h30m"')
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(text))
    if seconds > DURATION_LIMIT_S:
        raise BadSyntax("a duration is ten years at most")
    return seconds


def parse_size(text: str) -> int:
    """Octets of `50 MB`, `128 KiB`, `1000`. Raises BadSyntax."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or match.group(2).upper() not in _OCTETS:
        raise BadSyntax('a size is a number with KB, MB, GB, KiB, MiB or GiB, as in "50 MB"')
    octets = float(match.group(1)) * _OCTETS[match.group(2).upper()]
    if octets > SIZE_LIMIT_OCTETS:
        raise BadSyntax("a size is 1 PiB at most")
    return int(octets)
