"""What a POP3 session offers, and where its limits lie.

Implements  RFC 2449 4 (lengths), RFC 1939 3 (autologout timer).
Gives       Pop3Options, Pop3Limits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

LEAST_INACTIVITY_S: Final = 600.0  # RFC 1939 3: at least ten minutes
LEAST_COMMAND_LINE: Final = 255  # RFC 2449 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Pop3Limits:
    """Limits of one session. Lines are octets with their CRLF."""

    command_line: int = 255
    auth_line: int = 12288  # RFC 5034 4: responses as long as the mechanisms make them
    flush_at: int = 65536  # octets due to the peer before the shell is asked to send them
    faults_before_close: int = 10
    commands_before_login: int = 100  # whoever has shown no password yet gets so much of our attention
    failed_logins_before_close: int = 5
    inactivity_s: float = 600.0

    def __post_init__(self) -> None:
        if self.command_line < LEAST_COMMAND_LINE:
            raise ValueError("RFC 2449 4: a command line has at least 255 octets")
        if self.inactivity_s < LEAST_INACTIVITY_S:
            raise ValueError("RFC 1939 3: the inactivity timer is at least 600 seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pop3Options:
    """What the session offers now; TLS and policy change it (`tls_started`).

    hostname         our name in the greeting.
    timestamp        `<...>` in the greeting, unlike any before; given when and only when APOP is offered.
    offers_stls      STLS may be given.
    offers_plaintext USER and PASS may be given on the connection as it is now.
    mechanisms       SASL mechanisms that may be used on the connection as it is now.
    expire_days      least days that messages stay (RFC 2449 6.7); None: they are never removed by policy.
    login_delay_s    announced where it is not 0; the shell enforces it.
    """

    hostname: str
    timestamp: str | None = None
    offers_stls: bool = False
    offers_plaintext: bool = False
    mechanisms: tuple[str, ...] = ()
    expire_days: int | None = None
    login_delay_s: int = 0
    implementation: str = "Postel"
    language: str = "en"  # preferred: the first, and what `LANG *` selects
    limits: Pop3Limits = field(default_factory=Pop3Limits)
