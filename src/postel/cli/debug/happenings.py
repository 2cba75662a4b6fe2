"""What happens in a session, as the person who watches, a record or a program is told of it.

Gives       Happening and its kinds; Audience.
Not here    What it looks like: screen, record.

Nothing in here holds a secret: what is told is what may be shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from postel.proto.smtp import Complaint, Heard


@dataclass(frozen=True, slots=True)
class Said:
    """We have said a line.

    shown       it, without its end, and with `***` for every secret.
    recorded    it as a record has it: what a server can read stands in place of secrets.
    """

    shown: str
    recorded: str
    means: str
    rfc: str


@dataclass(frozen=True, slots=True)
class ContentSaid:
    """We have sent content, dot-stuffed where that belongs."""

    data: bytes
    is_chunk: bool


@dataclass(frozen=True, slots=True)
class Replied:
    """The server has replied after `took_s` seconds; the complaints are about form and place."""

    verb: str
    reply: Heard
    took_s: float
    complaints: tuple[Complaint, ...]


@dataclass(frozen=True, slots=True)
class Secured:
    """TLS stands; `facts` are names and values, for a person."""

    facts: tuple[tuple[str, str], ...]
    took_s: float
    complaints: tuple[Complaint, ...]


@dataclass(frozen=True, slots=True)
class Noted:
    """Something of ours, said to the person: a connection, a decision."""

    text: str
    took_s: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection is closed. `complaint` where the server should not have."""

    by: str
    complaint: Complaint | None = None


Happening: TypeAlias = Said | ContentSaid | Replied | Secured | Noted | Ended
Audience: TypeAlias = Callable[[Happening], None]
