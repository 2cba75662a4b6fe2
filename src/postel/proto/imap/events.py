"""What an IMAP session tells its shell.

Gives       Connected, Received, AuthResponse, AuthCancelled, IdleDone, Misbehaved, Closed, Ending, Event.
Not here    The events of an upload: upload. The commands: commands.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from postel.mail import RemoteFault
from postel.proto.imap.commands.command import Command
from postel.proto.imap.upload import UploadEvent


class Ending(enum.StrEnum):
    """Why a session is over."""

    LOGOUT = "logout"
    PEER_CLOSED = "peer closed"
    TIMED_OUT = "timed out"
    REFUSED = "refused"  # at the greeting, or by shut_down
    FAULT = "fault"  # too many of them, or one too bad


@dataclass(frozen=True, slots=True)
class Connected:
    """The connection is there. None or OK greets, PREAUTH greets a user we know, BYE turns the peer away."""

    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Received:
    """A command. Untagged data by `send`, then its result; None where the machine can do it alone."""

    wants_answer: ClassVar[bool] = True
    tag: bytes
    command: Command


@dataclass(frozen=True, slots=True)
class AuthResponse:
    """The response to a challenge. `challenge` again, or a result."""

    wants_answer: ClassVar[bool] = True
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthCancelled:
    """The SASL exchange is over without a result; the peer has been told. No answer."""

    wants_answer: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class IdleDone:
    """DONE (or something wrong in its place). The result, or None."""

    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Misbehaved:
    """The peer broke the protocol and has been told; this is for the log. No answer."""

    wants_answer: ClassVar[bool] = False
    fault: RemoteFault


@dataclass(frozen=True, slots=True)
class Closed:
    """The session is over: send what is due and close. Always the last event. No answer."""

    wants_answer: ClassVar[bool] = False
    ending: Ending


Event: TypeAlias = (
    Connected | Received | AuthResponse | AuthCancelled | IdleDone | Misbehaved | Closed | UploadEvent
)
