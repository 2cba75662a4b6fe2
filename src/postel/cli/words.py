"""How commands say amounts and instants.

Gives       age, size, instant, count.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_SIZES: Final = ("B", "KB", "MB", "GB", "TB")


def age(seconds: float) -> str:
    """A duration by its two greatest units: `3d 4h`, `12m`, `0s`."""
    left = max(round(seconds), 0)
    parts: list[str] = []
    for name, length in _UNITS:
        amount, left = divmod(left, length)
        if amount or (name == "s" and not parts):
            parts.append(f"{amount}{name}")
        elif parts:
            break  # `3d 5s` says more than anybody wants to know
    return " ".join(parts[:2])


def size(octets: int) -> str:
    """An amount of octets, in powers of 1000 as the configuration has them: `512 B`, `1.2 MB`."""
    amount, unit = float(octets), 0
    while amount >= 999.5 and unit < len(_SIZES) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.1f} {_SIZES[unit]}" if unit and amount < 99.95 else f"{amount:.0f} {_SIZES[unit]}"


def instant(at: float) -> str:
    """An instant in UTC: `2026-01-01 12:00:00Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def iso(at: float) -> str:
    """The same for programs (RFC 3339): `2026-01-01T12:00:00Z`."""
    return instant(at).replace(" ", "T")


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: `1 message`, `2 messages`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
