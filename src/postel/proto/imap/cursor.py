"""Reads the words of one command from its octets.

Implements  RFC 9051 9 (the grammar's common parts), RFC 6855 3 (UTF-8 in quoted strings), RFC 3516 4.4 (literal8).
Gives       Cursor, Reading.
Not here    What the words mean: commands. Where a command ends: framing.

A command's octets are its lines and its literals as they came; a literal is read where its head stands. Every
method raises BadCommand, and Unfinished at a literal whose octets have not come. n octets cost O(n).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from postel.mail import BadSyntax
from postel.proto.imap.fault import BadCommand, Unfinished
from postel.proto.imap.limits import ImapLimits
from postel.proto.imap.names import MailboxName, parse_name
from postel.proto.imap.sequences import (
    Partial,
    SequenceSet,
    UidSet,
    parse_partial,
    parse_sequence_set,
    parse_uid_set,
)
from postel.proto.imap.values import SYSTEM_FLAGS

_T = TypeVar("_T")

_ATOM: Final = re.compile(rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]+")
_ASTRING: Final = re.compile(rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+")
_LIST_NAME: Final = re.compile(rb"[!#$%&'*+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+")
_QUOTED: Final = re.compile(rb'"((?:[^"\\\r\n\0]|\\["\\])*)"')
_ESCAPED: Final = re.compile(rb'\\(["\\])')
_LITERAL: Final = re.compile(rb"(~?)\{([0-9]{1,20})\+?\}\r\n")
_NUMBER: Final = re.compile(rb"[0-9]{1,20}")
_SET: Final = re.compile(rb"\$|[0-9*:,]+")
_PARTIAL: Final = re.compile(rb"-?[0-9]+:-?[0-9]+")
_FLAG: Final = re.compile(rb"\\?[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]+")
_DATE: Final = re.compile(rb"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})")
_DATE_TIME: Final = re.compile(
    rb'"([ 0-9]?[0-9])-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"'
)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), 1
    )
}
MAX_32: Final = (1 << 32) - 1
MAX_63: Final = (1 << 63) - 1
FLAGS_LIMIT: Final = 200
FLAG_LENGTH: Final = 255


@dataclass(frozen=True, slots=True)
class Reading:
    """How commands are to be read in this session, now.

    capabilities    what the server can do: syntax of anything else is not known.
    enabled         what ENABLE has switched on.
    remembered      what pieces of commands, octet by octet, were read as: clients repeat themselves.
    """

    capabilities: frozenset[str] = frozenset()
    enabled: frozenset[str] = frozenset()
    limits: ImapLimits = field(default_factory=ImapLimits)
    remembered: dict[bytes, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_utf8(self) -> bool:
        """Whether quoted strings and mailbox names are UTF-8 (RFC 6855 3, RFC 9051 5.1)."""
        return "UTF8=ACCEPT" in self.enabled or "IMAP4REV2" in self.enabled

    @property
    def is_uid_only(self) -> bool:
        """Whether there are no message sequence numbers any more (RFC 9586 3)."""
        return "UIDONLY" in self.enabled


class Cursor:
    """A place in one command's octets."""

    __slots__ = ("_depth", "place", "reading", "text")

    def __init__(self, text: bytes, reading: Reading, place: int = 0) -> None:
        self.text = text
        self.reading = reading
        self.place = place
        self._depth = 0

    # --- punctuation -------------------------------------------------------------------------------------

    def knows(self, capability: str) -> bool:
        """Whether the server can do this: a syntax that belongs to it is understood."""
        return capability in self.reading.capabilities

    @property
    def at_end(self) -> bool:
        """Whether nothing is left but the line's end."""
        return self.text.startswith(b"\r\n", self.place) or self.place >= len(self.text)

    def is_at(self, octets: bytes) -> bool:
        """Whether these come next."""
        return self.text.startswith(octets, self.place)

    def skip(self, octets: bytes) -> bool:
        """Pass over these where they come next; whether they did."""
        if not self.text.startswith(octets, self.place):
            return False
        self.place += len(octets)
        return True

    def expect(self, octets: bytes) -> None:
        """Pass over these."""
        if not self.skip(octets):
            raise BadCommand(_EXPECTED.get(octets) or f"{octets.decode('ascii')} is expected")

    def space(self) -> None:
        """Pass over the one space between two words."""
        self.expect(b" ")

    def end(self) -> None:
        """See that nothing is left."""
        self.skip_trailing_blanks()
        if not self.at_end:
            raise BadCommand("too many arguments")

    def skip_trailing_blanks(self) -> None:
        """Some clients leave a space at the end of a line."""
        end = self.place
        while self.text.startswith(b" ", end):
            end += 1
        if self.text.startswith(b"\r\n", end) or end >= len(self.text):
            self.place = end

    # --- words -------------------------------------------------------------------------------------------

    def _match(self, pattern: re.Pattern[bytes], expected: str) -> re.Match[bytes]:
        match = pattern.match(self.text, self.place)
        if match is None:
            raise BadCommand(f"{expected} is expected")
        self.place = match.end()
        return match

    def atom(self) -> bytes:
        """One or more characters that need no quotes."""
        return self._match(_ATOM, "an atom")[0]

    def keyword(self) -> bytes:
        """An atom that is compared without regard to case: in upper case."""
        return self._match(_ATOM, "a keyword")[0].upper()

    def word(self, known: dict[bytes, _T], what: str) -> _T:
        """The value that a keyword stands for."""
        found = known.get(self.keyword())
        if found is None:
            raise BadCommand(f"unknown {what}")
        return found

    def skip_word(self, word: bytes) -> bool:
        """Pass over this keyword (given in upper case) and the space behind it; whether they came next."""
        end = self.place + len(word)
        if self.text[self.place : end].upper() != word or self.text[end : end + 1] != b" ":
            return False
        self.place = end + 1
        return True

    def string(self) -> bytes:
        """A quoted string or a literal."""
        if self.is_at(b'"'):
            return self._quoted()
        return self.literal()

    def astring(self) -> bytes:
        """An atom, which may hold "]", or a string."""
        match = _ASTRING.match(self.text, self.place)
        if match is None:
            return self.string()
        self.place = match.end()
        return match[0]

    def nstring(self) -> bytes | None:
        """NIL, or a string."""
        if self.text[self.place : self.place + 3].upper() == b"NIL":
            self.place += 3
            return None
        return self.string()

    def _quoted(self) -> bytes:
        octets = self._match(_QUOTED, "a quoted string on one line")[1]
        if not octets.isascii():
            self._check_utf8(octets)
        return _ESCAPED.sub(rb"\1", octets) if b"\\" in octets else octets

    def _check_utf8(self, octets: bytes) -> None:
        # RFC 6855 3: only after ENABLE, and only well-formed.
        if not self.reading.is_utf8:
            raise BadCommand("a quoted string is ASCII before ENABLE UTF8=ACCEPT")
        as_text(octets)

    def literal(self, *, allows_nul: bool = False) -> bytes:
        """A literal, or a literal8 where NUL is allowed."""
        match = self._match(_LITERAL, "a string")
        size = int(match[2])
        octets = self.text[match.end() : match.end() + size]
        if len(octets) < size:
            self.place = match.start()
            raise Unfinished("a literal is expected")
        self.place = match.end() + size
        if match[1] and not allows_nul:
            raise BadCommand("no literal8 is allowed here")
        # RFC 9051 9, CHAR8: no NUL.
        if b"\0" in octets and not (allows_nul and match[1]):
            raise BadCommand("NUL is allowed in a literal8 only")
        return octets

    def upload_head(self) -> tuple[int, bool]:
        """Pass over the head of a message's literal, with which the text ends: size, whether NUL is allowed."""
        match = self._match(_LITERAL, "a message as a literal")
        if match[1] and not self.knows("BINARY"):
            raise BadCommand("no literal8 is allowed here")
        return int(match[2]), bool(match[1])

    def text_string(self) -> str:
        """An astring that is UTF-8."""
        return as_text(self.astring())

    # --- numbers -----------------------------------------------------------------------------------------

    def number(self, most: int = MAX_32) -> int:
        """A number from 0."""
        number = int(self._match(_NUMBER, "a number")[0])
        if number > most:
            raise BadCommand("the number is too large")
        return number

    def positive(self, most: int = MAX_32) -> int:
        """A number from 1."""
        number = self.number(most)
        if number == 0:
            raise BadCommand("a number greater than 0 is expected")
        return number

    def modseq(self) -> int:
        """A mod-sequence value, from 0: 63 bits (RFC 7162 7)."""
        return self.number(MAX_63)

    def sequence_set(self) -> SequenceSet:
        """A set of numbers; `$` where SEARCHRES is known."""
        octets = self._match(_SET, "a set of message numbers")[0]
        if octets == b"$" and not self.knows("SEARCHRES"):
            raise BadCommand("a set of message numbers is expected")
        return _plain(parse_sequence_set, octets)

    def uid_set(self) -> UidSet:
        """A set of UIDs without `*` and `$`."""
        return _plain(parse_uid_set, self._match(_SET, "a set of UIDs")[0])

    def partial(self) -> Partial:
        """1:100 or -1:-100 (RFC 9394 3)."""
        return _plain(parse_partial, self._match(_PARTIAL, "a range of results")[0])

    # --- dates -------------------------------------------------------------------------------------------

    def date(self) -> datetime.date:
        """1-Feb-1994, in quotes or not."""
        is_quoted = self.skip(b'"')
        day, month, year = self._match(_DATE, "a date").groups()
        if is_quoted:
            self.expect(b'"')
        try:
            return datetime.date(int(year), _MONTHS.get(month.lower(), 0), int(day))
        except ValueError:
            raise BadCommand("no such date") from None

    def date_time(self) -> datetime.datetime:
        """An internal date, with its zone."""
        parts = self._match(_DATE_TIME, "a date and time").groups()
        day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = parts
        zone = datetime.timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
        try:
            return datetime.datetime(
                int(year),
                _MONTHS.get(month.lower(), 0),
                int(day),
                int(hour),
                int(minute),
                min(int(second), 59),  # a leap second
                tzinfo=datetime.timezone(-zone if sign == b"-" else zone),
            )
        except ValueError:
            raise BadCommand("no such date") from None

    # --- names and flags ---------------------------------------------------------------------------------

    def mailbox(self) -> MailboxName:
        """A mailbox's name."""
        octets = self.astring()
        return _plain(lambda: parse_name(octets, is_utf8=self.reading.is_utf8))

    def list_mailbox(self) -> bytes:
        """A pattern: an atom in which wildcards need no quotes, or a string."""
        match = _LIST_NAME.match(self.text, self.place)
        if match is None:
            return self.string()
        self.place = match.end()
        return match[0]

    def flag(self) -> bytes:
        r"""A keyword or a system flag; \Recent and \* are not for clients."""
        flag = self._match(_FLAG, "a flag")[0]
        if len(flag) > FLAG_LENGTH:
            raise BadCommand("the flag is too long")
        if flag[:1] == b"\\":
            flag = _SYSTEM_FLAGS.get(flag.lower(), b"")
            if not flag:
                raise BadCommand("unknown system flag")
        return flag

    def flag_list(self) -> tuple[bytes, ...]:
        """Flags in parentheses, perhaps none."""
        return tuple(dict.fromkeys(self.listed(self.flag, least=0, most=FLAGS_LIMIT)))

    # --- lists -------------------------------------------------------------------------------------------

    def listed(self, read: Callable[[], _T], *, least: int = 1, most: int = 10_000) -> list[_T]:
        """What `read` reads, in parentheses, with single spaces between."""
        self.enter()
        found: list[_T] = []
        while not self.skip(b")"):
            if found:
                self.space()
                if self.skip(b")"):  # some clients leave a space there
                    break
            found.append(read())
            if len(found) > most:
                raise BadCommand("the list is too long")
        self.leave()
        if len(found) < least:
            raise BadCommand("the list is empty")
        return found

    def enter(self) -> None:
        """Pass over "(", one level deeper."""
        self.expect(b"(")
        self.deepen()

    def deepen(self) -> None:
        """One level deeper. Raises BadCommand where that is too deep."""
        self._depth += 1
        if self._depth > self.reading.limits.nesting:
            raise BadCommand("nested too deeply")

    def leave(self) -> None:
        """One level up."""
        self._depth -= 1


_EXPECTED: Final = {b" ": "a space is expected", b"(": "( is expected", b")": ") is expected"}
_SYSTEM_FLAGS: Final = {flag.lower(): flag for flag in SYSTEM_FLAGS}


def as_text(octets: bytes) -> str:
    """UTF-8. Raises BadCommand."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise BadCommand("text is UTF-8") from None


def _plain(parse: Callable[..., _T], *octets: bytes) -> _T:
    """What a parser of this room gives; its fault as ours."""
    try:
        return parse(*octets)
    except BadSyntax as why:
        raise BadCommand(str(why)) from None
