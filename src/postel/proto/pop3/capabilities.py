"""What CAPA announces.

Implements  RFC 2449 5 and 6, RFC 2595 4, RFC 3206 6, RFC 5034 3, RFC 6856 2 and 3.
Gives       CAPABILITIES, announced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from postel.proto.pop3.commands import State
from postel.proto.pop3.options import Pop3Options


@dataclass(frozen=True, slots=True)
class Capability:
    """One capability: its tag, where it stands, and its line, or None while it is not offered."""

    tag: str
    clause: str
    line: Callable[[Pop3Options, State], str | None]


def _always(line: str) -> Callable[[Pop3Options, State], str | None]:
    return lambda _options, _state: line


def _user(options: Pop3Options, _state: State) -> str | None:
    return "USER" if options.offers_plaintext else None


def _sasl(options: Pop3Options, _state: State) -> str | None:
    # RFC 5034 3: still announced when AUTH has succeeded.
    return " ".join(("SASL", *options.mechanisms)) if options.mechanisms else None


def _stls(options: Pop3Options, state: State) -> str | None:
    # RFC 2595 4: announced where it is permitted, which is before the login only.
    return "STLS" if options.offers_stls and state is not State.TRANSACTION else None


def _expire(options: Pop3Options, _state: State) -> str | None:
    return "EXPIRE NEVER" if options.expire_days is None else f"EXPIRE {options.expire_days}"


def _login_delay(options: Pop3Options, _state: State) -> str | None:
    return f"LOGIN-DELAY {options.login_delay_s}" if options.login_delay_s else None


def _implementation(options: Pop3Options, _state: State) -> str | None:
    return f"IMPLEMENTATION {options.implementation}"


CAPABILITIES: Final = (
    Capability("TOP", "RFC 2449 6.1", _always("TOP")),
    Capability("UIDL", "RFC 2449 6.8", _always("UIDL")),
    Capability("USER", "RFC 2449 6.2", _user),
    Capability("SASL", "RFC 5034 3", _sasl),
    Capability("STLS", "RFC 2595 4", _stls),
    Capability("PIPELINING", "RFC 2449 6.6", _always("PIPELINING")),
    Capability("RESP-CODES", "RFC 2449 6.4", _always("RESP-CODES")),
    Capability("AUTH-RESP-CODE", "RFC 3206 6", _always("AUTH-RESP-CODE")),
    Capability("EXPIRE", "RFC 2449 6.7", _expire),
    Capability("LOGIN-DELAY", "RFC 2449 6.5", _login_delay),
    Capability("UTF8", "RFC 6856 2", _always("UTF8 USER")),
    Capability("LANG", "RFC 6856 3", _always("LANG")),
    Capability("IMPLEMENTATION", "RFC 2449 6.9", _implementation),
)


def announced(options: Pop3Options, state: State) -> list[str]:
    """The capability lines of this state."""
    lines = (capability.line(options, state) for capability in CAPABILITIES)
    return [line for line in lines if line is not None]
