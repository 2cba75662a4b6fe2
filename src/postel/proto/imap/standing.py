"""Where a session stands, and so how its commands are read and what it announces.

Implements  RFC 9051 3 (states), 5.4 (timer), 6.3.1 (ENABLE), RFC 8437 3 (what UNAUTHENTICATE forgets).
Gives       Standing, the part of ImapServer that looks at no octets.
"""

from __future__ import annotations

from postel.proto.imap import codes
from postel.proto.imap.capabilities import ENABLED_BY_NAME, ImapOptions, announced, understood
from postel.proto.imap.commands import Enable
from postel.proto.imap.cursor import Reading
from postel.proto.imap.states import State


class Standing:
    """State, options, and what was switched on."""

    def __init__(self, options: ImapOptions) -> None:
        self._state = State.CONNECTED
        self._enabled: frozenset[str] = frozenset()
        self._adopt(options)

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._state

    @property
    def is_logged_in(self) -> bool:
        """Whether a login has succeeded."""
        return self._state in (State.AUTHENTICATED, State.SELECTED)

    @property
    def enabled(self) -> frozenset[str]:
        """What was switched on, in upper case: CONDSTORE, QRESYNC, UTF8=ACCEPT, IMAP4REV2, UIDONLY."""
        return self._enabled

    @property
    def reading(self) -> Reading:
        """How commands are read now: `is_utf8`, `is_uid_only`."""
        return self._reading

    @property
    def options(self) -> ImapOptions:
        """What the session offers; may be replaced between any two events."""
        return self._options

    @options.setter
    def options(self, options: ImapOptions) -> None:
        self._adopt(options)

    @property
    def timeout_s(self) -> float:
        """RFC 9051 5.4: how long the peer may be silent, in seconds."""
        limits = self._options.limits
        return limits.inactivity_s if self.is_logged_in else limits.login_s

    def deselect(self) -> None:
        """The selected mailbox is gone; say BYE or untagged OK [CLOSED] by yourself."""
        if self._state is State.SELECTED:
            self._state = State.AUTHENTICATED

    def enable(self, *names: str) -> None:
        """Switch on what a command implies (RFC 7162 3.1: CONDSTORE)."""
        self._enabled |= frozenset(names)
        self._adopt(self._options)

    def _adopt(self, options: ImapOptions) -> None:
        self._options = options
        self._reading = Reading(understood(options), self._enabled, options.limits)

    def _switch_on(self, command: Enable) -> bytes:
        """What the ENABLED response says (RFC 9051 7.2.1)."""
        known = self._reading.capabilities & ENABLED_BY_NAME
        names = [name for name in command.capabilities if name in known]
        implied = ("CONDSTORE",) if "QRESYNC" in names else ()  # RFC 7162 3.2.3
        self.enable(*names, *implied)
        told = [word for word in self._options.capabilities if word.upper() in names]
        return "".join(f" {word}" for word in told).encode()

    def _forget_login(self) -> None:
        # RFC 8437 3: as if the connection were new, TLS and compression excepted.
        self._enabled = frozenset()
        self._adopt(self._options)

    def _capabilities(self) -> str:
        """The words of a CAPABILITY response."""
        return " ".join(announced(self._options, self._state))

    def _capability_code(self) -> codes.Code:
        return codes.capability(announced(self._options, self._state))
