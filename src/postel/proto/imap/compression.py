"""COMPRESS=DEFLATE: a layer of octets.

Implements  RFC 4978 3 and 4.
Gives       Compression, BadStream.
"""

from __future__ import annotations

import zlib
from typing import Final

_RAW: Final = -zlib.MAX_WBITS  # RFC 4978 4: no zlib header
_LEVEL: Final = 5
_INFLATED_AT_ONCE: Final = 65536


class BadStream(ValueError):
    """What came is no deflate stream."""


class Compression:
    """Both directions of one session. What came in is inflated piece by piece, so that no octet costs a thousand."""

    __slots__ = ("_deflate", "_has_more", "_inflate", "_waiting")

    def __init__(self) -> None:
        self._deflate: zlib._Compress | None = None  # made when there is something to say
        self._inflate = zlib.decompressobj(_RAW)
        self._waiting = b""
        self._has_more = False  # zlib holds back what did not fit

    def feed(self, data: bytes) -> None:
        """Take octets as they came."""
        self._waiting += data

    def inflated(self) -> bytes:
        """Up to 64 KiB of what they stand for; empty: all was given. Raises BadStream."""
        if not self._waiting and not self._has_more:
            return b""
        try:
            data = self._inflate.decompress(self._waiting, _INFLATED_AT_ONCE)
        except zlib.error:
            raise BadStream("A deflate stream is expected") from None
        if self._inflate.eof:
            raise BadStream("The deflate stream has ended")
        self._waiting = self._inflate.unconsumed_tail
        self._has_more = len(data) == _INFLATED_AT_ONCE
        return data

    def deflated(self, data: bytes) -> bytes:
        """The octets to send for these, complete as far as they go."""
        if not data:
            return b""
        if self._deflate is None:
            self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def rest(self) -> None:
        """Little will be said for a while: give back what remembers the last 32 KB that were.

        What comes next refers to nothing before it, and is one more block of the same stream (RFC 1951 3.2.3).
        """
        self._deflate = None
