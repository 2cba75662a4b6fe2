"""How much a server puts up with in one session.

Gives       Patience.
Not here    What is a fault: server. The numbers: limits.
"""

from __future__ import annotations

from postel.proto.imap.codes import BYE
from postel.proto.imap.fault import Refused
from postel.proto.imap.limits import ImapLimits


class Patience:
    """Counts what is done wrong, and what is done before the login."""

    __slots__ = ("_commands", "_failed_logins", "_faults", "limits")

    def __init__(self, limits: ImapLimits) -> None:
        self.limits = limits
        self._commands = 0  # before the login
        self._failed_logins = 0
        self._faults = 0  # in a row

    def note_stranger(self) -> None:
        """A command came before the login. Raises Refused with BYE: too many."""
        self._commands += 1
        if self._commands > self.limits.commands_before_login:
            raise Refused(BYE.saying("Too many commands before the login"))

    def note_fault(self) -> bool:
        """A command was answered with BAD; whether it was one too many."""
        self._faults += 1
        return self._faults >= self.limits.faults_before_close

    def note_sense(self) -> None:
        """A command was none of that."""
        self._faults = 0

    def note_failed_login(self) -> bool:
        """Whether it was one too many."""
        self._failed_logins += 1
        return self._failed_logins >= self.limits.failed_logins_before_close
