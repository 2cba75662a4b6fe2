"""Answer VRFY and EXPN in earnest, for those who may know.

Implements  RFC 5321 3.5 (what the answers mean, and their forms), 3.4 (251, 551), RFC 6531 3.7.4.2 (SMTPUTF8).
Asks        Routing; the accounts through it.
Gives       Lookup.
Not here    Who may know: smtpd_trust. The 252 for everybody else: the machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from postel.database import DatabaseTrouble
from postel.hooks import Client
from postel.mail import BadSyntax, Mailbox, Reply, Status, parse_local_part, parse_mailbox
from postel.mail.replies import MAILBOX_UNKNOWN
from postel.proto.smtp import Expn, Vrfy
from postel.routing import Discard, Expand, Refuse, Route, ToMailbox, decide, may_relay
from postel.servers.admitting import run
from postel.servers.smtpd_content import trouble_reply
from postel.servers.smtpd_options import SmtpParts

DOMAINS_LIMIT: Final = 100  # of ours, in which a name without a domain is looked for

_FOUND: Final = Status(2, 1, 5)
_AMBIGUOUS: Final = Status(5, 1, 4)
_NOT_LOCAL: Final = Status(5, 1, 6)
_NEEDS_UTF8: Final = Reply(252, Status(2, 6, 8), "The address can be shown with the parameter SMTPUTF8 only")
_WILL_TRY: Final = Reply(252, Status(2, 1, 5), "Cannot verify from here; the message would be passed on")


class Lookup:
    """Looks up names for one session."""

    def __init__(self, parts: SmtpParts) -> None:
        self._parts = parts

    async def verify(self, event: Vrfy, client: Client) -> Reply:
        """The reply to VRFY: 250, 251, 252, 550, 551, 553; 4yz while accounts cannot be looked up."""
        return await self._answer(event.text, client, is_expanding=False, is_smtputf8=event.is_smtputf8)

    async def expand(self, event: Expn, client: Client) -> Reply:
        """The reply to EXPN: 250 with a line for each member, or as for VRFY."""
        return await self._answer(event.text, client, is_expanding=True, is_smtputf8=event.is_smtputf8)

    async def _answer(self, text: str, client: Client, *, is_expanding: bool, is_smtputf8: bool) -> Reply:
        try:
            reply = await self._look_up(text, client, is_expanding)
        except BadSyntax:
            return MAILBOX_UNKNOWN  # RFC 5321 3.5.1: the name is any text; this one is nobody's
        except DatabaseTrouble as trouble:
            return trouble_reply(trouble)
        return reply if reply.text.isascii() or is_smtputf8 else _NEEDS_UTF8

    async def _look_up(self, text: str, client: Client, is_expanding: bool) -> Reply:
        name = text.removeprefix("<").removesuffix(">").strip(" ")
        if "@" in name:
            mailbox = parse_mailbox(name)
            return self._say(mailbox, await self._route(mailbox), client, is_expanding)
        found = await self._at_our_domains(name)
        if len(found) == 1:
            return self._say(*found[0], client, is_expanding)
        return _ambiguous(mailbox for mailbox, _ in found) if found else MAILBOX_UNKNOWN

    async def _at_our_domains(self, name: str) -> list[tuple[Mailbox, Route]]:
        """Whom a bare name could mean. Raises BadSyntax; a refusal that may pass counts as found."""
        local_part = parse_local_part(name)
        table = self._parts.table
        domains = [row.domain for row in table.domains] or [table.hostname]
        found: list[tuple[Mailbox, Route]] = []
        for domain in domains[:DOMAINS_LIMIT]:
            mailbox = Mailbox(local_part, domain)
            route = await self._route(mailbox)
            if not (isinstance(route, Refuse) and route.reply.is_permanent):
                found.append((mailbox, route))
        return found

    async def _route(self, mailbox: Mailbox) -> Route:
        return (await run(decide(self._parts.table, mailbox), self._parts.answer)).route

    def _say(self, mailbox: Mailbox, route: Route, client: Client, is_expanding: bool) -> Reply:
        match route:
            case Refuse(reply):
                return reply
            case ToMailbox() | Discard():
                return Reply(250, _FOUND, f"<{mailbox}>")
            case Expand():
                return _members(route) if is_expanding else _alias(mailbox, route)
            case _ if self._parts.table.our_domain(mailbox.domain) or self._would_relay(mailbox, client):
                return _WILL_TRY  # RFC 5321 3.5.3: valid as far as can be seen from here
            case _:
                return Reply(551, _NOT_LOCAL, f"User not local; please try <{mailbox}>")

    def _would_relay(self, mailbox: Mailbox, client: Client) -> bool:
        table = self._parts.table
        if table.relay_domain(mailbox.domain) is not None:
            return True
        return may_relay(table, client.ip, is_authenticated=client.account is not None).is_granted


def _alias(mailbox: Mailbox, route: Expand) -> Reply:
    """RFC 5321 3.4 and 3.5.3: 251 where all mail goes on to one other address."""
    if not route.mailboxes and len(route.members) == 1:
        return Reply(251, _FOUND, f"User not local; will forward to <{route.members[0]}>")
    return Reply(250, _FOUND, f"<{mailbox}>")


def _members(route: Expand) -> Reply:
    """RFC 5321 3.5.1: exactly one mailbox on each line."""
    return Reply(250, _FOUND, "\n".join(_addresses(route)))


def _addresses(route: Expand) -> Iterator[str]:
    yield from (f"<{box.account}>" for box in route.mailboxes)
    yield from (f"<{member}>" for member in route.members)


def _ambiguous(mailboxes: Iterable[Mailbox]) -> Reply:
    lines = [f"<{mailbox}>" for mailbox in mailboxes]
    return Reply(553, _AMBIGUOUS, "\n".join(["Ambiguous; possibilities are", *lines]))
