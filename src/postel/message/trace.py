"""Trace fields: where a message came from, put on top of it.

Implements  RFC 5321 4.4 (Received, Return-Path), RFC 3848 and RFC 6531 4.3 (the `with` names), RFC 5321 6.3 (loops),
            RFC 6710 4.1 (PRIORITY), RFC 3865 2.6 (SOLICIT).
Gives       TraceFacts, ReceivedFields, compose_received, compose_return_path, with_protocol, RECEIVED_LIMIT,
            DELIVERED_TO_LIMIT.

Everything that the client said is cleaned: it can neither end the field, nor a comment, nor pose as our words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from postel.mail import AddressLiteral, BadSyntax, Domain, ForwardPath, IPAddress, ReversePath, parse_host
from postel.message.ciphers import registered_cipher
from postel.message.dates import format_date
from postel.message.fields import clean_comment, clean_word, compose_field, continue_field

# RFC 5321 6.3: counting Received fields with a threshold of 100 or more is how loops are found.
RECEIVED_LIMIT: Final = 100

# RFC 9228 4: so many Delivered-To fields of one address are a loop. More than one, since people do resend what they
# received, even to themselves.
DELIVERED_TO_LIMIT: Final = 3

# Octets of SOLICIT's value that a trace field tells: a line holds no more.
SOLICIT_LIMIT: Final = 800

# Names with underscores are no domain names, but many honest machines have one.
_NEARLY_A_DOMAIN: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9_])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFacts:
    """What is known when a message has come in.

    hello_name      what EHLO, HELO or LHLO said; None when it came by no SMTP session.
    client_ip       the peer's address; None for a unix socket or a program on this machine.
    client_name     the peer's name as DNS confirms it, forward and backward; None when unknown.
    hostname        our own name.
    protocol        as `with_protocol` names it.
    queue_id        the id that follows the message.
    received_at     the instant, Unix seconds.
    recipient       named only when it is the only one: others would learn of blind copies (RFC 5321 7.2).
    tls             version and cipher, `TLSv1.3 TLS_AES_256_GCM_SHA384`; "" without TLS.
    cipher          the cipher suite of a submission under TLS, as OpenSSL names it; "" for none.
    asks_smtputf8   whether the field may hold UTF-8.
    priority        the value of MT-PRIORITY; None without.
    solicit         the value of SOLICIT; None without.
    """

    hello_name: str | None
    client_ip: IPAddress | None
    hostname: str
    protocol: str
    queue_id: str
    received_at: float
    client_name: str | None = None
    recipient: ForwardPath | None = None
    tls: str = ""
    cipher: str = ""
    asks_smtputf8: bool = False
    priority: str | None = None
    solicit: str | None = None


def with_protocol(
    *,
    is_extended: bool = True,
    is_tls: bool = False,
    is_authenticated: bool = False,
    is_lmtp: bool = False,
    asks_smtputf8: bool = False,
) -> str:
    """The registered name for the `with` clause: SMTP, ESMTPSA, LMTP, UTF8SMTPS and so on.

    HELO sessions are plain SMTP whatever else; RFC 3848 has no names for them with TLS.
    """
    if is_lmtp:
        base = "UTF8LMTP" if asks_smtputf8 else "LMTP"
    elif asks_smtputf8:
        base = "UTF8SMTP"
    elif is_extended:
        base = "ESMTP"
    else:
        return "SMTP"
    return base + "S" * is_tls + "A" * is_authenticated


def compose_received(facts: TraceFacts) -> bytes:
    """The Received field to prepend, folded, with its CRLF."""
    fields = ReceivedFields(
        hello_name=facts.hello_name,
        client_ip=facts.client_ip,
        client_name=facts.client_name,
        hostname=facts.hostname,
        protocol=facts.protocol,
        tls=facts.tls,
        cipher=facts.cipher,
        asks_smtputf8=facts.asks_smtputf8,
    )
    return fields.compose(
        facts.queue_id, facts.received_at, facts.recipient, priority=facts.priority, solicit=facts.solicit
    )


class ReceivedFields:
    """The Received fields of messages that come by the same way: what they share is composed once.

    The arguments, here and of `compose`, are what TraceFacts says of them.
    """

    __slots__ = ("_asks_smtputf8", "_begun", "_cipher")

    def __init__(
        self,
        *,
        hello_name: str | None,
        client_ip: IPAddress | None,
        hostname: str,
        protocol: str,
        client_name: str | None = None,
        tls: str = "",
        cipher: str = "",
        asks_smtputf8: bool = False,
    ) -> None:
        self._begun = _begun(hello_name, client_ip, client_name, hostname, protocol, tls)
        self._cipher = registered_cipher(cipher)
        self._asks_smtputf8 = asks_smtputf8

    def compose(
        self,
        queue_id: str,
        received_at: float,
        recipient: ForwardPath | None = None,
        *,
        priority: str | None = None,
        solicit: str | None = None,
    ) -> bytes:
        """The field of one message, with its CRLF."""
        words = []
        if solicit:
            # RFC 3865 2.6: a comment after the protocol.
            words.append(f"(SOLICIT={clean_comment(solicit, SOLICIT_LIMIT)})")
        words.append(f"id {clean_word(queue_id)}")
        if recipient is not None and (self._asks_smtputf8 or recipient.is_ascii):
            words.append(f"for <{recipient}>")
        if priority:
            words.append(f"PRIORITY {clean_word(priority)}")  # RFC 6710 4.1 (2)
        if self._cipher:
            words.append(f"tls {self._cipher}")  # RFC 8314 4.3
        words[-1] += ";"
        words.append(format_date(received_at))
        return continue_field(self._begun, words) + b"\r\n"


def compose_return_path(reverse_path: ReversePath) -> bytes:
    """The Return-Path field that final delivery prepends (RFC 5321 4.4), with its CRLF."""
    return compose_field("Return-Path", [f"<{reverse_path}>"])


@lru_cache(maxsize=1024)
def _begun(
    hello_name: str | None,
    client_ip: IPAddress | None,
    client_name: str | None,
    hostname: str,
    protocol: str,
    tls: str,
) -> bytes:
    """The beginning of the field; clients come again."""
    words = [*_from_clause(hello_name, client_ip, client_name)]
    words += [f"by {clean_word(hostname)}", f"with {clean_word(protocol)}"]
    if tls:
        words.append(f"({clean_comment(tls)})")
    return continue_field(b"Received:", words)


def _from_clause(
    hello_name: str | None, client_ip: IPAddress | None, client_name: str | None
) -> Iterator[str]:
    # RFC 5321 4.4: the name that was presented, and the address as TCP knows it.
    if hello_name is None and client_ip is None:
        return  # no SMTP environment: a program on this machine
    literal = str(AddressLiteral(client_ip)) if client_ip else ""
    tcp_info = " ".join(part for part in (clean_word(client_name or ""), literal) if part)
    name = _presented_name(hello_name or "")
    yield f"from {name or literal or 'localhost'}"
    yield f"({tcp_info or 'local'})"
    if not name and hello_name:
        yield f"(hello {clean_comment(hello_name)})"


def _presented_name(hello_name: str) -> str:
    """The name as it may stand after `from`; "" when it is neither a name nor a literal."""
    try:
        host = parse_host(hello_name)
    except BadSyntax:
        return hello_name if _NEARLY_A_DOMAIN.fullmatch(hello_name) else ""
    # RFC 6531 3.7.3: U-labels only in SMTPUTF8 messages; the A-label form is always right.
    return host.ascii if isinstance(host, Domain) and not host.is_ascii else str(host)
