"""Domains and address literals, parsed once at the border.

Implements  RFC 5321 4.1.2 (Domain), 4.1.3 (address literals), RFC 5890 (A-labels and U-labels),
            RFC 6531 3.3 (U-labels in SMTPUTF8 domains).
Gives       Domain, AddressLiteral, Host, IPAddress, parse_domain, parse_host, plain_ip.
Not here    Whether a domain exists (dns), or is one of ours (routing).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias

import idna

from postel.mail.fault import BadSyntax

IPAddress: TypeAlias = IPv4Address | IPv6Address

DOMAIN_LIMIT: Final = 255  # octets: RFC 5321 4.5.3.1.2

# RFC 5321 4.1.2: sub-domain = Let-dig [Ldh-str]; RFC 1035 2.3.4: at most 63 octets
_SUB_DOMAIN: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOTS: Final = ".\u3002\uff0e\uff61"  # RFC 3490 3.1 (1): what people write for a dot in their scripts
_DOMAIN: Final = re.compile(rf"{_SUB_DOMAIN}(?:\.{_SUB_DOMAIN})*\.?")


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain name. Two are equal when their A-label forms are, whatever the case.

    text    as it was written, without a trailing dot.
    ascii   the lower-case A-label form: what DNS is asked, what tables are keyed by.
    """

    text: str = field(compare=False)
    ascii: str

    @property
    def is_ascii(self) -> bool:
        """Whether it was written without U-labels, so that a peer without SMTPUTF8 may see `text`."""
        return self.text.isascii()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class AddressLiteral:
    """An address in place of a domain: `[192.0.2.1]`, `[IPv6:2001:db8::1]` (RFC 5321 4.1.3)."""

    address: IPAddress

    @property
    def is_ascii(self) -> bool:
        """Always: a literal has no U-labels."""
        return True

    @property
    def ascii(self) -> str:
        """The text again: what tables are keyed by."""
        return str(self)

    def __str__(self) -> str:
        tag = "IPv6:" if self.address.version == 6 else ""
        return f"[{tag}{self.address}]"


Host: TypeAlias = Domain | AddressLiteral


def plain_ip(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 one stands for, as `::ffff:192.0.2.1` does (RFC 4291 2.5.5.2), or itself."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=4096)
def parse_domain(text: str) -> Domain:
    """Parse a domain name of A-labels or U-labels; one trailing dot is dropped.

    Raises BadSyntax.
    """
    if len(text) > DOMAIN_LIMIT:
        raise BadSyntax("a domain name has at most 255 octets")
    if text.isascii():
        bare = _bare_ascii(text)
        return Domain(bare, bare.lower())
    try:
        encoded = idna.encode(text, uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        raise BadSyntax("an internationalised domain name follows RFC 5890") from None
    if len(encoded) > DOMAIN_LIMIT:
        raise BadSyntax("a domain name has at most 255 octets")
    # UTS 46 makes digits and dots of other scripts into ours: what comes out has to be a name too.
    return Domain(_without_last_dot(text), _bare_ascii(encoded))


def _bare_ascii(text: str) -> str:
    """An ASCII name without its last dot. Raises BadSyntax for what is none."""
    if not _DOMAIN.fullmatch(text):
        raise BadSyntax("a domain name is labels of letters, digits and hyphens, joined by dots")
    bare = text.removesuffix(".")
    if bare.rpartition(".")[2].isdigit():
        # RFC 1123 2.1: the last label of a name is never all digits, or 10.0.0.1 would be one.
        raise BadSyntax("a domain name does not end in a number: an address is written [192.0.2.1]")
    return bare


def _without_last_dot(text: str) -> str:
    return text[:-1] if text[-1] in _DOTS else text


@lru_cache(maxsize=1024)
def parse_host(text: str) -> Host:
    """Parse a domain or an address literal in brackets. Raises BadSyntax."""
    if text.startswith("["):
        return _parse_literal(text)
    return parse_domain(text)


def _parse_literal(text: str) -> AddressLiteral:
    if not text.endswith("]"):
        raise BadSyntax("an address literal ends with ]")
    inner = text[1:-1]
    try:
        if inner[:5].upper() == "IPV6:":
            if "%" in inner:
                raise BadSyntax("an address literal has no zone index")
            return AddressLiteral(IPv6Address(inner[5:]))
        return AddressLiteral(IPv4Address(inner))
    except ValueError:
        raise BadSyntax("an address literal is [192.0.2.1] or [IPv6:2001:db8::1]") from None
