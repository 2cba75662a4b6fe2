"""Reverse and forward paths as MAIL and RCPT give them.

Implements  RFC 5321 4.1.2 (Path, Reverse-path, Forward-path), 4.1.1.3 and appendix C (source routes are
            accepted and stripped), 4.5.1 and 2.3.5 (postmaster without a domain).
Gives       ReversePath, ForwardPath, split_path, parse_reverse_path, parse_forward_path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final

from postel.mail.domain import Domain
from postel.mail.fault import BadSyntax
from postel.mail.mailbox import DOT_STRING, QUOTED_STRING, LocalPart, Mailbox, parse_mailbox

# RFC 5321 4.5.3.1.3 names 256 octets as the least to accept; a path of our longest parts is longer.
PATH_LIMIT: Final = 520

_PATH: Final = re.compile(
    rf"""<
    (?: (?P<route> @[^\s:<>"]* ) : )?
    (?P<mailbox> (?:{DOT_STRING}|{QUOTED_STRING}) (?: @ [^\s<>]+ )? )?
    >""",
    re.VERBOSE,
)
_SOURCE_ROUTE: Final = re.compile(
    r"@[A-Za-z0-9\u0080-\U0010FFFF.\[\]:-]+(?:,@[A-Za-z0-9\u0080-\U0010FFFF.\[\]:-]+)*"
)


@dataclass(frozen=True, slots=True)
class ReversePath:
    """Where reports about a message go; null for a message that must not be reported on (4.5.5)."""

    mailbox: Mailbox | None

    NULL: ClassVar[ReversePath]

    @property
    def is_null(self) -> bool:
        """Whether this is `<>`."""
        return self.mailbox is None

    @property
    def is_ascii(self) -> bool:
        """Whether a peer without SMTPUTF8 can be told this path."""
        return self.mailbox is None or self.mailbox.is_ascii

    def __str__(self) -> str:
        """Without the angle brackets: the empty text for the null path."""
        return "" if self.mailbox is None else str(self.mailbox)


ReversePath.NULL = ReversePath(None)


@dataclass(frozen=True, slots=True)
class ForwardPath:
    """One recipient as RCPT gave it. Only postmaster may come without a domain (4.5.1)."""

    local_part: LocalPart
    mailbox: Mailbox | None

    @property
    def is_postmaster_alone(self) -> bool:
        """Whether this is `<postmaster>`: the postmaster of the server itself."""
        return self.mailbox is None

    @property
    def is_ascii(self) -> bool:
        """Whether a peer without SMTPUTF8 can be told this path."""
        return self.mailbox is None or self.mailbox.is_ascii

    def at(self, domain: Domain) -> Mailbox:
        """The mailbox, `domain` standing in for a postmaster without one."""
        return self.mailbox or Mailbox(self.local_part, domain)

    def __str__(self) -> str:
        """Without the angle brackets."""
        return str(self.mailbox or self.local_part)

    @classmethod
    def of(cls, mailbox: Mailbox) -> ForwardPath:
        """The path to a mailbox known otherwise than by RCPT."""
        return cls(mailbox.local_part, mailbox)


def split_path(text: str) -> tuple[str, str]:
    """Split `<path> PARAMETERS` into the path with its brackets and the rest.

    A `>` inside a quoted local part does not end the path. Raises BadSyntax.
    """
    match = _PATH.match(text)
    if match is None:
        raise BadSyntax("a path is an address in angle brackets")
    if match.end() > PATH_LIMIT:
        raise BadSyntax(f"a path has at most {PATH_LIMIT} octets")
    return match.group(), text[match.end() :]


@lru_cache(maxsize=4096)
def parse_reverse_path(text: str) -> ReversePath:
    """Parse `<>`, `<local@domain>` or `<@route:local@domain>`. Raises BadSyntax."""
    address = _strip(text)
    if not address:
        return ReversePath.NULL
    return ReversePath(parse_mailbox(address))


@lru_cache(maxsize=4096)
def parse_forward_path(text: str) -> ForwardPath:
    """Parse `<local@domain>`, `<@route:local@domain>` or `<postmaster>`. Raises BadSyntax."""
    address = _strip(text)
    if not address:
        raise BadSyntax("a recipient is not empty")
    if address.casefold() == "postmaster":
        return ForwardPath(LocalPart(address), None)
    return ForwardPath.of(parse_mailbox(address))


def _strip(text: str) -> str:
    """Drop brackets and source route: RFC 5321 appendix C lets us ignore the route, and we do."""
    match = _PATH.fullmatch(text)
    if match is None:
        raise BadSyntax("a path is an address in angle brackets")
    route, address = match.group("route", "mailbox")
    if route is not None:
        if not address:
            raise BadSyntax("a source route leads to an address")
        if not _SOURCE_ROUTE.fullmatch(route):
            raise BadSyntax("a source route is @domains joined by commas")
    return address or ""
