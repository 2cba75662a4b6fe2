"""What a client's shell hears from the machine.

Gives       the events of SmtpClient, and ClientEvent, their union.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from postel.mail import Reply
from postel.proto.sasl import SaltPassword
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
class KeyWanted:
    """The exchange needs a key whose making takes its time: call login_key() with `salted(...)` of the question."""

    question: SaltPassword


@dataclass(frozen=True, slots=True)
class LoginDone:
    """The exchange is over; whether it succeeded is whether the reply is positive."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class ContentWanted:
    """At least one recipient was accepted: call content() for each chunk, then end_content().

    offset      octets that the server has from an interrupted transaction (RFC 1845 3). The content is given from
                its start all the same: the machine lets them go by.
    """

    offset: int = 0


@dataclass(frozen=True, slots=True)
class PartlyAccepted:
    """Some recipients of a transaction with TRANSID were refused, and no content was sent.

    A transaction that is to be resumed is one whose recipients were all accepted, or nobody could say after a
    restart for whom the server keeps it. So transact() anew with those that were, under another TRANSID.

    recipient_replies   the decisive replies; None for those that were accepted.
    """

    recipient_replies: tuple[Reply | None, ...]


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
class CommandDone:
    """The reply to a command that changes nothing in the session: ETRN, VRFY, EXPN, HELP, NOOP..."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class TurnDone:
    """The reply to ATRN or TURN. After a positive one the session is over, and we are the server on this stream."""

    reply: Reply


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
    is_kept            whether content was on its way under a TRANSID: the server keeps what has come (RFC 1845).
    """

    reply: Reply | None
    because: str
    recipient_replies: tuple[Reply | None, ...] = ()
    is_begun: bool = False
    is_kept: bool = False


ClientEvent: TypeAlias = (
    Greeting
    | HelloDone
    | HelloRefused
    | TlsReady
    | TlsRefused
    | KeyWanted
    | LoginDone
    | ContentWanted
    | PartlyAccepted
    | TransactionDone
    | ResetDone
    | CommandDone
    | TurnDone
    | QuitDone
    | SessionLost
)
