"""What a POP3 session tells its shell, and what the shell answers.

Implements  RFC 2449 8 and RFC 3206 (response codes), RFC 6856 5 (the UTF8 code).
Gives       the events, the answers, Code, DropMessage.

Each event says which answers it takes. An event without an answer is answered with None.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from postel.mail import RemoteFault
from postel.proto.pop3.commands import Verb
from postel.proto.pop3.texts import Text


class Code(enum.StrEnum):
    """Response codes: why a command failed, for programs."""

    IN_USE = "IN-USE"  # RFC 2449 8.1.2
    LOGIN_DELAY = "LOGIN-DELAY"  # RFC 2449 8.1.1
    AUTH = "AUTH"  # RFC 3206 5: the credentials are at fault, and only then
    SYS_TEMP = "SYS/TEMP"  # RFC 3206 4
    SYS_PERM = "SYS/PERM"
    UTF8 = "UTF8"  # RFC 6856 5


@dataclass(frozen=True, slots=True)
class DropMessage:
    """One message of an opened maildrop, as it is listed.

    size_bytes    octets that RETR sends, without byte-stuffing.
    uidl          1 to 70 printable characters, for ever the same and never reused (RFC 1939 7).
    needs_utf8    its header fields hold UTF-8, so it goes out only in UTF-8 mode (RFC 6856 2.1).
    """

    size_bytes: int
    uidl: str
    needs_utf8: bool = False


# --- answers ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ok:
    """Go on; the machine knows what to say."""


@dataclass(frozen=True, slots=True)
class Refused:
    """-ERR, with a response code where a program can act on it."""

    text: Text
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The maildrop is locked and opened: the session enters the TRANSACTION state."""

    messages: Sequence[DropMessage]


@dataclass(frozen=True, slots=True)
class Challenge:
    """A SASL challenge, not yet in BASE64."""

    data: bytes


Answer: TypeAlias = Ok | Refused | LoggedIn | Challenge | None

LOGIN_FAILED: Final = Refused(Text.LOGIN_FAILED, Code.AUTH)
LOGIN_TOO_SOON: Final = Refused(Text.LOGIN_TOO_SOON, Code.LOGIN_DELAY)
LOGIN_CANCELLED: Final = Refused(Text.LOGIN_CANCELLED)
MAILDROP_IN_USE: Final = Refused(Text.MAILDROP_IN_USE, Code.IN_USE)
TRY_LATER: Final = Refused(Text.TRY_LATER, Code.SYS_TEMP)
BROKEN: Final = Refused(Text.BROKEN, Code.SYS_PERM)
NOT_REMOVED: Final = Refused(Text.NOT_REMOVED, Code.SYS_TEMP)
TOO_MANY_SESSIONS: Final = Refused(Text.TOO_MANY_SESSIONS, Code.SYS_TEMP)
SHUTTING_DOWN: Final = Refused(Text.SHUTTING_DOWN, Code.SYS_TEMP)
NOT_WELCOME: Final = Refused(Text.NOT_WELCOME, Code.SYS_PERM)


# --- events ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Connected:
    """The connection is there. Ok greets, Refused turns it away."""


@dataclass(frozen=True, slots=True)
class StartTls:
    """STLS. After Ok: send what is due, start TLS, then `tls_started()`. Or Refused."""


@dataclass(frozen=True, slots=True)
class Login:
    """USER and PASS. LoggedIn or Refused."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Apop:
    """APOP; the digest is to be MD5(timestamp + shared secret), lower-case hex. LoggedIn or Refused."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Auth:
    """AUTH; `initial` is None where none was given. Challenge, LoggedIn or Refused."""

    mechanism: str
    initial: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthResponse:
    """The peer's response to a challenge. Challenge, LoggedIn or Refused."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthCancelled:
    """The SASL exchange is over without a result; the peer has been told. No answer."""


@dataclass(frozen=True, slots=True)
class Retrieve:
    """RETR, or TOP when `lines` is given: wants the content of message `number`.

    Refused, or Ok and then `content(chunk)` while `wants_content`, sending what is due when `is_full`, and at
    last `end_content()`. Content that breaks off: `abandon()`.
    """

    number: int
    lines: int | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """QUIT in the TRANSACTION state: remove these for good. Ok, or Refused if they are still there."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """A command that the machine has answered by itself: the peer is awake. No answer."""

    verb: Verb


@dataclass(frozen=True, slots=True)
class Flush:
    """Much is due to the peer: send it before asking for the next event. No answer."""


@dataclass(frozen=True, slots=True)
class Over:
    """The session has ended: send what is due and close. No answer."""

    because: str


@dataclass(frozen=True, slots=True)
class Misbehaved:
    """The peer broke the protocol and has been told; this is for the log. No answer."""

    fault: RemoteFault


Event: TypeAlias = (
    Connected
    | StartTls
    | Login
    | Apop
    | Auth
    | AuthResponse
    | AuthCancelled
    | Retrieve
    | Update
    | Answered
    | Flush
    | Over
    | Misbehaved
)
