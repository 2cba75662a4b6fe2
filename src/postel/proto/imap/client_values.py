"""What an IMAP client hears.

Implements  RFC 9051 7 (responses), RFC 7162 3.2.10 (VANISHED).
Gives       the events of ImapClient: Greeted, Completed, FetchData, the other untagged data, the streamed literal,
            Challenged, Lost; Value, Told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from postel.proto.imap.codes import Code, Condition
from postel.proto.imap.sequences import UidSet

Value: TypeAlias = "bytes | tuple[Value, ...] | None"
"""An atom, number or string as octets; NIL; a list."""

STREAMED: Final = b"\0"
"""Stands in a FetchData for octets that came as LiteralPiece events before it."""


@dataclass(frozen=True, slots=True)
class Told:
    """A status response: what it says of its command or of the session."""

    condition: Condition
    text: str
    code: Code | None = None

    @property
    def is_ok(self) -> bool:
        """Whether it is OK or PREAUTH."""
        return self.condition in (Condition.OK, Condition.PREAUTH)


@dataclass(frozen=True, slots=True)
class Greeted:
    """The server has greeted; PREAUTH: we are known; BYE: we are not welcome, and Lost follows."""

    told: Told


@dataclass(frozen=True, slots=True)
class Completed:
    """A command has its result."""

    tag: bytes
    told: Told


@dataclass(frozen=True, slots=True)
class Remark:
    """An untagged status response: OK with a code, an alert, BYE."""

    told: Told


@dataclass(frozen=True, slots=True)
class CapabilityData:
    """CAPABILITY, wherever it was told: upper case."""

    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class FetchData:
    """FETCH or UIDFETCH: items by their names in upper case (BODY[1.MIME]<0>)."""

    number: int
    items: Mapping[bytes, Value] = field(repr=False)

    @property
    def uid(self) -> int | None:
        """The UID, where it was told."""
        value = self.items.get(b"UID")
        return int(value) if isinstance(value, bytes) and value.isdigit() else None

    @property
    def flags(self) -> tuple[bytes, ...] | None:
        """The flags, where they were told."""
        value = self.items.get(b"FLAGS")
        return tuple(flag for flag in value if isinstance(flag, bytes)) if isinstance(value, tuple) else None


@dataclass(frozen=True, slots=True)
class LiteralPiece:
    """Octets of a large literal of the FETCH response that is on its way (`number` says whose).

    item       the name of the item, in upper case.
    size       octets of the whole literal.
    is_last    it ends with these.
    """

    number: int
    item: bytes
    size: int
    data: bytes = field(repr=False)
    is_last: bool


@dataclass(frozen=True, slots=True)
class Exists:
    """So many messages are in the mailbox."""

    count: int


@dataclass(frozen=True, slots=True)
class Expunged:
    """The message with this number is gone, and those behind it count one less."""

    number: int


@dataclass(frozen=True, slots=True)
class Vanished:
    """These UIDs are gone."""

    uids: UidSet
    earlier: bool


@dataclass(frozen=True, slots=True)
class ListData:
    """LIST or LSUB; attributes as written; the name is text."""

    attributes: tuple[bytes, ...]
    delimiter: str
    name: str
    is_lsub: bool = False


@dataclass(frozen=True, slots=True)
class StatusData:
    """STATUS: values by their names in upper case."""

    name: str
    values: Mapping[bytes, Value]


@dataclass(frozen=True, slots=True)
class SearchData:
    """SEARCH or SORT: the numbers in their order."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OtherData:
    """Any other untagged response: its name in upper case, and what follows."""

    name: bytes
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Challenged:
    """`+` within AUTHENTICATE (the challenge), or that IDLE has begun (its text)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """The session is over: the server closed it, or does not speak IMAP. Always the last event."""

    why: str


ClientEvent: TypeAlias = (
    Greeted
    | Completed
    | Remark
    | CapabilityData
    | FetchData
    | LiteralPiece
    | Exists
    | Expunged
    | Vanished
    | ListData
    | StatusData
    | SearchData
    | OtherData
    | Challenged
    | Lost
)
