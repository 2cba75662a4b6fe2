"""The commands of SMTP as one table: when each is allowed, and where it leads.

Implements  RFC 5321 4.1.1 (commands), 4.1.4 (order), RFC 2920 3.1 (what may stand where in a group),
            RFC 3207 4 (before TLS), RFC 4954 4 and 6 (before login), RFC 3030 2 (BDAT), RFC 2033 4.1 (LHLO),
            RFC 4468 3 (BURL).
Gives       Verb, Row, COMMANDS, OPTIONAL, find_row, out_of_place, NOT_IMPLEMENTED, FOREIGN_VERBS.
Not here    What stands after the verb: arguments. What the answer changes: server.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from postel.mail import Reply
from postel.proto.smtp import replies
from postel.proto.smtp.states import State


class Verb(enum.StrEnum):
    """The commands we know and implement."""

    EHLO = "EHLO"
    HELO = "HELO"
    LHLO = "LHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BDAT = "BDAT"
    BURL = "BURL"
    RSET = "RSET"
    NOOP = "NOOP"
    VRFY = "VRFY"
    EXPN = "EXPN"
    HELP = "HELP"
    QUIT = "QUIT"
    SEND = "SEND"
    SOML = "SOML"
    SAML = "SAML"
    ETRN = "ETRN"
    ATRN = "ATRN"
    TURN = "TURN"
    VERB = "VERB"
    ONEX = "ONEX"
    XCLIENT = "XCLIENT"
    XFORWARD = "XFORWARD"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the command table.

    states         where the command is allowed.
    then           where a positive answer leads; None: it stays.
    before_tls     whether it is allowed while TLS is demanded and absent.
    before_login   whether it is allowed while a login is demanded and absent.
    ends_group     whether it can only be the last command of a pipelined group.
    brings_mail    whether it brings mail forward; others are counted (SmtpLimits.idle_commands).
    in_lmtp        True: a command of LMTP alone; False: of SMTP alone; None: of both.
    """

    verb: Verb
    states: frozenset[State]
    then: State | None
    before_tls: bool
    before_login: bool
    ends_group: bool
    brings_mail: bool
    rfc: str
    in_lmtp: bool | None = None


# RFC 2033 4.1: one hello takes the place of the others.
_IN_LMTP: Final[Mapping[Verb, bool]] = MappingProxyType({Verb.EHLO: False, Verb.HELO: False, Verb.LHLO: True})


def _row(
    verb: Verb,
    states: set[State],
    then: State | None,
    before_tls: bool,
    before_login: bool,
    ends_group: bool,
    brings_mail: bool,
    rfc: str,
) -> Row:
    return Row(
        verb,
        frozenset(states),
        then,
        before_tls,
        before_login,
        ends_group,
        brings_mail,
        rfc,
        _IN_LMTP.get(verb),
    )


_TURNED_AWAY, _GREETED, _READY = State.TURNED_AWAY, State.GREETED, State.READY
_IN_MAIL, _HAS_RCPT, _READING_DATA = State.IN_MAIL, State.HAS_RCPT, State.READING_DATA
_CHUNK, _IN_CHUNKS, _CHUNKS_FAILED = State.READING_CHUNK, State.IN_CHUNKS, State.CHUNKS_FAILED
_HELLOED: Final = {_READY, _IN_MAIL, _HAS_RCPT, _IN_CHUNKS, _CHUNKS_FAILED}
_ANY: Final = {_GREETED} | _HELLOED

# fmt: off
COMMANDS: Final = (
    #    verb           states                 then           before: TLS    login  ends   brings  clause
    #                                                                               group  mail
    _row(Verb.EHLO,     _ANY,                  _READY,                True,  True,  True,  False, "5321 4.1.1.1"),
    _row(Verb.HELO,     _ANY,                  _READY,                False, True,  True,  False, "5321 4.1.1.1"),
    _row(Verb.LHLO,     _ANY,                  _READY,                True,  True,  True,  False, "2033 4.1"),
    _row(Verb.STARTTLS, {_READY},              State.STARTING_TLS,    True,  True,  True,  False, "3207 4"),
    _row(Verb.AUTH,     {_READY},              _READY,                False, True,  True,  False, "4954 4"),
    _row(Verb.MAIL,     {_READY},              _IN_MAIL,              False, False, False, True,  "5321 4.1.1.2"),
    _row(Verb.RCPT,     {_IN_MAIL, _HAS_RCPT}, _HAS_RCPT,             False, False, False, True,  "5321 4.1.1.3"),
    _row(Verb.DATA,     {_HAS_RCPT},           _READING_DATA,         False, False, True,  True,  "5321 4.1.1.4"),
    _row(Verb.BDAT,     {_HAS_RCPT, _IN_CHUNKS}, _CHUNK,              False, False, False, True,  "3030 2"),
    _row(Verb.RSET,     {_GREETED},            _GREETED,              False, True,  False, False, "5321 4.1.1.5"),
    _row(Verb.RSET,     _HELLOED,              _READY,                False, True,  False, False, "5321 4.1.1.5"),
    _row(Verb.NOOP,     _ANY,                  None,                  True,  True,  True,  False, "5321 4.1.1.9"),
    _row(Verb.VRFY,     _ANY,                  None,                  False, False, True,  False, "5321 4.1.1.6"),
    _row(Verb.EXPN,     _ANY,                  None,                  False, False, True,  False, "5321 4.1.1.7"),
    _row(Verb.HELP,     _ANY,                  None,                  False, False, True,  False, "5321 4.1.1.8"),
    _row(Verb.QUIT,     _ANY | {_TURNED_AWAY}, State.OVER,            True,  True,  True,  False, "5321 4.1.1.10"),
    # Off unless the service switches them on for the client: OPTIONAL.
    _row(Verb.BURL,     {_HAS_RCPT, _IN_CHUNKS}, _IN_CHUNKS,          False, False, False, True,  "4468 3.2"),
    _row(Verb.SEND,     {_READY},              _IN_MAIL,              False, False, False, True,  "821 3.4"),
    _row(Verb.SOML,     {_READY},              _IN_MAIL,              False, False, False, True,  "821 3.4"),
    _row(Verb.SAML,     {_READY},              _IN_MAIL,              False, False, False, True,  "821 3.4"),
    _row(Verb.ETRN,     {_READY},              None,                  False, False, True,  False, "1985 5"),
    _row(Verb.ATRN,     {_READY},              None,                  False, False, True,  False, "2645 5.2.1"),
    _row(Verb.TURN,     {_READY},              None,                  False, False, True,  False, "821 3.8"),
    _row(Verb.VERB,     _ANY,                  None,                  False, False, True,  False, "none"),
    _row(Verb.ONEX,     _ANY,                  None,                  False, False, True,  False, "none"),
    # For trusted hosts only; others are told so (550).
    _row(Verb.XCLIENT,  {_GREETED, _READY},    _GREETED,              True,  True,  False, True,  "none"),
    _row(Verb.XFORWARD, {_GREETED, _READY},    None,                  True,  True,  False, True,  "none"),
)
# fmt: on

SYNTAX: Final[Mapping[Verb, str]] = MappingProxyType(
    {
        Verb.EHLO: "EHLO domain-or-address-literal",
        Verb.HELO: "HELO domain",
        Verb.LHLO: "LHLO domain-or-address-literal",
        Verb.STARTTLS: "STARTTLS",
        Verb.AUTH: "AUTH mechanism [initial-response]",
        Verb.MAIL: "MAIL FROM:<reverse-path> [parameters]",
        Verb.RCPT: "RCPT TO:<forward-path> [parameters]",
        Verb.DATA: "DATA",
        Verb.BDAT: "BDAT octets [LAST]",
        Verb.BURL: "BURL imap-url [LAST]",
        Verb.RSET: "RSET",
        Verb.NOOP: "NOOP [text]",
        Verb.VRFY: "VRFY user-or-mailbox",
        Verb.EXPN: "EXPN list",
        Verb.HELP: "HELP [command]",
        Verb.QUIT: "QUIT",
        Verb.SEND: "SEND FROM:<reverse-path> [parameters]",
        Verb.SOML: "SOML FROM:<reverse-path> [parameters]",
        Verb.SAML: "SAML FROM:<reverse-path> [parameters]",
        Verb.ETRN: "ETRN node, @domain or #queue",
        Verb.ATRN: "ATRN [domain,domain...]",
        Verb.TURN: "TURN",
        Verb.VERB: "VERB",
        Verb.ONEX: "ONEX",
        Verb.XCLIENT: "XCLIENT attribute=value ...",
        Verb.XFORWARD: "XFORWARD attribute=value ...",
    }
)

VERBS: Final[Mapping[str, Verb]] = MappingProxyType({str(verb): verb for verb in Verb})

# RFC 5321 4.2.4: 502 is for commands we know of, 500 for those nobody knows.
NOT_IMPLEMENTED: Final = frozenset({"XEXCH50", "X-EXPS"})

# Commands that are 502 to everybody but those whom ServerOptions.commands switches them on for, each under the
# keyword of its own name in the answer to EHLO.
OPTIONAL: Final = frozenset(
    {Verb.BURL, Verb.SEND, Verb.SOML, Verb.SAML, Verb.ETRN, Verb.ATRN, Verb.TURN, Verb.VERB, Verb.ONEX}
)

# First words of other protocols. Browsers and their like are made to talk to us by attackers
# ("cross-protocol scripting"), so that what follows must not be read as commands.
FOREIGN_VERBS: Final = frozenset(
    ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "CONNECT", "PATCH", "TRACE", "PRI", "HTTP/1.1"]
)

_BY_STATE: Final[Mapping[tuple[Verb, State], Row]] = MappingProxyType(
    {(row.verb, state): row for row in COMMANDS for state in row.states}
)
_BEFORE_TLS: Final = frozenset(row.verb for row in COMMANDS if row.before_tls)
_BEFORE_LOGIN: Final = frozenset(row.verb for row in COMMANDS if row.before_login)


def find_row(verb: Verb, state: State) -> Row | None:
    """The row that allows `verb` in `state`, or None: then `out_of_place` says what to reply."""
    return _BY_STATE.get((verb, state))


def is_allowed_before_tls(verb: Verb) -> bool:
    """Whether the command may come while TLS is demanded and absent."""
    return verb in _BEFORE_TLS


def is_allowed_before_login(verb: Verb) -> bool:
    """Whether the command may come while a login is demanded and absent."""
    return verb in _BEFORE_LOGIN


def clause_of(verb: Verb) -> str:
    """Where the standard describes the command: `5321 4.1.1.2`."""
    return next(row.rfc for row in COMMANDS if row.verb is verb)


def out_of_place(verb: Verb, state: State) -> Reply:
    """The reply to a command that the table does not allow here."""
    if state is State.TURNED_AWAY:
        return replies.TURNED_AWAY
    if state is State.GREETED:
        return replies.EHLO_FIRST
    if state is State.CHUNKS_FAILED and verb in (Verb.BDAT, Verb.BURL):
        return replies.CHUNK_WAS_REFUSED
    if state is State.IN_MAIL and verb in (Verb.DATA, Verb.BDAT, Verb.BURL):
        return replies.NO_RECIPIENTS_YET if verb is Verb.BDAT else replies.NO_RECIPIENTS
    if state in (State.IN_CHUNKS, State.CHUNKS_FAILED) and verb in (Verb.RCPT, Verb.DATA):
        return replies.IN_CHUNKS
    if verb in (Verb.RCPT, Verb.DATA, Verb.BDAT, Verb.BURL):
        return replies.MAIL_FIRST
    return replies.IN_TRANSACTION
