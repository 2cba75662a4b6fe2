"""Read what stands after a verb, and make the event of it.

Implements  RFC 5321 4.1.1 and 4.1.2 (syntax of the commands), RFC 6531 3.4, 3.5 and 3.7.4.2,
            RFC 4954 4 (AUTH), RFC 3207 4 (STARTTLS), RFC 3030 2 (BDAT), RFC 4468 3.5 (BURL).
Gives       read_argument(verb, text, offers) -> Event, or raises CommandRefused.
Not here    Whether the command is allowed now: commands.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias

from postel.mail import (
    BadSyntax,
    Domain,
    Host,
    Parameters,
    Reply,
    Status,
    parse_domain,
    parse_forward_path,
    parse_host,
    parse_reverse_path,
    split_path,
)
from postel.proto.smtp import replies
from postel.proto.smtp.commands import Verb
from postel.proto.smtp.events import (
    Atrn,
    Auth,
    Bdat,
    Breach,
    Burl,
    DataStart,
    Etrn,
    Event,
    Expn,
    Hello,
    Help,
    Mail,
    Manner,
    Noop,
    OneTransaction,
    Quit,
    Rcpt,
    Reset,
    StartTls,
    Turn,
    Verbose,
    Vrfy,
    Xclient,
    Xforward,
)
from postel.proto.smtp.extensions import Offers
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.parameters import Check, split_parameters, unknown_parameter
from postel.proto.smtp.peer_attributes import XCLIENT, XFORWARD, Attributes, parse_attributes
from postel.proto.smtp.wish_parameters import check_together

_MECHANISM: Final = re.compile(r"[A-Z0-9_-]{1,20}")  # RFC 4422 3.1
# RFC 4468 3.5: an absolute URI, of which RFC 3986 has printable ASCII alone.
_ABSOLUTE_URL: Final = re.compile(
    r"(?P<url>[A-Za-z][A-Za-z0-9+.-]*:[!-~]+)(?P<last> +LAST)?", re.IGNORECASE | re.ASCII
)
_CHUNK_SIZE: Final = re.compile(r"(?P<octets>[0-9]{1,20})(?P<last> +LAST)?", re.ASCII | re.IGNORECASE)
_HELLO_NAME_LIMIT: Final = 255

_Reader: TypeAlias = Callable[[str, Offers], Event]


def read_argument(verb: Verb, text: str, offers: Offers) -> Event:
    """Make the event of a command. Raises CommandRefused with the reply it deserves."""
    return _READERS[verb](text, offers)


def _ehlo(text: str, offers: Offers) -> Event:
    return _hello(text, is_extended=True)


def _helo(text: str, offers: Offers) -> Event:
    return _hello(text, is_extended=False)


def _hello(text: str, *, is_extended: bool) -> Event:
    # RFC 5321 4.1.4: a name that is no domain must not cost anyone their mail, so only what cannot be
    # a name at all is refused; `host` says whether it was well-formed.
    if not text or " " in text or not text.isascii() or len(text) > _HELLO_NAME_LIMIT:
        raise CommandRefused(replies.EHLO_NEEDS_NAME, Breach.BAD_SYNTAX)
    return Hello(text, is_extended, _host_or_none(text))


def _host_or_none(text: str) -> Host | None:
    try:
        return parse_host(text)
    except BadSyntax:
        return None


def _starttls(text: str, offers: Offers) -> Event:
    _no_argument(text)
    if offers.standing.is_tls:
        raise CommandRefused(replies.TLS_ACTIVE, Breach.BAD_SEQUENCE)
    _demand("STARTTLS", offers)
    return StartTls()


def _auth(text: str, offers: Offers) -> Event:
    standing = offers.standing
    if standing.is_logged_in:
        raise CommandRefused(replies.LOGGED_IN_ALREADY, Breach.BAD_SEQUENCE)
    options = standing.options
    if not options.mechanisms and options.has_tls and not standing.is_tls:
        raise CommandRefused(replies.MECHANISM_NEEDS_TLS, Breach.TLS_NEEDED)
    _demand("AUTH", offers)
    name, _, initial = text.partition(" ")
    if not name:
        raise CommandRefused(replies.ARGUMENT_NEEDED, Breach.BAD_SYNTAX)
    mechanism = name.upper()
    if not _MECHANISM.fullmatch(mechanism) or mechanism not in options.mechanisms:
        raise CommandRefused(replies.MECHANISM_UNKNOWN, Breach.NOT_OFFERED)
    return Auth(mechanism, _initial_response(initial))


def _initial_response(text: str) -> bytes | None:
    if not text:
        return None
    # RFC 4954 4: "=" is an initial response of no octets, as against no initial response.
    return b"" if text == "=" else decode_response(text.encode())


def decode_response(text: bytes) -> bytes:
    """Decode one line of a SASL exchange. Raises CommandRefused with 501 5.5.2 (RFC 4954 4)."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise CommandRefused(replies.BAD_BASE64, Breach.BAD_AUTH_RESPONSE) from None


def _mail(text: str, offers: Offers, manner: Manner = Manner.MAIL) -> Event:
    path_text, rest = _split("FROM:", text, replies.MAIL_SYNTAX)
    try:
        path = parse_reverse_path(path_text)
    except BadSyntax as bad:
        raise _bad_path(7, bad) from None
    parameters = _parameters(rest, offers.mail, offers)
    if refusal := check_together(parameters):
        raise CommandRefused(refusal, Breach.BAD_SYNTAX)
    if not path.is_ascii and "SMTPUTF8" not in parameters:
        raise CommandRefused(replies.NON_ASCII_ADDRESS, Breach.NEEDS_SMTPUTF8)
    return Mail(path, parameters, manner)


def _rcpt(text: str, offers: Offers) -> Event:
    path_text, rest = _split("TO:", text, replies.RCPT_SYNTAX)
    try:
        path = parse_forward_path(path_text)
    except BadSyntax as bad:
        raise _bad_path(3, bad) from None
    return Rcpt(path, _parameters(rest, offers.rcpt, offers))


def _split(word: str, text: str, usage: Reply) -> tuple[str, str]:
    if text[: len(word)].upper() != word:
        raise CommandRefused(usage, Breach.BAD_SYNTAX)
    try:
        # RFC 5321 3.3: no blank belongs after the colon, but many write one.
        return split_path(text[len(word) :].lstrip(" "))
    except BadSyntax:
        raise _bad_path(7 if word == "FROM:" else 3, BadSyntax(usage.text)) from None


def _bad_path(detail: int, bad: BadSyntax) -> CommandRefused:
    """X.1.7 for the reverse path, X.1.3 for a forward path (RFC 3463 3.2)."""
    return CommandRefused(Reply(501, Status(5, 1, detail), _sentence(bad)), Breach.BAD_SYNTAX)


def _sentence(bad: BadSyntax) -> str:
    text = str(bad)
    return text[:1].upper() + text[1:]


def _parameters(text: str, open_to_client: Mapping[str, Check], offers: Offers) -> Parameters:
    options = offers.standing.options
    parameters = split_parameters(text, options.limits.parameters)
    for keyword, value in parameters.items():
        check = open_to_client.get(keyword)
        if check is None:
            raise CommandRefused(unknown_parameter(keyword), Breach.UNKNOWN_PARAMETER)
        reply = check(value, options)
        if reply is not None:
            breach = Breach.TOO_BIG if reply.code == 552 else Breach.BAD_SYNTAX
            raise CommandRefused(reply, breach)
    return parameters


def _data(text: str, offers: Offers) -> Event:
    _no_argument(text)
    return DataStart()


def _bdat(text: str, offers: Offers) -> Event:
    _demand("CHUNKING", offers)
    match = _CHUNK_SIZE.fullmatch(text)
    if match is None:  # RFC 3030 2: where its octets end is anybody's guess
        raise CommandRefused(replies.BDAT_SYNTAX, Breach.BAD_SYNTAX, is_fatal=True)
    return Bdat(int(match["octets"]), match["last"] is not None)


def _burl(text: str, offers: Offers) -> Event:
    _demand("BURL", offers)
    match = _ABSOLUTE_URL.fullmatch(text)
    if match is None or len(match["url"]) > offers.standing.options.limits.url:
        raise CommandRefused(replies.BURL_SYNTAX, Breach.BAD_SYNTAX)
    return Burl(match["url"], match["last"] is not None)


def _rset(text: str, offers: Offers) -> Event:
    _no_argument(text)
    return Reset()


def _quit(text: str, offers: Offers) -> Event:
    _no_argument(text)
    return Quit()


def _noop(text: str, offers: Offers) -> Event:
    return Noop()  # RFC 5321 4.1.1.9: an argument is ignored


def _vrfy(text: str, offers: Offers) -> Event:
    return Vrfy(*_name_to_look_up(text, offers))


def _expn(text: str, offers: Offers) -> Event:
    return Expn(*_name_to_look_up(text, offers))


def _name_to_look_up(text: str, offers: Offers) -> tuple[str, bool]:
    """RFC 6531 3.7.4.2: VRFY and EXPN may end in the parameter SMTPUTF8."""
    is_smtputf8 = text.upper().endswith(" SMTPUTF8") and "SMTPUTF8" in offers.keywords
    name = text[: -len(" SMTPUTF8")].rstrip(" ") if is_smtputf8 else text
    if not name:
        raise CommandRefused(replies.ARGUMENT_NEEDED, Breach.BAD_SYNTAX)
    if not name.isascii() and not is_smtputf8:
        raise CommandRefused(replies.NON_ASCII_ADDRESS, Breach.NEEDS_SMTPUTF8)
    return name, is_smtputf8


def _help(text: str, offers: Offers) -> Event:
    return Help(text)


def _etrn(text: str, offers: Offers) -> Event:
    # RFC 1985 5.1 and 7: 500 without a node, 501 for one that is no full name.
    if not text:
        raise CommandRefused(replies.ETRN_SYNTAX, Breach.BAD_SYNTAX)
    if text[0] == "#" and len(text) > 1 and text.isascii() and " " not in text:
        return Etrn(text)
    return Etrn(text, _full_name(text.removeprefix("@"), replies.ETRN_NODE))


def _atrn(text: str, offers: Offers) -> Event:
    _demand_login(offers)
    names = text.split(",") if text else ()
    return Atrn(tuple(_full_name(name.strip(" "), replies.ATRN_SYNTAX) for name in names))


def _turn(text: str, offers: Offers) -> Event:
    _no_argument(text)
    _demand_login(offers)
    return Turn()


def _demand_login(offers: Offers) -> None:
    # RFC 2645 5.2.1: MUST be rejected with 530. RFC 821's TURN knows no login, which is why it is a hole.
    if not offers.standing.is_logged_in:
        raise CommandRefused(replies.LOGIN_FIRST, Breach.LOGIN_NEEDED)


def _full_name(text: str, usage: Reply) -> Domain:
    try:
        domain = parse_domain(text)
    except BadSyntax:
        raise CommandRefused(usage, Breach.BAD_SYNTAX) from None
    if "." not in domain.ascii or not text.isascii():
        raise CommandRefused(usage, Breach.BAD_SYNTAX)
    return domain


def _verb(text: str, offers: Offers) -> Event:
    return Verbose()  # sendmail wants "VERB ON" from some and nothing from others: what follows is ignored


def _onex(text: str, offers: Offers) -> Event:
    return OneTransaction()


def _xclient(text: str, offers: Offers) -> Event:
    return Xclient(_attributes("XCLIENT", text, offers))


def _xforward(text: str, offers: Offers) -> Event:
    return Xforward(_attributes("XFORWARD", text, offers))


def _attributes(keyword: str, text: str, offers: Offers) -> Attributes:
    if keyword not in offers.keywords:
        raise CommandRefused(replies.NOT_TRUSTED, Breach.NOT_OFFERED)
    try:
        return parse_attributes(text, XCLIENT if keyword == "XCLIENT" else XFORWARD)
    except BadSyntax as bad:
        raise CommandRefused(Reply(501, Status(5, 5, 4), _sentence(bad)), Breach.BAD_SYNTAX) from None


def _no_argument(text: str) -> None:
    if text:
        raise CommandRefused(replies.NO_ARGUMENT, Breach.BAD_SYNTAX)


def _demand(keyword: str, offers: Offers) -> None:
    if keyword not in offers.keywords:
        raise CommandRefused(replies.COMMAND_NOT_IMPLEMENTED, Breach.NOT_OFFERED)


def longest_line(verb: Verb | None, offers: Offers) -> int:
    """The longest line that carries this command, octets with CRLF (RFC 5321 4.5.3.1.4)."""
    match verb:
        case Verb.MAIL | Verb.SEND | Verb.SOML | Verb.SAML:
            return offers.mail_line
        case Verb.RCPT:
            return offers.rcpt_line
        case Verb.BURL:
            return offers.burl_line
        case Verb.AUTH:
            return offers.longest_line
        case _:
            return offers.standing.options.limits.command_line


_READERS: Final[Mapping[Verb, _Reader]] = MappingProxyType(
    {
        Verb.EHLO: _ehlo,
        Verb.HELO: _helo,
        Verb.LHLO: _ehlo,
        Verb.STARTTLS: _starttls,
        Verb.AUTH: _auth,
        Verb.MAIL: _mail,
        Verb.RCPT: _rcpt,
        Verb.DATA: _data,
        Verb.BDAT: _bdat,
        Verb.BURL: _burl,
        Verb.RSET: _rset,
        Verb.NOOP: _noop,
        Verb.VRFY: _vrfy,
        Verb.EXPN: _expn,
        Verb.HELP: _help,
        Verb.QUIT: _quit,
        Verb.SEND: partial(_mail, manner=Manner.SEND),
        Verb.SOML: partial(_mail, manner=Manner.SOML),
        Verb.SAML: partial(_mail, manner=Manner.SAML),
        Verb.ETRN: _etrn,
        Verb.ATRN: _atrn,
        Verb.TURN: _turn,
        Verb.VERB: _verb,
        Verb.ONEX: _onex,
        Verb.XCLIENT: _xclient,
        Verb.XFORWARD: _xforward,
    }
)
