"""What a command that cannot be carried out is answered with.

Gives       Refused, BadCommand, UidRequired.
"""

from __future__ import annotations

from postel.mail import BadSyntax
from postel.proto.imap.codes import BAD, UIDREQUIRED, Result


class Refused(BadSyntax):
    """A command, read or half read, that gets `result` and nothing else."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.text)
        self.result = result


class BadCommand(Refused):
    """Octets that do not follow the grammar (RFC 9051 9). The text says what was expected."""

    def __init__(self, text: str) -> None:
        super().__init__(BAD.saying(text[:1].upper() + text[1:]))


class UidRequired(Refused):
    """Message sequence numbers, where the client has switched them off (RFC 9586 3)."""

    def __init__(self) -> None:
        super().__init__(BAD.saying("There are no message sequence numbers under UIDONLY", UIDREQUIRED))


class Unfinished(BadCommand):
    """The text ends at a literal whose octets have not come yet."""
