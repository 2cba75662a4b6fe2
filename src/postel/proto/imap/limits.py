"""The limits of one IMAP session, and how long it waits.

Implements  RFC 9051 4.3 and RFC 7888 (literals), 5.4 (autologout timer), RFC 2683 3.2.1.5 (length of a command).
Gives       ImapLimits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LEAST_INACTIVITY_S: Final = 1800.0  # RFC 9051 5.4: at least 30 minutes after the login
LEAST_COMMAND: Final = 8192  # RFC 2683 3.2.1.5: servers take at least 8000 octets


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapLimits:
    """Sizes in octets, times in seconds.

    command             one command, without its literals.
    command_before_login   the same, while nobody knows whom we talk to.
    literal             one literal that is an argument.
    literals            all literals of one command that are arguments, together.
    login_literal       the same two, before the login.
    append              one message that is uploaded; also APPENDLIMIT where it is announced.
    swallow             what a literal that was refused may hold before the session is ended instead.
    pending             octets received beyond the command in hand, before `is_full`.
    flush_at            octets due to the peer, before `is_full`.
    messages            messages that one command may work on (RFC 9738); 0: as many as there are.
    nesting             parentheses, NOT and OR within each other.
    faults_before_close   commands in a row that were answered with BAD.
    """

    command: int = 65536
    command_before_login: int = 8192
    auth_line: int = 12288
    literal: int = 65536
    literals: int = 262144
    login_literal: int = 1024
    append: int = 64 * 1024 * 1024
    swallow: int = 256 * 1024 * 1024
    pending: int = 65536
    flush_at: int = 65536
    messages: int = 0
    nesting: int = 50
    endless_line: int = 1024 * 1024
    faults_before_close: int = 20
    commands_before_login: int = 100
    failed_logins_before_close: int = 5
    login_s: float = 180.0
    inactivity_s: float = 1800.0

    def __post_init__(self) -> None:
        if self.inactivity_s < LEAST_INACTIVITY_S:
            raise ValueError("RFC 9051 5.4: the inactivity timer is at least 1800 seconds")
        if self.command < LEAST_COMMAND:
            raise ValueError("RFC 2683 3.2.1.5: a command may have at least 8192 octets")
