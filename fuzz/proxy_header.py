"""Invariant: any octets are a PROXY header, the beginning of one, or refused; a header that is found is found in the
same place however much follows it, no more octets are asked for than the limit, and its ends are safe in a log.

Run by itself: python fuzz/proxy_header.py [SEED [ROUNDS]]. Under atheris: python fuzz/proxy_header.py --atheris.
"""

from __future__ import annotations

import random
from typing import Final

from harness import run

from postel.net import BadProxyHeader, ProxyHeader, parse_proxy_header
from postel.net.proxy_header import HEADER_LIMIT

_SEEDS: Final = (
    b"PROXY TCP4 192.0.2.7 198.51.100.1 50123 25\r\n",
    b"PROXY TCP6 2001:db8::7 2001:db8::25 1 65535\r\n",
    b"PROXY UNKNOWN\r\n",
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\xc3\xcb\x00\x19",
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x21\x00\x24" + bytes(36),
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x31\x00\xd8" + b"/run/x".ljust(108, b"\0") * 2,
    b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00",
)


def one_input(data: bytes) -> None:
    """Parse one beginning of a connection."""
    found = _parsed(data)
    if isinstance(found, ProxyHeader):
        assert found.size <= min(len(data), HEADER_LIMIT)
        assert _parsed(data + b"EHLO") == found and _parsed(data[: found.size]) == found
        for cut in range(0, found.size, 13):
            assert _parsed(data[:cut]) is None
        for end in (found.source, found.destination):
            assert end is None or str(end).isprintable()
    elif found is None:
        assert len(data) < HEADER_LIMIT


def _parsed(data: bytes) -> ProxyHeader | BadProxyHeader | None:
    try:
        return parse_proxy_header(data)
    except BadProxyHeader as bad:
        assert str(bad)
        return bad


def some_input(chance: random.Random) -> bytes:
    """A good header, broken in a few places."""
    data = bytearray(chance.choice(_SEEDS) + b"EHLO x\r\n" * chance.randrange(3))
    for _ in range(chance.randrange(4)):
        place = chance.randrange(len(data))
        data[place : place + chance.randrange(2)] = chance.randbytes(chance.randrange(3)) or b" "
    return bytes(data)


if __name__ == "__main__":
    run(one_input, some_input, rounds=100_000)
