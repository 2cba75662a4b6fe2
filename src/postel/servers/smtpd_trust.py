"""Who may use commands that tell or do more than taking mail: VRFY, EXPN, ETRN, ATRN, TURN, SEND, VERB and their like.

Implements  RFC 5321 7.3 (VRFY and EXPN are a matter of trust), RFC 1985 5.1 (a local decision), RFC 2645 5.2.1.
Gives       Audience, CommandOptions, CLOSED.
Not here    What each does: smtpd_lookup, smtpd_waiting, smtpd_terminal, smtpd_showing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from postel.mail import IPAddress
from postel.routing import IPNetwork
from postel.servers.admission import is_within

NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Audience:
    """Clients in some networks, and perhaps those that have logged in."""

    networks: tuple[IPNetwork, ...] = ()
    logged_in: bool = False

    def __bool__(self) -> bool:
        return bool(self.networks) or self.logged_in

    def includes(self, ip: IPAddress | None, *, is_logged_in: bool) -> bool:
        """Whether a client is among them."""
        return (self.logged_in and is_logged_in) or is_within(ip, self.networks)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOptions:
    """Who may use which commands. By default nobody.

    verify      gets real answers to VRFY and EXPN; others get 252.
    etrn        may have waiting mail tried now (ETRN).
    send        may write to terminals (SEND, SOML, SAML).
    verbose     may have delivery shown (VERB), and say ONEX.
    fetches     whether accounts may fetch mail of domains (ATRN); each only what it has a right to.
    turns       whether TURN does what ATRN without domains does.
    show_s      how long a delivery is shown, at most, before the reply to the content.
    """

    verify: Audience = Audience()
    etrn: Audience = Audience()
    send: Audience = Audience()
    verbose: Audience = Audience()
    fetches: bool = False
    turns: bool = False
    show_s: float = 10.0

    def open_to(self, ip: IPAddress | None, *, is_logged_in: bool, offers_login: bool) -> frozenset[str]:
        """The commands that a client may use, by name.

        ATRN is among them before the login too, where there can be one: RFC 2645 5.1.1.
        """
        if self is CLOSED or self == CLOSED:
            return NOTHING
        return frozenset(self._open_to(ip, is_logged_in, offers_login))

    def _open_to(self, ip: IPAddress | None, is_logged_in: bool, offers_login: bool) -> Iterator[str]:
        rows = (
            (self.verify, ("VRFY", "EXPN")),
            (self.etrn, ("ETRN",)),
            (self.send, ("SEND", "SOML", "SAML")),
            (self.verbose, ("VERB", "ONEX")),
        )
        for audience, commands in rows:
            if audience.includes(ip, is_logged_in=is_logged_in):
                yield from commands
        if self.fetches and offers_login:
            yield "ATRN"
            if self.turns:
                yield "TURN"


CLOSED: Final = CommandOptions()
