"""Routes: the decision for one recipient, and how it was come by.

Implements  RFC 5321 3.6.2, 3.9 (what may become of a recipient); the texts of `[route]` in the configuration.
Gives       Route and its kinds, Decision, Step, Login, TlsPolicy, parse_route.
Not here    Deciding (decide), finding the hosts (mx).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Literal, TypeAlias

from postel.mail import BadSyntax, Host, IPAddress, Mailbox, Reply, parse_domain

DEFAULT_PORTS: Final[dict[str, int]] = {"smtp": 25, "smtps": 465, "lmtp": 24}
IMPLICIT_TLS_PORT: Final = 465  # RFC 8314 3.3

HopProtocol: TypeAlias = Literal["smtp", "smtps", "lmtp"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a decision: what was found, and where that stands (`postel.toml:12`; "" for no place)."""

    text: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.text}  ({self.source})" if self.source else self.text


Trail: TypeAlias = tuple[Step, ...]


class TlsPolicy(enum.StrEnum):
    """What a fixed next hop owes us in TLS."""

    NEVER = "never"
    WHEN_OFFERED = "when offered"  # RFC 7435: better than nothing, and not asked who it is
    REQUIRED = "required"
    VERIFIED = "verified"  # required, with a certificate for the hop's name


@dataclass(frozen=True, slots=True)
class Login:
    """What to log in with at a smarthost: a password, or an OAuth 2.0 token in a file that others renew.

    mechanism   the only one that may be used; "" for the strongest.
    certificate, key  files with a certificate to show in TLS, and its private key; "" for none.
    """

    name: str
    password: str = field(default="", repr=False)
    token_file: str = ""
    mechanism: str = ""
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class ToMailbox:
    """Into the INBOX of an account.

    account     its folded address.
    detail      what stood after the separator in the local part; "" without (RFC 5233).
    """

    account: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Expand:
    """An alias with its aliases expanded to the end, each leaf once.

    mailboxes   leaves that are accounts: to be delivered in the transaction that also does the rest, since as
                recipients of their own they might be aliases again.
    members     all other leaves: they become recipients, and are never aliases themselves.
    """

    mailboxes: tuple[ToMailbox, ...]
    members: tuple[Mailbox, ...]


@dataclass(frozen=True, slots=True)
class ToMx:
    """On to the MX hosts of a domain, or to the address that a literal names."""

    domain: Host


@dataclass(frozen=True, slots=True)
class ToHop:
    """On to a configured next hop.

    protocol    "smtps" is SMTP under TLS from the first octet.
    host        a domain name, the text of an IP address, or the path of a unix socket (then port is 0).
    tls_names   names that its certificate may have instead of the host's (TlsDemand.names).
    tls_least   the oldest version of TLS that will do.
    xforward    whether it is told where messages came from, if it offers XFORWARD.
    """

    protocol: HopProtocol
    host: str
    port: int
    login: Login | None = None
    tls: TlsPolicy = TlsPolicy.WHEN_OFFERED
    tls_names: tuple[str, ...] = ()
    tls_least: str = "TLSv1.2"
    xforward: bool = False

    @property
    def is_tls_implicit(self) -> bool:
        """Whether TLS comes before the greeting (RFC 8314 3.3)."""
        return self.protocol == "smtps" or (self.protocol == "smtp" and self.port == IMPLICIT_TLS_PORT)

    @property
    def ip(self) -> IPAddress | None:
        """The address, where the configuration names one instead of a host."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def is_unix(self) -> bool:
        """Whether this is a unix socket."""
        return self.host.startswith("/")

    def __str__(self) -> str:
        if self.is_unix:
            return f"{self.protocol}:unix:{self.host}"
        return f"{self.protocol}:{f'[{self.host}]' if self.ip else self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ToPull:
    """Kept until the domain's own host comes for it: by ATRN (RFC 2645) or TURN."""


@dataclass(frozen=True, slots=True)
class Discard:
    """Accepted and thrown away, as configured."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nowhere: refused in the session, or failed when it is too late for that."""

    reply: Reply
    because: str


Route: TypeAlias = ToMailbox | Expand | ToMx | ToHop | ToPull | Discard | Refuse


@dataclass(frozen=True, slots=True)
class OwnMailbox:
    """The text "mailbox" as a fixed route: the domain's mail goes to accounts."""


FixedTarget: TypeAlias = OwnMailbox | ToHop | ToPull | Discard | Refuse


@dataclass(frozen=True, slots=True)
class Decision:
    """The route of one mailbox, and every step on the way to it."""

    mailbox: Mailbox
    route: Route
    trail: Trail


def parse_route(text: str) -> FixedTarget:
    """Parse `smtp:host:port`, `smtp:[ip]:port`, `lmtp:unix:/path`, `pull`, `mailbox`, `discard`, `error:550 5.7.1 no`.

    The port may be left out. Raises BadSyntax, which says what to write instead.
    """
    kind, _, rest = text.strip().partition(":")
    match kind:
        case "mailbox" if not rest:
            return OwnMailbox()
        case "pull" if not rest:
            return ToPull()
        case "discard" if not rest:
            return Discard()
        case "error":
            return _parse_refusal(rest)
        case "smtp" | "smtps" | "lmtp":
            return _parse_hop(kind, rest)
        case _:
            raise BadSyntax(
                'a route is "smtp:host:port", "smtp:[address]:port", "smtps:host:port", "lmtp:unix:/path", "pull", '
                '"mailbox", "discard" or "error:550 5.7.1 text"'
            )


def _parse_refusal(text: str) -> Refuse:
    reply = Reply.parse(text.strip())
    if reply.is_positive:
        raise BadSyntax('a route "error:" has a reply code that refuses: 4yz or 5yz')
    if not reply.text:
        raise BadSyntax('a route "error:" says why: "error:550 5.7.1 text"')
    return Refuse(reply, "the configuration refuses mail for it")


def _parse_hop(protocol: HopProtocol, text: str) -> ToHop:
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path.startswith("/"):
            raise BadSyntax('a unix socket is given by its whole path: "lmtp:unix:/run/lmtp.sock"')
        return ToHop(protocol, path, 0)
    host, port = _split_port(text, DEFAULT_PORTS[protocol])
    return ToHop(protocol, _parse_hop_host(host), port)


def _split_port(text: str, default: int) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        return text, default
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise BadSyntax("a port is a number from 1 to 65535; an IPv6 address stands in brackets")
    return host, int(port)


def _parse_hop_host(text: str) -> str:
    if text.startswith("[") and text.endswith("]"):
        inner = text[1:-1]
        try:
            return str(ip_address(inner[5:] if inner[:5].lower() == "ipv6:" else inner))
        except ValueError:
            raise BadSyntax("in the brackets of a route stands an IP address, like [192.0.2.1]") from None
    try:
        return parse_domain(text).ascii
    except BadSyntax:
        raise BadSyntax(
            "a route leads to a host name or to an IP address in brackets, like smtp:[192.0.2.1]:25"
        ) from None
