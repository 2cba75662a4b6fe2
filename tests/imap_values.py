"""IMAP's own notation read into Python values: lists, octets, None for NIL, atoms as text."""

from __future__ import annotations

from typing import Any

from tools.compare_letters import read_value


def value_of(octets: bytes) -> Any:
    """The one value that all of the octets are."""
    value, end = read_value(octets)
    if end != len(octets):
        raise ValueError(f"more after the value: {octets[end:]!r}")
    return value
