"""The octets of contents that came a moment ago: most mail leaves before anybody has to read it back.

Gives       Recent.

A cache and no more: what is not here is in the database. What came first goes first.
"""

from __future__ import annotations


class Recent:
    """Contents in memory, by id, of so many octets at most."""

    __slots__ = ("_by_id", "_left")

    def __init__(self, limit_bytes: int) -> None:
        self._by_id: dict[int, bytes] = {}
        self._left = limit_bytes

    def remember(self, content_id: int, data: bytes) -> None:
        """Keep a content at hand that is committed. An id never means another one."""
        self.forget(content_id)
        self._by_id[content_id] = data
        self._left -= len(data)
        while self._left < 0:
            self.forget(next(iter(self._by_id)))

    def find(self, content_id: int) -> bytes | None:
        """The content, if it is at hand."""
        return self._by_id.get(content_id)

    def forget(self, content_id: int) -> None:
        """Nobody will ask for it soon."""
        data = self._by_id.pop(content_id, None)
        if data is not None:
            self._left += len(data)
