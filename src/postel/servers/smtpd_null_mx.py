"""Refuse, while the client waits, what a null MX record says can never arrive, or never be answered.

Implements  RFC 7505 4.1 (556 5.1.10 for a recipient, 550 5.7.27 for an originator), RFC 7504 4 (556).
Asks        `SmtpParts.takes_no_mail`, for domains that are neither ours nor have a route of their own.
Gives       null_mx_policy.
Not here    A next hop that turns out to have such a record later: routing, delivery.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final

from postel.hooks import HookFunction, Mail, Phase, Rcpt, Refuse
from postel.mail import Domain, Host, Reply, Status
from postel.mail.replies import DOMAIN_TAKES_NO_MAIL
from postel.routing import RoutingTable
from postel.servers.smtpd_options import NullMx, ServiceOptions, SmtpParts

ORIGINATOR_NULL_MX: Final = Reply(550, Status(5, 7, 27), "The sender's domain accepts no mail (null MX)")


def null_mx_policy(options: ServiceOptions, parts: SmtpParts) -> Iterator[HookFunction]:
    """The functions to ask besides; none where nobody's records are looked at."""
    if parts.takes_no_mail is None:
        return
    policy = _Policy(parts.table, parts.takes_no_mail)
    is_all = options.null_mx is NullMx.ALL
    if is_all and not options.service.is_submission:
        yield HookFunction(Phase.MAIL, policy.mail, "postel:null-mx", is_trusted=True)
    if is_all or (options.null_mx is NullMx.RECIPIENTS and options.service.is_submission):
        yield HookFunction(Phase.RCPT, policy.rcpt, "postel:null-mx", is_trusted=True)


@dataclass(frozen=True, slots=True)
class _Policy:
    table: RoutingTable
    takes_no_mail: Callable[[Domain], Awaitable[bool]]

    async def mail(self, facts: Mail) -> Refuse | None:
        """No report could ever reach this originator."""
        mailbox = facts.reverse_path.mailbox
        if mailbox is None or not await self._is_dead_end(mailbox.domain):
            return None
        return Refuse(ORIGINATOR_NULL_MX, because=f"{mailbox.domain} has a null MX record")

    async def rcpt(self, facts: Rcpt) -> Refuse | None:
        """Better now, while somebody listens, than by a report."""
        domain = facts.mailbox.domain
        if not await self._is_dead_end(domain):
            return None
        return Refuse(DOMAIN_TAKES_NO_MAIL, because=f"{domain} has a null MX record")

    async def _is_dead_end(self, domain: Host) -> bool:
        if not isinstance(domain, Domain) or self.table.our_domain(domain) is not None:
            return False
        return self.table.fixed_route(domain) is None and await self.takes_no_mail(domain)
