"""What one service offers to whom: its options as a machine sees them, for a client as it stands.

Implements  RFC 4954 4 and RFC 8314 3.2 (logins where nobody listens), RFC 3207 4.2 (anew after TLS),
            RFC 4468 3.1 (BURL where mail is submitted, and nowhere else).
Gives       Counter.
Not here    What is offered under which options: proto.smtp. The options themselves: smtpd_options.

Few clients stand differently, so what was made for one serves the next.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeAlias

from postel.hooks import Client
from postel.net import Endpoint
from postel.proto.smtp import ServerOptions
from postel.servers.admission import is_within
from postel.servers.proxied import NOBODY
from postel.servers.smtpd_options import ServiceOptions, SmtpParts, machine_options
from postel.servers.smtpd_trust import NOTHING
from postel.servers.smtpd_wishes import wish_options
from postel.servers.smtpd_xclient import commands_for
from postel.servers.url_access import UrlAccess, UrlRooms
from postel.tls import ServerTls

_BURL: Final = frozenset({"BURL"})
KINDS: Final = 64  # of clients, that are remembered

_MINUTE_S: Final = 60  # the most remote instant is announced so exactly
_Standing: TypeAlias = tuple[bool, bool, bool, frozenset[str], int]


class Counter:
    """The counter that sessions of one service are served at, from one reload of its options to the next.

    urls    follows the URLs of what is submitted; None: there is no BURL here.
    """

    def __init__(self, options: ServiceOptions, parts: SmtpParts, tls: ServerTls | None) -> None:
        self.options = options
        self.parts = parts
        self.tls = tls
        self.urls = _url_access(options, parts)
        self._trusts_anybody = options.xclient != NOBODY or options.xforward != NOBODY
        self._made: dict[_Standing, ServerOptions] = {}

    def peer_commands(self, peer: Endpoint) -> frozenset[str]:
        """What the host at the other end may say of others."""
        return commands_for(self.options, peer) if self._trusts_anybody else NOTHING

    def machine_options(
        self, client: Client, peer_commands: frozenset[str], *, has_certificate: bool
    ) -> ServerOptions:
        """What the machine may offer to this client. has_certificate: it has shown a valid one."""
        options = self.options
        is_tls = client.tls is not None
        is_private = is_tls or is_within(client.ip, options.plaintext_login)
        longest_s = options.wishes.hold_longest_s
        minute = int((self.parts.clock.now() + longest_s) // _MINUTE_S) if longest_s else 0
        commands = peer_commands | options.commands.open_to(
            client.ip, is_logged_in=client.account is not None, offers_login=options.has_login
        )
        if self.urls is not None:
            commands |= _BURL
        standing = (is_private, is_tls, has_certificate, commands, minute)
        found = self._made.get(standing)
        if found is None:
            if len(self._made) >= KINDS:
                self._made.clear()
            found = self._made[standing] = self._make(*standing)
        return found

    def _make(
        self,
        is_private: bool,
        is_tls: bool,
        has_certificate: bool,
        commands: frozenset[str],
        minute: int,
    ) -> ServerOptions:
        is_submission = self.options.service.is_submission
        now = minute * _MINUTE_S - self.options.wishes.hold_longest_s
        wishes = wish_options(self.options.wishes, now, is_submission=is_submission)
        made = machine_options(
            self.options,
            has_tls=self.tls is not None,
            is_private=is_private,
            is_tls=is_tls,
            wishes=wishes,
            has_certificate=has_certificate,
        )
        keeps = made.keeps_transactions and self.parts.checkpoints is not None
        return replace(made, commands=commands, keeps_transactions=keeps)


def _url_access(options: ServiceOptions, parts: SmtpParts) -> UrlAccess | None:
    if parts.store is None or not options.service.is_submission:
        return None
    rooms = UrlRooms(parts.clock, parts.contents, parts.directory, parts.store)
    return UrlAccess(rooms, options.hostname.ascii)
