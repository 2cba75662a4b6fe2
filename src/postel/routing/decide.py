"""Decide what becomes of one recipient.

Implements  RFC 5321 3.6.2 (relaying), 3.9.1 (aliases), 4.5.1 (postmaster); RFC 2142 4 (abuse); RFC 5233 1 (details).
Asks        AccountQuestion, FirstAccountQuestion; never DNS: the route to MX hosts is only named here.
Gives       decide.
Not here    Whether a client may have us do it (admission); which hosts to try (mx).

An address of ours is looked for in this order: alias; account; alias, then account, without the detail; the
postmaster setting or, after all, the first account for postmaster and abuse; catch-all. Where a fixed route takes a
domain of ours away from our accounts, its aliases still come first.
"""

from __future__ import annotations

from collections import deque
from typing import Final, TypeAlias

from postel.asks import Asks
from postel.mail import Mailbox, Reply, replies
from postel.routing.abroad import name_of, route_abroad
from postel.routing.ours import (
    base_alias,
    elsewhere,
    exact_alias,
    last_alias,
    must_reach_somebody,
    split_detail,
)
from postel.routing.questions import AccountQuestion, FirstAccountQuestion
from postel.routing.route import Decision, Discard, Expand, Refuse, Route, Step, ToHop, ToMailbox, ToPull
from postel.routing.table import Alias, OurDomain, RoutingTable

_Found: TypeAlias = Alias | ToMailbox | ToHop | ToPull | Discard | Refuse

_NO_ACCOUNT_YET: Final = Refuse(
    replies.SYSTEM_TROUBLE, "no account exists yet that mail for postmaster could reach"
)


def decide(table: RoutingTable, mailbox: Mailbox) -> Asks[Decision]:
    """The route of a mailbox. Ends for every table whatever, within `table.limits`."""
    if table.our_domain(mailbox.domain) is None:
        route, trail = route_abroad(table, mailbox)
        return Decision(mailbox, route, trail)
    walk = _Walk(table, mailbox)
    found = yield from walk.run()
    return Decision(mailbox, found, tuple(walk.trail))


class _Walk:
    """From an address of ours through its aliases to their leaves. It visits no address twice, so it ends."""

    def __init__(self, table: RoutingTable, first: Mailbox) -> None:
        self.trail: list[Step] = []
        self._table = table
        self._first = first
        self._waiting = deque([first])
        self._seen: set[str] = set()
        self._mailboxes: dict[str, ToMailbox] = {}
        self._members: dict[str, Mailbox] = {}
        self._refusals: dict[str, tuple[Mailbox, Refuse]] = {}
        self._discard: Discard | None = None

    def run(self) -> Asks[Route]:
        while self._waiting:
            mailbox = self._waiting.popleft()
            if mailbox.folded in self._seen:
                self._say(f"{mailbox}: seen before")
                continue
            self._seen.add(mailbox.folded)
            if self._is_over_limit():
                return self._refuse(replies.TOO_MANY_MEMBERS, f"{self._first} leads to too many addresses")
            yield from self._visit(mailbox)
        return (yield from self._result())

    def _visit(self, mailbox: Mailbox) -> Asks[None]:
        ours = self._table.our_domain(mailbox.domain)
        if ours is None:
            self._say(f"{mailbox}: at no domain of ours")
            self._members[mailbox.folded] = mailbox
            return
        found = yield from self._look_up(ours, mailbox)
        match found:
            case Alias(members):
                yield from self._follow(mailbox, members)
            case ToMailbox(account):
                self._mailboxes.setdefault(account, found)
            case ToHop() | ToPull():
                self._members[mailbox.folded] = mailbox
            case Discard():
                self._discard = found
            case Refuse():
                self._refusals[mailbox.folded] = (mailbox, found)

    def _follow(self, mailbox: Mailbox, members: tuple[Mailbox, ...]) -> Asks[None]:
        """Queue the members up. An alias that names itself keeps a copy in the account of that name."""
        self._waiting.extend(member for member in members if member.folded != mailbox.folded)
        if any(member.folded == mailbox.folded for member in members):
            if elsewhere(self._table, mailbox) is None and (yield from self._account(mailbox)):
                self._mailboxes.setdefault(mailbox.folded, ToMailbox(mailbox.folded))
            else:
                self._say(f"{mailbox}: names itself, but is no account")

    def _look_up(self, ours: OurDomain, mailbox: Mailbox) -> Asks[_Found]:
        self._say(f"{mailbox.domain} is a domain of ours", ours.source)
        if alias := exact_alias(ours, mailbox):
            return self._say_alias(mailbox, "alias", alias)
        if away := elsewhere(self._table, mailbox):
            return self._away(ours, mailbox, *away)
        account = yield from self._look_up_account(ours, mailbox)
        if account is not None:
            return account
        if alias := last_alias(self._table, ours, mailbox):
            return self._say_alias(mailbox, "caught", alias)
        if must_reach_somebody(mailbox):
            return (yield from self._first_account(mailbox))
        self._say(f"{mailbox}: neither alias nor account")
        return Refuse(replies.MAILBOX_UNKNOWN, f"{mailbox} is neither alias nor account")

    def _away(
        self, ours: OurDomain, mailbox: Mailbox, target: ToHop | ToPull | Discard | Refuse, source: str
    ) -> _Found:
        alias = base_alias(self._table, ours, mailbox) or last_alias(self._table, ours, mailbox)
        if alias is not None:
            return self._say_alias(mailbox, "alias", alias)
        self._say(f"{mailbox}: by the fixed route of its domain {name_of(target)}", source)
        return target

    def _look_up_account(self, ours: OurDomain, mailbox: Mailbox) -> Asks[Alias | ToMailbox | None]:
        if (yield from self._account(mailbox)):
            return ToMailbox(mailbox.folded)
        split = split_detail(self._table, mailbox)
        if split is None:
            return None
        base, detail = split
        if alias := exact_alias(ours, base):
            return self._say_alias(base, "alias", alias)
        if (yield from self._account(base)):
            return ToMailbox(base.folded, detail)
        return None

    def _account(self, mailbox: Mailbox) -> Asks[bool]:
        is_there: bool = yield AccountQuestion(mailbox.folded)
        self._say(f"{mailbox}: {'an account' if is_there else 'no account'}")
        return is_there

    def _first_account(self, mailbox: Mailbox) -> Asks[ToMailbox | Refuse]:
        account: str | None = yield FirstAccountQuestion(mailbox.domain.ascii)
        if account is None:
            self._say(f"{mailbox}: must reach somebody, but there is no account yet")
            return _NO_ACCOUNT_YET
        self._say(f"{mailbox}: must reach somebody: the first account, {account}")
        return ToMailbox(account)

    def _is_over_limit(self) -> bool:
        limits = self._table.limits
        leaves = len(self._mailboxes) + len(self._members)
        return leaves > limits.members or len(self._seen) > limits.addresses

    def _result(self) -> Asks[Route]:
        if self._is_over_limit():
            return self._refuse(replies.TOO_MANY_MEMBERS, f"{self._first} leads to too many addresses")
        if self._mailboxes or self._members:
            return self._leaves()
        if self._discard is not None:
            return self._discard
        if must_reach_somebody(self._first):
            return (yield from self._first_account(self._first))
        if self._refusals:
            return next(iter(self._refusals.values()))[1]
        return self._refuse(replies.ALIAS_LOOP, f"the alias {self._first} leads only back to itself")

    def _leaves(self) -> Route:
        """The plainest route that says it all."""
        # A member that would be refused becomes a recipient too, so that the originator hears of it.
        refused = {folded: mailbox for folded, (mailbox, _) in self._refusals.items()}
        members = self._members | refused
        mailboxes = tuple(self._mailboxes.values())
        if len(mailboxes) == 1 and not members:
            return mailboxes[0]
        away = elsewhere(self._table, self._first)
        if away is not None and not mailboxes and list(members) == [self._first.folded]:
            return away[0]
        return Expand(mailboxes, tuple(members.values()))

    def _refuse(self, reply: Reply, because: str) -> Refuse:
        self._say(because)
        return Refuse(reply, because)

    def _say_alias(self, mailbox: Mailbox, kind: str, alias: Alias) -> Alias:
        self._say(f"{mailbox}: {kind}: {', '.join(str(member) for member in alias.members)}", alias.source)
        return alias

    def _say(self, text: str, source: str = "") -> None:
        self.trail.append(Step(text, source))
