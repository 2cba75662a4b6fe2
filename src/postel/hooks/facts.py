"""What a hook is told: one frozen dataclass for each phase, field by field.

Implements  the facts of RFC 5321 3.1 (connect), 4.1.1.1 (hello), RFC 4954 4 (auth), RFC 5321 4.1.1.2 (mail),
            4.1.1.3 (rcpt), 4.1.1.4 (content), 4.2.5 (queued), RFC 3464 2.3.3 (delivered, failed).
Gives       Client, Connect, Hello, Auth, Mail, Rcpt, Content, Queued, Delivered, Failed.
Not here    The phases as a table: hooks.phases.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import lru_cache

from postel.mail import NO_PARAMETERS, IPAddress, Mailbox, Parameters, Reply, ReversePath
from postel.message import HeaderBlock

# Several functions look at the same header in a row, and most messages are looked at by none.
_parse = lru_cache(maxsize=8)(HeaderBlock.parse)


@dataclass(frozen=True, slots=True)
class Client:
    """The peer of a session, as far as it is known.

    ip           its address; None when it came by a unix socket.
    port         its TCP port; 0 when it came by a unix socket.
    service      "smtp", "submission" or "submissions".
    hello        the name it gave with EHLO or HELO; "" before that.
    is_extended  whether it said EHLO.
    tls          the TLS version, as "TLSv1.3"; None in plaintext.
    account      the address of the account it is logged in to; None without a login.
    name         its host name, where a trusted proxy has said it (XCLIENT) or it was looked up; None otherwise.
    """

    ip: IPAddress | None
    port: int
    service: str
    hello: str = ""
    is_extended: bool = False
    tls: str | None = None
    account: Mailbox | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Connect:
    """Phase `connect`: before the greeting. A refusal closes the session.

    client  the peer; nothing but its address is known yet.
    """

    client: Client


@dataclass(frozen=True, slots=True)
class Hello:
    """Phase `hello`: EHLO or HELO.

    client  the peer, its name included.
    """

    client: Client


@dataclass(frozen=True, slots=True)
class Auth:
    """Phase `auth`: a login whose password was right, before it counts.

    client     the peer, not yet logged in.
    mechanism  the SASL mechanism, as "PLAIN".
    account    the address of the account.
    """

    client: Client
    mechanism: str
    account: Mailbox


@dataclass(frozen=True, slots=True)
class Mail:
    """Phase `mail`: MAIL, the start of a mail transaction.

    client        the peer.
    queue_id      the id that will follow the message through every log line.
    reverse_path  where reports will go; `.is_null` for a report itself.
    parameters    the parameters of MAIL, as {"SIZE": "1234", "SMTPUTF8": None}.
    """

    client: Client
    queue_id: str
    reverse_path: ReversePath
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Rcpt:
    """Phase `rcpt`: one recipient.

    client        the peer.
    queue_id      the id that will follow the message.
    reverse_path  as MAIL gave it.
    mailbox       the recipient; a bare postmaster already has our host name as its domain.
    parameters    the parameters of this RCPT.
    recipients    how many recipients were taken before this one.
    mail          the parameters of MAIL, the declared SIZE among them.
    """

    client: Client
    queue_id: str
    reverse_path: ReversePath
    mailbox: Mailbox
    parameters: Parameters
    recipients: int
    mail: Parameters = field(default_factory=lambda: NO_PARAMETERS)


@dataclass(frozen=True, slots=True)
class Content:
    """Phase `content`: the whole message has come, and nothing has been promised yet.

    client        the peer.
    queue_id      the id that will follow the message.
    reverse_path  as MAIL gave it.
    recipients    all that were taken.
    head          the header section as it came, empty line included, without what Postel adds; of a
                  header of more than 256 KiB only the beginning.
    size_bytes    octets of the content as it came.
    read          gives a fresh reader of the content from its start: `async for chunk in facts.read(): ...`;
                  pieces have at most 256 KiB, so that a large message need not be held in memory.
    """

    client: Client
    queue_id: str
    reverse_path: ReversePath
    recipients: tuple[Mailbox, ...]
    head: bytes
    size_bytes: int
    read: Callable[[], AsyncIterator[bytes]]

    @property
    def header(self) -> HeaderBlock:
        """The header fields: `facts.header.get("Subject")`. Parsed when first asked for."""
        return _parse(self.head)


@dataclass(frozen=True, slots=True)
class Queued:
    """Phase `queued`: the message is durable and the peer got its 250. Nothing can be changed.

    queue_id      the id of the message.
    reverse_path  where reports will go.
    recipients    those that were queued.
    size_bytes    octets of the stored content, trace field included.
    """

    queue_id: str
    reverse_path: ReversePath
    recipients: tuple[Mailbox, ...]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """Phase `delivered`: one recipient is done. Nothing can be changed.

    queue_id   the id of the message.
    recipient  the recipient's mailbox.
    remote     the host that took it over; None for a mailbox of our own.
    reply      what that host said; None for a mailbox of our own.
    """

    queue_id: str
    recipient: Mailbox
    remote: str | None
    reply: Reply | None


@dataclass(frozen=True, slots=True)
class Failed:
    """Phase `failed`: one recipient will not get the message. Nothing can be changed.

    queue_id      the id of the message.
    reverse_path  who will be told.
    recipient     the recipient's mailbox.
    remote        the host that refused it; None when we did.
    reply         the final reply.
    """

    queue_id: str
    reverse_path: ReversePath
    recipient: Mailbox
    remote: str | None
    reply: Reply
