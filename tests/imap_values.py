"""IMAP's own notation read into Python values: lists, octets, None for NIL, atoms as text."""

from __future__ import annotations

import re
from typing import Any, Final

_NEXT: Final = re.compile(
    rb' *(?:(?P<open>\()|(?P<close>\))|(?P<quoted>"(?:[^"\\]|\\.)*")|\{(?P<size>\d+)\}\r\n'
    rb'|(?P<atom>[^ ()"{\r\n]+))',
    re.DOTALL,
)


def read_value(octets: bytes, at: int = 0) -> tuple[Any, int]:
    """The value that begins there, and where it ends. Raises ValueError for what is none."""
    waiting: list[list[Any]] = [[]]
    while True:
        match = _NEXT.match(octets, at)
        if match is None:
            raise ValueError(f"no IMAP value: {octets[at : at + 40]!r}")
        at = match.end()
        if match["open"]:
            waiting.append([])
            continue
        value: Any
        if match["close"]:
            value = waiting.pop()
        elif match["quoted"]:
            value = re.sub(rb"\\(.)", rb"\1", match["quoted"][1:-1], flags=re.DOTALL)
        elif match["size"]:
            at += int(match["size"])
            value = octets[at - int(match["size"]) : at]
        else:
            value = None if match["atom"] == b"NIL" else match["atom"].decode()
        waiting[-1].append(value)
        if len(waiting) == 1:
            return waiting[0][0], at


def value_of(octets: bytes) -> Any:
    """The one value that all of the octets are."""
    value, end = read_value(octets)
    if end != len(octets):
        raise ValueError(f"more after the value: {octets[end:]!r}")
    return value
