"""From a line to the command that may come now, or to its refusal.

Implements  RFC 5321 2.4 (ASCII, CRLF), 4.1.1 (a verb and what stands after it), 4.5.3.1.4 (its length),
            RFC 3030 2 (what follows a BDAT that is refused).
Gives       read_command, octets_behind, may_be_url; remembered and forget, for who measures.
Not here    Taking lines off a buffer: lines. Order: order. Arguments: arguments.

What a line says depends on the line and on what the client is offered, on nothing else. So the lines of most mail
are remembered with their events, since busy peers say the same ones again and again. Others are not: those of AUTH hold
passwords.
"""

from __future__ import annotations

import re
from typing import Final

from postel.proto.smtp import replies
from postel.proto.smtp.arguments import longest_line, read_argument
from postel.proto.smtp.commands import VERBS, Row, Verb
from postel.proto.smtp.events import Breach, Event
from postel.proto.smtp.extensions import Offers
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.order import allowed_row, unknown_command
from postel.proto.smtp.states import State

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_BURL: Final = re.compile(rb"BURL\b|$", re.IGNORECASE)
_BDAT: Final = re.compile(rb"BDAT\b", re.IGNORECASE)
REMEMBERED: Final = 4096  # lines; when there are so many, all are forgotten
_WORTH_IT: Final = frozenset({Verb.EHLO, Verb.MAIL, Verb.RCPT, Verb.DATA, Verb.QUIT})
_known: Final[dict[tuple[bytes, Offers], tuple[Verb, Event]]] = {}
_CHUNK: Final = re.compile(rb"BDAT +(?P<octets>[0-9]{1,20})(?P<last> +LAST)? *\r\n", re.IGNORECASE)


def read_command(line: bytes, state: State, offers: Offers) -> tuple[Row, Event]:
    """The row of the table and the event of one line, which ends in CRLF. Raises CommandRefused."""
    known = _known.get((line, offers))
    if known is None:
        return _read_afresh(line, state, offers)
    verb, event = known
    try:
        return allowed_row(verb, state, offers.standing), event
    except CommandRefused as refused:
        refused.verb = verb
        raise


def _read_afresh(line: bytes, state: State, offers: Offers) -> tuple[Row, Event]:
    # RFC 5321 4.1.1: blanks before the CRLF are tolerated.
    word, _, rest = _decode(line[:-2].rstrip(b" \t")).partition(" ")
    word = word.upper()
    verb = VERBS.get(word)
    if len(line) > longest_line(verb, offers):
        raise CommandRefused(replies.LINE_TOO_LONG, Breach.LINE_TOO_LONG)
    if verb is None:
        raise unknown_command(word, offers.standing.options.hostname)
    try:
        row = allowed_row(verb, state, offers.standing)
        event = read_argument(verb, rest.lstrip(" "), offers)
    except CommandRefused as refused:
        refused.verb = verb
        raise
    if verb in _WORTH_IT:
        _remember(line, offers, verb, event)
    return row, event


def _remember(line: bytes, offers: Offers, verb: Verb, event: Event) -> None:
    if len(_known) >= REMEMBERED:
        _known.clear()
    _known[line, offers] = (verb, event)


def remembered() -> int:
    """How many lines are known."""
    return len(_known)


def forget() -> None:
    """Know no line any more."""
    _known.clear()


def octets_behind(line: bytes) -> tuple[int, bool] | None:
    """How many octets of a chunk follow a line that was refused, and whether it is the last chunk.

    None: it is a BDAT that does not say so in a way that all would read alike.
    """
    if not _BDAT.match(line):
        return 0, False
    match = _CHUNK.fullmatch(line)
    return (int(match["octets"]), match["last"] is not None) if match else None


def may_be_url(line: bytes) -> bool:
    """Whether a line that was refused is a BURL, or so long that nobody kept it."""
    return _BURL.match(line) is not None


def _decode(line: bytes) -> str:
    """A command as text. Raises CommandRefused for what no command may hold."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise CommandRefused(replies.BAD_UTF8, Breach.BAD_SYNTAX) from None
    if _CONTROL.search(text):
        raise CommandRefused(replies.CONTROL_CHARACTER, Breach.CONTROL_CHARACTER)
    return text
