"""What a client's shell hears from the machine.

Gives       the events of SmtpClient, and ClientEvent, their union.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from postel.mail import Reply
from postel.proto.smtp.offered import Offered


@dataclass(frozen=True, slots=True)
class Greeting:
    """The server has greeted. A negative reply turns us away: only quit() is left (RFC 5321 3.1)."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class HelloDone:
    """EHLO (or LHLO) was accepted, or HELO, and then nothing is offered."""

    offered: Offered
    is_extended: bool


@dataclass(frozen=True, slots=True)
class HelloRefused:
    """Neither EHLO nor HELO was accepted: only quit() is left."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class TlsReady:
    """The server waits for the handshake: start TLS on the stream, then call tls_started() and hello()."""


@dataclass(frozen=True, slots=True)
class TlsRefused:
    """STARTTLS was refused; the session goes on without."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class LoginDone:
    """The exchange is over; whether it succeeded is whether the reply is positive."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class ContentWanted:
    """At least one recipient was accepted: call content() for each chunk, then end_content()."""


@dataclass(frozen=True, slots=True)
class TransactionDone:
    """The decisive reply for each recipient, in the order of the envelope.

    Positive means that the server has taken responsibility for that recipient's copy; a negative one
    may be the reply to MAIL, to the RCPT, to DATA or to the content.
    """

    recipient_replies: tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class ResetDone:
    """The server is still there and has forgotten any transaction."""


@dataclass(frozen=True, slots=True)
class QuitDone:
    """The session is over as we wished."""


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The session is over against our wish.

    reply              the server's last words where it had any: a 421, or a refusal of the content before its end.
    because            for the log: what happened.
    recipient_replies  for a transaction under way, the decisive reply of each recipient that has one;
                       None for those whose fate is unknown. Positive only with LMTP.
    is_begun           whether MAIL had been answered; if not, the transaction can begin anew elsewhere.
    """

    reply: Reply | None
    because: str
    recipient_replies: tuple[Reply | None, ...] = ()
    is_begun: bool = False


ClientEvent: TypeAlias = (
    Greeting
    | HelloDone
    | HelloRefused
    | TlsReady
    | TlsRefused
    | LoginDone
    | ContentWanted
    | TransactionDone
    | ResetDone
    | QuitDone
    | SessionLost
)
