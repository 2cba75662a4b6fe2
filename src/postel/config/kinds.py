"""The kinds of text that settings are made of, each with the parser that must accept it.

A setting is declared as `Annotated[str, ...]`; loading runs the parser and turns its complaint into a
mistake with file and line. The parsed value is made again where the rooms' options are built.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, TypeAlias

from msgspec import Meta

from postel.config.units import parse_duration, parse_size
from postel.mail import BadSyntax, IPAddress, parse_domain, parse_mailbox, parse_solicitation
from postel.net import parse_endpoint
from postel.routing import parse_certificate_name, parse_client_rule, parse_path_rule, parse_route

IPNetwork: TypeAlias = IPv4Network | IPv6Network


def kind(name: str, parse: Callable[[str], object]) -> Meta:
    """What a setting's text is called in the reference, and the parser that checks it."""
    return Meta(extra={"kind": name, "parse": parse})


def parse_network(text: str) -> IPNetwork:
    """Parse `192.0.2.0/24`, `2001:db8::/32` or one address. Raises BadSyntax."""
    try:
        return ip_network(text)
    except ValueError as error:
        raise BadSyntax(f"a network is like 192.0.2.0/24 or 2001:db8::/32 ({error})") from None


def parse_proxy(text: str) -> IPNetwork | None:
    """Parse where a proxy is: a network, or `unix` (None) for those that come by a unix socket. Raises BadSyntax."""
    return None if text == "unix" else parse_network(text)


def parse_audience(text: str) -> IPNetwork | None:
    """Parse whom a command is open to: a network, or `login` (None) for those who have logged in. Raises BadSyntax."""
    return None if text == "login" else parse_network(text)


def parse_server_name(text: str) -> object:
    """Parse a name that clients may ask for, or `*.domain`. Raises BadSyntax."""
    return parse_domain(text.removeprefix("*."))


def parse_solicitation_class(text: str) -> str:
    """Parse a class of solicitation, such as `org.example:ADV`. Raises BadSyntax."""
    (word,) = parse_solicitation(text) if "," not in text else ("",)
    if not word:
        raise BadSyntax("a class of solicitation is one word, such as org.example:ADV")
    return word


def parse_priority_profile(text: str) -> str:
    """Parse the name of a priority assignment policy. Raises BadSyntax."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,20}", text):  # RFC 6710 7
        raise BadSyntax(
            "a priority profile is a name such as MIXER, of 20 letters, digits, dots, - and _ at most"
        )
    return text


def parse_own_address(text: str) -> IPAddress:
    """Parse an address of this machine. Raises BadSyntax."""
    try:
        return ip_address(text)
    except ValueError:
        raise BadSyntax("an address of this machine is like 192.0.2.1 or 2001:db8::1") from None


def parse_relay_domain(text: str) -> object:
    """Parse a domain, or `.domain` for all below it. Raises BadSyntax."""
    return parse_domain(text.removeprefix("."))


DomainText = Annotated[str, kind("domain", parse_domain)]
RelayDomainText = Annotated[str, kind("domain or .domain", parse_relay_domain)]
MailboxText = Annotated[str, kind("address", parse_mailbox)]
EndpointText = Annotated[str, kind("host:port", parse_endpoint)]
AddressText = Annotated[str, kind("address of this machine", parse_own_address)]
NetworkText = Annotated[str, kind("network", parse_network)]
ProxyText = Annotated[str, kind("network or unix", parse_proxy)]
AudienceText = Annotated[str, kind("network or login", parse_audience)]
DurationText = Annotated[str, kind("duration", parse_duration)]
SizeText = Annotated[str, kind("size", parse_size)]
ServerNameText = Annotated[str, kind("server name", parse_server_name)]
CertificateNameText = Annotated[str, kind("name", parse_certificate_name)]
ClientRuleText = Annotated[str, kind("rule", parse_client_rule)]
PathRuleText = Annotated[str, kind("rule", parse_path_rule)]
SolicitationText = Annotated[str, kind("class of solicitation", parse_solicitation_class)]
ProfileText = Annotated[str, kind("priority profile", parse_priority_profile)]
RouteText = Annotated[str, kind("route", parse_route)]


def parser_of(meta: Meta) -> Callable[[str], Any] | None:
    """The parser that a declared kind brings along."""
    return (meta.extra or {}).get("parse")
