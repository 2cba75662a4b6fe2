"""The commands of POP3, the states that allow them, and how a line is read as one.

Implements  RFC 1939 9 (command summary), RFC 2449 3 (grammar), 2449 5 (CAPA), RFC 2595 4 (STLS),
            RFC 5034 4 (AUTH), RFC 6856 2.1 and 3 (UTF8, LANG).
Gives       State, Verb, Row, COMMANDS, Command, parse_command.
Not here    What a command does: server.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from postel.mail import BadSyntax


class State(enum.Enum):
    """The states of a session (RFC 1939 3), with AUTHORIZATION split at a USER that was taken."""

    AUTHORIZATION = "authorization"
    NAMED = "authorization, after USER"
    TRANSACTION = "transaction"


class Verb(enum.StrEnum):
    """The keywords; they are read in any case."""

    APOP = "APOP"
    AUTH = "AUTH"
    CAPA = "CAPA"
    DELE = "DELE"
    LANG = "LANG"
    LIST = "LIST"
    NOOP = "NOOP"
    PASS = "PASS"
    QUIT = "QUIT"
    RETR = "RETR"
    RSET = "RSET"
    STAT = "STAT"
    STLS = "STLS"
    TOP = "TOP"
    UIDL = "UIDL"
    USER = "USER"
    UTF8 = "UTF8"


@dataclass(frozen=True, slots=True)
class Row:
    """One command: where it may be given, and how many arguments it takes.

    is_verbatim    all that follows the keyword's space is one argument, spaces included.
    """

    verb: Verb
    states: frozenset[State]
    least: int
    most: int
    is_verbatim: bool = False


_BEFORE: Final = frozenset({State.AUTHORIZATION, State.NAMED})
_NAMED: Final = frozenset({State.NAMED})
_AFTER: Final = frozenset({State.TRANSACTION})
_ANY: Final = frozenset(State)

_ROWS: Final = (
    #   verb       states   arguments
    Row(Verb.USER, _BEFORE, 1, 1, is_verbatim=True),
    Row(Verb.PASS, _NAMED, 1, 1, is_verbatim=True),  # RFC 1939 7: spaces are part of the password
    Row(Verb.APOP, _BEFORE, 2, 2),
    Row(Verb.AUTH, _BEFORE, 1, 2),
    Row(Verb.STLS, _BEFORE, 0, 0),
    Row(Verb.UTF8, _BEFORE, 0, 0),
    Row(Verb.STAT, _AFTER, 0, 0),
    Row(Verb.LIST, _AFTER, 0, 1),
    Row(Verb.RETR, _AFTER, 1, 1),
    Row(Verb.DELE, _AFTER, 1, 1),
    Row(Verb.NOOP, _AFTER, 0, 0),
    Row(Verb.RSET, _AFTER, 0, 0),
    Row(Verb.TOP, _AFTER, 2, 2),
    Row(Verb.UIDL, _AFTER, 0, 1),
    Row(Verb.CAPA, _ANY, 0, 0),
    Row(Verb.LANG, _ANY, 0, 1),
    Row(Verb.QUIT, _ANY, 0, 0),
)

COMMANDS: Final[Mapping[str, Row]] = {row.verb.value: row for row in _ROWS}


@dataclass(frozen=True, slots=True)
class Command:
    """A line that names a command of ours with as many arguments as it takes."""

    row: Row
    arguments: tuple[str, ...]

    @property
    def verb(self) -> Verb:
        """The keyword."""
        return self.row.verb


class UnknownCommand(BadSyntax):
    """The keyword is none of ours."""


class BadArguments(BadSyntax):
    """The keyword is ours, what follows it is not."""


def parse_command(line: bytes) -> Command:
    """Read one line, given without its line end. Raises UnknownCommand or BadArguments."""
    keyword, _, rest = line.partition(b" ")
    row = COMMANDS.get(keyword.decode("ascii", "replace").upper())
    if row is None:
        raise UnknownCommand("a keyword of POP3 comes first")
    # RFC 6856 2.2: what is not UTF-8 must be rejected.
    try:
        text = rest.decode("utf-8")
    except UnicodeDecodeError:
        raise BadArguments("arguments are UTF-8") from None
    if not text.isprintable():
        raise BadArguments("arguments are printable")
    arguments = _verbatim(text) if row.is_verbatim else _words(text)
    if not row.least <= len(arguments) <= row.most:
        raise BadArguments(f"{row.verb} takes {row.least} to {row.most} arguments")
    return Command(row, arguments)


def _verbatim(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _words(text: str) -> tuple[str, ...]:
    """RFC 2449 3: single spaces separate; clients that pad the end of a line are forgiven."""
    words = text.rstrip(" ")
    return tuple(words.split(" ")) if words else ()
