"""The parameters of MAIL and RCPT: how they are written, and what is checked of each.

Implements  RFC 5321 4.1.1.11 (grammar), 4.1.2, RFC 6531 3.3 (values beyond ASCII), RFC 1870 4 (SIZE),
            RFC 6152 2 (BODY), RFC 6531 3.4 (SMTPUTF8), RFC 4954 5 (AUTH=), RFC 3461 4 (xtext).
Gives       split_parameters, Check and the checks that the extension table names.
Not here    Which parameter belongs to which extension: extensions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Final, TypeAlias

from postel.mail import NO_PARAMETERS, BadSyntax, Parameters, Reply, Status, parse_mailbox
from postel.proto.smtp import replies
from postel.proto.smtp.events import Breach
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.options import ServerOptions

# RFC 5321 4.1.2: esmtp-keyword ["=" esmtp-value], the value without "=", blanks and controls.
_PARAMETER: Final = re.compile(
    r"(?P<keyword>[A-Za-z0-9][A-Za-z0-9-]*)(?:=(?P<value>[!-<>-~\u0080-\U0010FFFF]+))?"
)
_SIZE: Final = re.compile(r"[0-9]{1,20}")
_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")
_HEX: Final = re.compile(rb"\+([0-9A-F]{2})")

Check: TypeAlias = Callable[[str | None, ServerOptions], Reply | None]
"""Looks at one parameter's value; gives a reply to refuse the command with, or None."""


def split_parameters(text: str, limit: int) -> Parameters:
    """Split what follows a path. Raises CommandRefused with 501 5.5.4."""
    if not text:
        return NO_PARAMETERS
    if text[0] != " ":
        raise CommandRefused(replies.PARAMETER_SYNTAX, Breach.BAD_SYNTAX)
    words = text.split()
    if len(words) > limit:
        raise CommandRefused(replies.TOO_MANY_PARAMETERS, Breach.BAD_SYNTAX)
    parameters: dict[str, str | None] = {}
    for word in words:
        match = _PARAMETER.fullmatch(word)
        if match is None:
            raise CommandRefused(replies.PARAMETER_SYNTAX, Breach.BAD_SYNTAX)
        keyword = match["keyword"].upper()
        if keyword in parameters:
            raise CommandRefused(replies.PARAMETER_TWICE, Breach.BAD_SYNTAX)
        parameters[keyword] = match["value"]
    return MappingProxyType(parameters) if parameters else NO_PARAMETERS


def parse_xtext(text: str) -> str:
    """Decode xtext, whose octets are UTF-8. Raises BadSyntax (RFC 3461 4)."""
    if not _XTEXT.fullmatch(text):
        raise BadSyntax("xtext is printable ASCII without + and =, or +XX")
    try:
        return _HEX.sub(lambda match: bytes([int(match[1], 16)]), text.encode()).decode()
    except UnicodeDecodeError:
        raise BadSyntax("xtext is UTF-8 when decoded") from None


def check_size(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 1870 4 and 6.1: SIZE=octets, refused at once when over the limit."""
    if value is None or not _SIZE.fullmatch(value):
        return _invalid("SIZE is a number of octets")
    limit = options.limits.message_size
    return replies.size_exceeded(limit) if int(value) > limit else None


def check_body(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 6152 2: BODY=7BIT or BODY=8BITMIME."""
    if value is None or value.upper() not in ("7BIT", "8BITMIME"):
        return _invalid("BODY is 7BIT or 8BITMIME")
    return None


def check_no_value(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 6531 3.4: SMTPUTF8 takes no value."""
    return None if value is None else _invalid("The parameter takes no value")


def check_auth(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 4954 5: AUTH=<> or AUTH= an address in xtext."""
    if value is None:
        return _invalid("AUTH is <> or an address in xtext")
    try:
        address = parse_xtext(value)
        if address != "<>":
            parse_mailbox(address)
    except BadSyntax:
        return _invalid("AUTH is <> or an address in xtext")
    return None


def unknown_parameter(keyword: str) -> Reply:
    """RFC 5321 4.1.1.11: 555 for a parameter not recognized or not implemented."""
    return Reply(555, Status(5, 5, 4), f"Parameter {keyword[:40]} not recognized")


def _invalid(text: str) -> Reply:
    return Reply(501, Status(5, 5, 4), text)
