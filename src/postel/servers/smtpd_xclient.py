"""What trusted hosts say of a client in its stead: XCLIENT changes who it is, XFORWARD what the log and the queue read.

Implements  Postfix's XCLIENT and XFORWARD, the server's side.
Gives       commands_for, claimed_client, forwarded_origin.
Not here    The syntax: proto.smtp.peer_attributes. Starting the session anew: proto.smtp.server, smtpd_session.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from postel.hooks import Client
from postel.mail import IPAddress, Mailbox, parse_mailbox
from postel.net import Endpoint
from postel.proto.smtp import Attributes
from postel.queue import Origin
from postel.servers.smtpd_options import ServiceOptions

_NONE: frozenset[str] = frozenset()


def commands_for(options: ServiceOptions, peer: Endpoint) -> frozenset[str]:
    """Which of the two the host at the other end may use. What XCLIENT says of the client changes nothing of it."""
    trusted = {"XCLIENT": options.xclient, "XFORWARD": options.xforward}
    return frozenset(name for name, hosts in trusted.items() if hosts.has(peer)) or _NONE


def claimed_client(client: Client, attributes: Attributes, account: Mailbox | None) -> Client:
    """The client as XCLIENT says it is. What it does not name stays; the session's own state does not."""
    return replace(
        client,
        ip=_ip(attributes["ADDR"]) if "ADDR" in attributes else client.ip,
        port=int(attributes["PORT"] or 0) if "PORT" in attributes else client.port,
        name=attributes.get("NAME", None if "ADDR" in attributes else client.name),
        hello=attributes.get("HELO") or "",
        is_extended=attributes.get("PROTO") == "ESMTP",
        account=account,
    )


def claimed_account(attributes: Attributes) -> Mailbox | None:
    """Whom LOGIN names. Raises BadSyntax where it is no address."""
    login = attributes.get("LOGIN")
    return None if login is None else parse_mailbox(login)


def forwarded_origin(origin: Origin, attributes: Attributes) -> Origin:
    """An origin as XFORWARD says it was."""
    port, protocol = attributes.get("PORT"), attributes.get("PROTO")
    return replace(
        origin,
        protocol=protocol or origin.protocol,
        client_ip=attributes.get("ADDR"),
        client_port=int(port) if port else None,
        client_name=attributes.get("HELO"),
        client_host=attributes.get("NAME"),
        ident=attributes.get("IDENT"),
        source=attributes.get("SOURCE"),
    )


def _ip(text: str | None) -> IPAddress | None:
    return ip_address(text) if text else None
