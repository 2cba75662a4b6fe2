"""The parameters of MAIL and RCPT: how they are written, and what is checked of each.

Implements  RFC 5321 4.1.1.11 (grammar), 4.1.2, RFC 6531 3.3 (values beyond ASCII), RFC 1870 4 (SIZE),
            RFC 6152 2 and RFC 3030 3 (BODY), RFC 6531 3.4 (SMTPUTF8), RFC 4954 5 (AUTH=), RFC 3461 4.1 to 4.5 and 5.4
            (NOTIFY, ORCPT, RET, ENVID), RFC 6533 3 (ORCPT of type utf-8), RFC 1845 2 (TRANSID).
Gives       split_parameters, Check and the checks that the extension table names.
Not here    Which parameter belongs to which extension: extensions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Final, TypeAlias

from postel.mail import (
    NO_PARAMETERS,
    BadSyntax,
    Parameters,
    Reply,
    Status,
    parse_mailbox,
    parse_unitext,
    parse_xtext,
)
from postel.proto.smtp import replies
from postel.proto.smtp.events import Breach
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.options import ServerOptions
from postel.proto.smtp.resumption import TRANSID_LIMIT, is_transid

# RFC 5321 4.1.2: esmtp-keyword ["=" esmtp-value], the value without "=", blanks and controls.
_PARAMETER: Final = re.compile(
    r"(?P<keyword>[A-Za-z0-9][A-Za-z0-9-]*)(?:=(?P<value>[!-<>-~\u0080-\U0010FFFF]+))?"
)
_SIZE: Final = re.compile(r"[0-9]{1,20}")
# RFC 3461 4.2: addr-type is an atom; a parameter can hold no =, and + has its meaning there.
_ADDRESS_TYPE: Final = re.compile(r"[A-Za-z0-9!#$%&'*/?^_`{|}~-]+")
_PRINTABLE: Final = re.compile(r"[\t -~]*")
_PRINTABLE_UNICODE: Final = re.compile(r"[\t -~\u00A0-\U0010FFFF]*")
_BINARY_NEEDS: Final = frozenset({"BINARYMIME", "CHUNKING"})
_REPORTED: Final = frozenset({"SUCCESS", "FAILURE", "DELAY"})

# RFC 3461 4.2, 4.4 and 5.4: as long as they may be, in octets, and nobody has to accept longer ones.
ENVID_LIMIT: Final = 100
ORCPT_LIMIT: Final = 500

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


def check_size(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 1870 4 and 6.1: SIZE=octets, refused at once when over the limit."""
    if value is None or not _SIZE.fullmatch(value):
        return _invalid("SIZE is a number of octets")
    limit = options.limits.message_size
    return replies.size_exceeded(limit) if int(value) > limit else None


def check_body(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 6152 2: BODY=7BIT or BODY=8BITMIME; RFC 3030 3: BODY=BINARYMIME, where that is offered."""
    kind = (value or "").upper()
    if kind in ("7BIT", "8BITMIME"):
        return None
    if not options.withheld.isdisjoint(_BINARY_NEEDS):
        return _invalid("BODY is 7BIT or 8BITMIME")
    return None if kind == "BINARYMIME" else _invalid("BODY is 7BIT, 8BITMIME or BINARYMIME")


def check_no_value(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 6531 3.4: SMTPUTF8 takes no value; nor does PRDR."""
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


def check_ret(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 3461 4.3: RET=FULL or RET=HDRS."""
    if value is None or value.upper() not in ("FULL", "HDRS"):
        return _invalid("RET is FULL or HDRS")
    return None


def check_envid(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 3461 4.4: ENVID= printable ASCII in xtext."""
    if value is None or len(value) > ENVID_LIMIT or not _is_printable_xtext(value):
        return _invalid(f"ENVID is printable ASCII in xtext, of {ENVID_LIMIT} characters at most")
    return None


def check_notify(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 3461 4.1: NOTIFY=NEVER, or some of SUCCESS, FAILURE and DELAY. A word said twice says no more."""
    wish = (value or "").upper()
    if wish == "NEVER" or _REPORTED.issuperset(wish.split(",")):
        return None
    return _invalid("NOTIFY is NEVER, or some of SUCCESS, FAILURE and DELAY")


def check_orcpt(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 3461 4.2: ORCPT= a type of address, `;`, and an address in xtext; RFC 6533 3 for the type utf-8.

    The address need not follow the syntax of its type. That it is beyond ASCII only in an internationalised
    transaction is for the machine to see, as with the path itself.
    """
    kind, semicolon, address = (value or "").partition(";")
    if len((value or "").encode()) > ORCPT_LIMIT or not (semicolon and _ADDRESS_TYPE.fullmatch(kind)):
        return _invalid(f"ORCPT is a type, a semicolon and an address, of {ORCPT_LIMIT} octets at most")
    if kind.lower() == "utf-8":
        return None if _is_unitext(address) else _invalid("The address in ORCPT is not encoded as unitext")
    # RFC 3461 4.2 wants ASCII here. Postfix 3.7 writes addresses beyond it so, and no mail shall fail for that.
    if not _is_printable_xtext(address, _PRINTABLE_UNICODE):
        return _invalid("The address in ORCPT is printable text in xtext")
    return None


def check_transid(value: str | None, options: ServerOptions) -> Reply | None:
    """RFC 1845 2 (4): TRANSID=<local@domain>, of 80 characters at most."""
    if value is None or not is_transid(value):
        return _invalid(f"TRANSID is <local@domain>, of {TRANSID_LIMIT} characters at most")
    return None


def unknown_parameter(keyword: str) -> Reply:
    """RFC 5321 4.1.1.11: 555 for a parameter not recognized or not implemented."""
    return Reply(555, Status(5, 5, 4), f"Parameter {keyword[:40]} not recognized")


def _invalid(text: str) -> Reply:
    return Reply(501, Status(5, 5, 4), text)


def _is_printable_xtext(text: str, printable: re.Pattern[str] = _PRINTABLE) -> bool:
    try:
        return printable.fullmatch(parse_xtext(text)) is not None
    except BadSyntax:
        return False


def _is_unitext(text: str) -> bool:
    try:
        parse_unitext(text)
    except BadSyntax:
        return False
    return True
