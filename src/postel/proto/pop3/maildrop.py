"""The maildrop as one session sees it: numbered messages, some marked as deleted.

Implements  RFC 1939 4 (message-numbers), 5 (DELE, RSET, STAT).
Gives       Maildrop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from postel.proto.pop3.events import DropMessage

# RFC 2449 3 sets no length for a number; no maildrop needs more digits than this.
_MOST_DIGITS = 10


class Maildrop:
    """Messages 1 to n, fixed for the session."""

    def __init__(self, messages: Sequence[DropMessage]) -> None:
        self._messages = messages
        self._deleted: set[int] = set()
        self._size_bytes = sum(message.size_bytes for message in messages)

    @property
    def count(self) -> int:
        """Messages not marked as deleted."""
        return len(self._messages) - len(self._deleted)

    @property
    def size_bytes(self) -> int:
        """Octets of all messages not marked as deleted."""
        return self._size_bytes

    @property
    def deleted(self) -> tuple[int, ...]:
        """Numbers marked as deleted, in order."""
        return tuple(sorted(self._deleted))

    def __len__(self) -> int:
        """Messages in all: the highest number."""
        return len(self._messages)

    def __getitem__(self, number: int) -> DropMessage:
        """The message of a number from 1 on, deleted or not."""
        return self._messages[number - 1]

    def is_deleted(self, number: int) -> bool:
        """Whether DELE was given for this number."""
        return number in self._deleted

    def delete(self, number: int) -> None:
        """Mark a message that is there and not marked yet."""
        self._deleted.add(number)
        self._size_bytes -= self._messages[number - 1].size_bytes

    def reset(self) -> None:
        """Unmark all."""
        self._size_bytes += sum(self._messages[number - 1].size_bytes for number in self._deleted)
        self._deleted.clear()

    def __iter__(self) -> Iterator[tuple[int, DropMessage]]:
        """Numbers and messages not marked as deleted."""
        for number, message in enumerate(self._messages, 1):
            if number not in self._deleted:
                yield number, message


def parse_number(text: str) -> int | None:
    """A decimal number, or None."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None
