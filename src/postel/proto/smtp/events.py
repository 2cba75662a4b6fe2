"""What the server machine tells its shell.

Gives       Event and its kinds; Breach.
Not here    When each may come: commands, server.

An event whose `wants_answer` is true is answered with `SmtpServer.answer(reply)` before anything else can
happen; until then the machine is PAUSED. `answer(None)` gives the reply that stands beside each event below.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from postel.mail import NO_PARAMETERS, Domain, ForwardPath, Host, Parameters, Reply, ReversePath
from postel.proto.smtp.peer_attributes import Attributes
from postel.proto.smtp.states import Ending


class Breach(enum.StrEnum):
    """How a client broke the protocol."""

    EARLY_TALK = "talked before the greeting"
    AHEAD_OF_REPLY = "talked on without waiting for the reply"
    PLAINTEXT_BEFORE_TLS = "sent plaintext after STARTTLS"
    FOREIGN_PROTOCOL = "speaks another protocol"
    UNKNOWN_COMMAND = "unknown command"
    NOT_OFFERED = "command not offered"
    BAD_SEQUENCE = "command out of sequence"
    BAD_SYNTAX = "syntax error"
    UNKNOWN_PARAMETER = "unknown parameter"
    NEEDS_SMTPUTF8 = "address beyond ASCII without SMTPUTF8"
    TLS_NEEDED = "command before STARTTLS"
    LOGIN_NEEDED = "command before AUTH"
    LINE_TOO_LONG = "line too long"
    BARE_NEWLINE = "CR or LF alone"
    CONTROL_CHARACTER = "control character in a command"
    TEXT_LINE_TOO_LONG = "line of content too long"
    TOO_BIG = "message too big"
    TOO_MANY_RECIPIENTS = "too many recipients"
    BAD_AUTH_RESPONSE = "broken SASL response"
    TOO_MANY_FAULTS = "too many faults"
    TOO_MANY_IDLE_COMMANDS = "too many commands without mail"
    TOO_MANY_REFUSALS = "too many refusals"
    TOO_MANY_FAILED_LOGINS = "too many failed logins"


@dataclass(frozen=True, slots=True)
class Connected:
    """A session begins. Answer with the greeting: 220, 554 or 521 to turn away, 421 to close.

    The default is 220, or 554 to a client that has sent something already.
    """

    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Hello:
    """EHLO or HELO, or LHLO in LMTP. A 250 is completed by the machine with our name and the extensions (default 250).

    host is None where the name is neither a domain nor an address literal; RFC 5321 4.1.4 forbids to
    refuse mail because the name does not verify.
    """

    name: str
    is_extended: bool
    host: Host | None = None
    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class StartTls:
    """STARTTLS. After 220 (default): send what is due, do the handshake, call tls_started()."""

    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Auth:
    """AUTH. Answer with `challenge(octets)` or a final reply: 235, 535... There is no default."""

    mechanism: str
    initial: bytes | None = field(default=None, repr=False)
    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class AuthResponse:
    """The answer to our last challenge, decoded. Answer as for Auth."""

    response: bytes = field(repr=False)
    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class AuthCancelled:
    """The exchange ended without its result; the machine has replied."""

    wants_answer: ClassVar[bool] = False


class Manner(enum.StrEnum):
    """Where a message goes: RFC 821 3.4."""

    MAIL = "MAIL"  # to the mailbox
    SEND = "SEND"  # to the terminal of a user who is there
    SOML = "SOML"  # send or mail: to the terminal, or else to the mailbox
    SAML = "SAML"  # send and mail: to the terminal if there is one, and to the mailbox in any case


@dataclass(frozen=True, slots=True)
class Mail:
    """MAIL, or SEND, SOML, SAML (`manner`): a mail transaction begins if the answer is positive (default 250 2.1.0).

    One with a `transid` that was interrupted goes on with `SmtpServer.resume`.
    """

    reverse_path: ReversePath
    parameters: Parameters = field(default_factory=lambda: NO_PARAMETERS)
    manner: Manner = Manner.MAIL
    wants_answer: ClassVar[bool] = True

    @property
    def size_bytes(self) -> int | None:
        """The size the client declared (RFC 1870)."""
        value = self.parameters.get("SIZE")
        return None if value is None else int(value)

    @property
    def transid(self) -> str | None:
        """By what the client will know this transaction again (RFC 1845 2). It means nothing to another hop."""
        return self.parameters.get("TRANSID")


@dataclass(frozen=True, slots=True)
class Rcpt:
    """RCPT: one more recipient if the answer is positive (default 250 2.1.5)."""

    forward_path: ForwardPath
    parameters: Parameters = field(default_factory=lambda: NO_PARAMETERS)
    is_ascii: bool = field(init=False, repr=False, compare=False)
    wants_answer: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """`is_ascii`: whether neither the path nor a parameter needs SMTPUTF8 (RFC 6531 3.5, RFC 6533 3)."""
        texts = (text for text in self.parameters.values() if text is not None)
        object.__setattr__(self, "is_ascii", self.forward_path.is_ascii and all(map(str.isascii, texts)))


@dataclass(frozen=True, slots=True)
class DataStart:
    """DATA, in its place. Answer 354 (default) or a refusal."""

    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Bdat:
    """BDAT, in its place: `size_bytes` octets of content follow, and after the last chunk's the DataEnd.

    The first of a transaction begins its content; there is no DataStart.
    """

    size_bytes: int
    is_last: bool
    wants_answer: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Burl:
    """BURL, in its place: what `url` names is content (RFC 4468 3.2). It may be the first of a transaction.

    Give its octets with supply(), then answer: 250 (default), or a refusal, which voids the whole content. After a
    250 to the last the DataEnd follows, and its reply is the only one that the client hears.
    """

    url: str
    is_last: bool
    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class ChunkEnd:
    """All octets of a BDAT that is not the last have come (default 250). A refusal voids the whole content."""

    size_bytes: int
    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of content, dot-unstuffed where it came by DATA. It never ends between CR and LF; unless MAIL said
    BODY=BINARYMIME, lines end in CRLF, and no CR or LF stands alone.
    """

    data: bytes
    wants_answer: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class DataEnd:
    """The end of mail data. A positive answer makes us responsible for the message (default 250 2.0.0).

    size_bytes       of the content, as RFC 1870 3 counts.
    is_8bit          whether an octet above 127 is in it, whatever BODY said.
    has_long_lines   whether a line is longer than SmtpLimits.text_line.
    each             how many RCPT were accepted, where each of them gets a reply of its own (LMTP, PRDR): answer
                     with answer_each(), or with one reply for all; else 0.
    """

    size_bytes: int
    is_8bit: bool = False
    has_long_lines: bool = False
    each: int = 0
    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class DataAborted:
    """The content seen so far is void: no DataEnd comes for it. The machine replies where it can."""

    because: str
    wants_answer: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Reset:
    """The mail transaction, if there was one, is gone: RSET, or EHLO accepted in the middle of one."""

    wants_answer: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Vrfy:
    """VRFY (default 252)."""

    text: str
    is_smtputf8: bool = False
    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Expn:
    """EXPN (default 252)."""

    text: str
    is_smtputf8: bool = False
    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Help:
    """HELP. The default answer is made of the command table."""

    topic: str
    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Etrn:
    """ETRN: 250 to 253, 458, 459 (default 458).

    node    as it was said, with its `@` or `#`.
    domain  the node as a domain name; None for a queue (`#`).
    """

    node: str
    domain: Domain | None = None
    wants_answer: ClassVar[bool] = True

    @property
    def with_below(self) -> bool:
        """`@`: every domain below is meant too (RFC 1985 5.3)."""
        return self.node.startswith("@")


@dataclass(frozen=True, slots=True)
class Atrn:
    """ATRN of a client that has logged in; no domains: all that it has a right to (default 453).

    After a positive answer the session is over, and the stream is the peer's to serve: Closed(TURNED) follows, and
    whoever has the stream waits for the peer's greeting (RFC 2645 5.3).
    """

    domains: tuple[Domain, ...] = ()
    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Turn:
    """TURN of a client that has logged in (default 502). What follows a positive answer is as for Atrn."""

    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Verbose:
    """VERB; the machine has replied. From now on `show` shows what happens."""

    wants_answer: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class OneTransaction:
    """ONEX; the machine has replied, and takes one message more."""

    wants_answer: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Xclient:
    """XCLIENT of a trusted host: who the client is in truth. Answer as Connected, with the greeting (default 220).

    After 220 the session begins anew, TLS apart; it is logged in where LOGIN names an account.
    """

    attributes: Attributes
    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Xforward:
    """XFORWARD of a trusted host: where the next message came from (default 250)."""

    attributes: Attributes
    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Noop:
    """NOOP; the machine has replied."""

    wants_answer: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Quit:
    """QUIT; the machine has replied. Closed follows."""

    wants_answer: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Misbehaved:
    """The client broke the protocol; the machine has replied with `reply`, if at all. For the log.

    excerpt is the beginning of the line at fault, as it came.
    """

    breach: Breach
    reply: Reply | None = None
    excerpt: bytes = b""
    wants_answer: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Closed:
    """The last event of every session."""

    ending: Ending
    wants_answer: ClassVar[bool] = False


Event: TypeAlias = (
    Connected
    | Hello
    | StartTls
    | Auth
    | AuthResponse
    | AuthCancelled
    | Mail
    | Rcpt
    | DataStart
    | Bdat
    | Burl
    | ChunkEnd
    | Chunk
    | DataEnd
    | DataAborted
    | Reset
    | Vrfy
    | Expn
    | Help
    | Etrn
    | Atrn
    | Turn
    | Verbose
    | OneTransaction
    | Xclient
    | Xforward
    | Noop
    | Quit
    | Misbehaved
    | Closed
)
