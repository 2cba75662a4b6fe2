"""What a trusted host says of a client in its stead: the attributes of XCLIENT and XFORWARD.

Implements  Postfix's XCLIENT and XFORWARD extensions, as its XCLIENT_README and XFORWARD_README describe them,
            RFC 3461 4 (xtext).
Gives       XCLIENT, XFORWARD (the names of the attributes), Attributes, parse_attributes, format_xforward.
Not here    Who may say it, and what it changes: the shell.

A value is xtext. `[UNAVAILABLE]` and `[TEMPUNAVAIL]` say that it is not known, for good or just now: both are None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from types import MappingProxyType
from typing import Final, TypeAlias

from postel.mail import BadSyntax, IPAddress, format_xtext, parse_xtext

Attributes: TypeAlias = Mapping[str, str | None]
"""Names in upper case; None: not known. An attribute that was not named stays as it is."""

NAME_LIMIT: Final = 255  # octets of a host name or a login, as Postfix takes them
COMMAND_LIMIT: Final = 510  # RFC 5321 4.5.3.1.4, without CRLF: longer commands MUST NOT be sent

_UNKNOWN: Final = frozenset({"[UNAVAILABLE]", "[TEMPUNAVAIL]"})
_PORT: Final = re.compile(r"[0-9]{1,5}")
_PRINTABLE: Final = re.compile(r"[!-~]+")


def _name(value: str) -> str:
    if len(value) > NAME_LIMIT or not _PRINTABLE.fullmatch(value):
        raise BadSyntax(f"a name is printable ASCII of {NAME_LIMIT} octets at most")
    return value


def _text(value: str) -> str:
    if not value.isprintable() or len(value) > NAME_LIMIT:
        raise BadSyntax(f"a value is printable, of {NAME_LIMIT} characters at most")
    return value


def parse_ip(value: str) -> IPAddress:
    """An IPv4 address, or `IPV6:` and an IPv6 one. Raises BadSyntax."""
    try:
        if value[:5].upper() == "IPV6:" and "%" not in value:
            address = IPv6Address(value[5:])
            return address.ipv4_mapped or address
        return IPv4Address(value)
    except AddressValueError:
        raise BadSyntax("an address is IPv4, or IPV6: and IPv6") from None


def _address(value: str) -> str:
    return str(parse_ip(value))


def _any_address(value: str) -> str:
    """XFORWARD: the address may be of another kind of network."""
    try:
        return _address(value)
    except BadSyntax:
        return _name(value)


def _port(value: str) -> str:
    if not _PORT.fullmatch(value) or int(value) > 65535:
        raise BadSyntax("a port is a number from 0 to 65535")
    return str(int(value))


def _protocol(value: str) -> str:
    if value.upper() not in ("SMTP", "ESMTP"):
        raise BadSyntax("PROTO is SMTP or ESMTP")
    return value.upper()


def _source(value: str) -> str:
    if value.upper() not in ("LOCAL", "REMOTE"):
        raise BadSyntax("SOURCE is LOCAL or REMOTE")
    return value.upper()


_Readers: TypeAlias = Mapping[str, Callable[[str], str]]

XCLIENT: Final[_Readers] = MappingProxyType(
    {
        "NAME": _name,
        "ADDR": _address,
        "PORT": _port,
        "PROTO": _protocol,
        "HELO": _name,
        "LOGIN": _text,
        "DESTADDR": _address,
        "DESTPORT": _port,
        "REVERSE_NAME": _name,
    }
)
XFORWARD: Final[_Readers] = MappingProxyType(
    {
        "NAME": _name,
        "ADDR": _any_address,
        "PORT": _port,
        "PROTO": _name,
        "HELO": _name,
        "IDENT": _name,
        "SOURCE": _source,
    }
)


def parse_attributes(text: str, readers: _Readers) -> Attributes:
    """Parse what stands after the verb. A name given twice counts as it was given last. Raises BadSyntax."""
    found: dict[str, str | None] = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        read = readers.get(name.upper())
        if not equals or read is None:
            raise BadSyntax(f"attributes are {', '.join(readers)}, each with = and a value")
        plain = parse_xtext(value)
        found[name.upper()] = None if plain.upper() in _UNKNOWN else read(plain)
    if not found:
        raise BadSyntax("an attribute at least is needed")
    return MappingProxyType(found)


def format_xforward(attributes: Attributes, wanted: tuple[str, ...]) -> Iterator[str]:
    """XFORWARD commands that say what the server wants to hear; several where one would be too long; no CRLF."""
    line = "XFORWARD"
    for name in wanted:
        if name not in attributes:
            continue
        value = attributes[name]
        word = f" {name}={'[UNAVAILABLE]' if not value else format_xtext(_on_the_wire(name, value))}"
        if len(line) + len(word) > COMMAND_LIMIT and line != "XFORWARD":
            yield line
            line = "XFORWARD"
        line += word
    if line != "XFORWARD":
        yield line


def _on_the_wire(name: str, value: str) -> str:
    return f"IPV6:{value}" if name == "ADDR" and ":" in value else value[:NAME_LIMIT]
