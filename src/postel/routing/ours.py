"""What the table alone says about an address of ours, before the directory is asked.

Implements  RFC 5233 1 (detailed addressing), RFC 5321 4.5.1 and RFC 2142 4 (postmaster, abuse).
Gives       exact_alias, base_alias, last_alias, elsewhere, split_detail, must_reach_somebody.
"""

from __future__ import annotations

from typing import Final

from postel.mail import LocalPart, Mailbox
from postel.routing.route import Discard, OwnMailbox, Refuse, ToHop, ToPull
from postel.routing.table import CATCH_ALL, Alias, OurDomain, RoutingTable

MUST_REACH_SOMEBODY: Final = frozenset({"postmaster", "abuse"})


def must_reach_somebody(mailbox: Mailbox) -> bool:
    """Whether mail for this local part may never be refused at a domain of ours."""
    return mailbox.local_part.folded in MUST_REACH_SOMEBODY


def split_detail(table: RoutingTable, mailbox: Mailbox) -> tuple[Mailbox, str] | None:
    """`kitt+lists@free.org` as `kitt@free.org` and `lists`; None where there is no detail."""
    if not table.detail_separator:
        return None
    local, separator, detail = mailbox.local_part.text.partition(table.detail_separator)
    if not (local and separator):
        return None
    return Mailbox(LocalPart(local), mailbox.domain), detail


def exact_alias(ours: OurDomain, mailbox: Mailbox) -> Alias | None:
    """The alias of just this local part. A local part that is a lone `*` does not mean the catch-all."""
    folded = mailbox.local_part.folded
    return None if folded == CATCH_ALL else ours.aliases.get(folded)


def base_alias(table: RoutingTable, ours: OurDomain, mailbox: Mailbox) -> Alias | None:
    """The alias of the local part without its detail."""
    split = split_detail(table, mailbox)
    return exact_alias(ours, split[0]) if split else None


def last_alias(table: RoutingTable, ours: OurDomain, mailbox: Mailbox) -> Alias | None:
    """What catches an address that is neither alias nor account: the postmaster setting, the catch-all."""
    postmaster = table.postmaster
    if postmaster is not None and must_reach_somebody(mailbox) and postmaster.folded != mailbox.folded:
        return Alias((postmaster,), table.postmaster_source)
    return ours.aliases.get(CATCH_ALL)


def elsewhere(table: RoutingTable, mailbox: Mailbox) -> tuple[ToHop | ToPull | Discard | Refuse, str] | None:
    """The fixed route, with its source, that takes a domain of ours away from our accounts."""
    fixed = table.fixed_route(mailbox.domain, or_everything=False)
    if fixed is None or isinstance(fixed.target, OwnMailbox):
        return None
    return fixed.target, fixed.source
