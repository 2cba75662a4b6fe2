"""AUTHENTICATE.

Implements  RFC 9051 6.2.2, RFC 4959 (SASL-IR).
Gives       Authenticate, read_authenticate.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from postel.mail import BadSyntax
from postel.proto import sasl
from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand


@dataclass(frozen=True, slots=True)
class Authenticate(Command):
    """A SASL exchange begins; `initial` is None where none was given."""

    mechanism: str
    initial: bytes | None = field(default=None, repr=False)


def read_authenticate(cursor: Cursor) -> Authenticate:
    """The mechanism, and perhaps an initial response."""
    cursor.space()
    mechanism = cursor.keyword().decode("ascii")
    if cursor.at_end or not cursor.skip(b" ") or cursor.at_end:
        return Authenticate(mechanism)
    try:
        return Authenticate(mechanism, sasl.decode_initial(cursor.atom()))
    except BadCommand:
        raise
    except BadSyntax as why:
        raise BadCommand(str(why)) from None
