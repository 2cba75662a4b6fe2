"""Addresses: a local part at a domain.

Implements  RFC 5321 4.1.2 (Mailbox, Local-part, Dot-string, Quoted-string), 2.4 (case),
            RFC 6531 3.3 (UTF-8 in local parts).
Gives       LocalPart, Mailbox, parse_local_part, parse_mailbox.
Not here    The IMAP thing of that name: always a StoredMailbox (store).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from postel.mail.domain import Host, parse_host
from postel.mail.fault import BadSyntax

# RFC 5321 4.5.3.1.1 lets us stop at 64 octets, but mailing lists write more (VERP), so we take what
# fits a path of 4.5.3.1.3 and never less than the standard asks.
LOCAL_PART_LIMIT: Final = 256

ATEXT: Final = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010FFFF-"
DOT_STRING: Final = rf"[{ATEXT}]+(?:\.[{ATEXT}]+)*"
# qtextSMTP and quoted-pairSMTP: printable ASCII and blanks, and by RFC 6531 anything beyond ASCII.
QUOTED_STRING: Final = r'"(?:[ !#-\[\]-~\u0080-\U0010FFFF]|\\[ -~])*"'
_DOT_STRING: Final = re.compile(DOT_STRING)
_QUOTED_STRING: Final = re.compile(QUOTED_STRING)
_QUOTED_PAIR: Final = re.compile(r"\\(.)")
_NEEDS_BACKSLASH: Final = re.compile(r'(["\\])')


@dataclass(frozen=True, slots=True)
class LocalPart:
    """What stands before the @, without the quotes it may have been written in.

    Others' local parts keep their case (RFC 5321 2.4); `folded` is for our own domains, where we decide.
    """

    text: str

    @property
    def folded(self) -> str:
        """The form under which our own domains compare local parts."""
        return self.text.casefold()

    def __str__(self) -> str:
        if _DOT_STRING.fullmatch(self.text):
            return self.text
        return '"' + _NEEDS_BACKSLASH.sub(r"\\\1", self.text) + '"'


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address: RFC 5321 2.3.11. `str()` gives its wire form, quoted where it must be."""

    local_part: LocalPart
    domain: Host
    _text: str | None = field(default=None, init=False, repr=False, compare=False)  # once asked for

    @property
    def is_ascii(self) -> bool:
        """Whether a peer without SMTPUTF8 can be told this address (RFC 6531 3.2)."""
        return self.local_part.text.isascii() and self.domain.is_ascii

    @property
    def folded(self) -> str:
        """`local@domain` folded for look-ups within our own domains."""
        return f"{self.local_part.folded}@{self.domain.ascii}"

    def __str__(self) -> str:
        text = self._text
        if text is None:
            text = f"{self.local_part}@{self.domain}"
            object.__setattr__(self, "_text", text)
        return text

    def __hash__(self) -> int:
        return hash(self.local_part.text)


def parse_local_part(text: str) -> LocalPart:
    """Parse a dot-string or a quoted string. Raises BadSyntax."""
    if len(text.encode("utf-8", "surrogatepass")) > LOCAL_PART_LIMIT:
        raise BadSyntax(f"a local part has at most {LOCAL_PART_LIMIT} octets")
    if _DOT_STRING.fullmatch(text):
        return LocalPart(text)
    if _QUOTED_STRING.fullmatch(text):
        inner = _QUOTED_PAIR.sub(r"\1", text[1:-1])
        if not inner:
            raise BadSyntax("a local part is not empty")
        return LocalPart(inner)
    raise BadSyntax("a local part is words joined by single dots, or a quoted string")


@lru_cache(maxsize=4096)
def parse_mailbox(text: str) -> Mailbox:
    """Parse `local@domain` or `local@[literal]`. Raises BadSyntax."""
    local, at, domain = text.rpartition("@")
    if not at:
        raise BadSyntax("an address has an @ and a domain")
    return Mailbox(parse_local_part(local), parse_host(domain))
