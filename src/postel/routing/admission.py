"""Admit a recipient in the session, or refuse it: relay control.

Implements  RFC 5321 3.6.2, 7.9 (whom we relay for), RFC 2505 2.1 (no relaying for strangers), RFC 3463 3.8 (x.7.1).
Asks        what `decide` asks.
Gives       Admission, admit, may_relay.
Not here    Policy on clients and senders: the hooks, smtpd.

What can be refused is refused here, so that no report about it ever goes to a forged reverse path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from postel.asks import Asks
from postel.mail import ForwardPath, IPAddress, Mailbox, Reply, replies
from postel.routing.decide import decide
from postel.routing.route import Decision, Expand, Refuse, Step, ToMailbox
from postel.routing.table import RoutingTable

# Local parts in which old mailers saw a further address: user%host, host!user, "user@host".
_ROUTING_SPECIALS: Final = frozenset("%!@")


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a recipient is taken.

    refusal     what the client is told; None when it is taken.
    because     what the log is told about a refusal.
    decision    with the trail; its route says what would become of the recipient, taken or not.
    """

    decision: Decision
    refusal: Reply | None = None
    because: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether RCPT is answered with 250."""
        return self.refusal is None

    @property
    def mailbox(self) -> Mailbox:
        """The recipient, postmaster with the domain that it stands for."""
        return self.decision.mailbox


@dataclass(frozen=True, slots=True)
class RelayRight:
    """Whether a client may have us relay to anybody, and why."""

    is_granted: bool
    step: Step


def may_relay(table: RoutingTable, client_ip: IPAddress | None, *, is_authenticated: bool) -> RelayRight:
    """Whether this client may relay: it is logged in, or in a network of `relay_networks`."""
    if is_authenticated:
        return RelayRight(True, Step("the client is logged in: it may relay"))
    row = table.relay_network(client_ip)
    if row is not None:
        return RelayRight(True, Step(f"the client is in {row.network}: it may relay", row.source))
    return RelayRight(False, Step("the client is not logged in, and in no network that may relay"))


def admit(table: RoutingTable, recipient: ForwardPath | Mailbox, *, may_relay: bool) -> Asks[Admission]:
    """Accept or refuse one recipient of RCPT for a client that may relay, or may not."""
    mailbox = recipient.at(table.hostname) if isinstance(recipient, ForwardPath) else recipient
    decision = yield from decide(table, mailbox)
    if isinstance(decision.route, Refuse):
        return Admission(decision, decision.route.reply, decision.route.because)
    because = "" if may_relay else _why_not(table, decision)
    return Admission(decision, replies.RELAY_DENIED if because else None, because)


def _why_not(table: RoutingTable, decision: Decision) -> str:
    """Why a stranger may not send there; "" when anybody may."""
    mailbox = decision.mailbox
    is_ours = table.our_domain(mailbox.domain) is not None
    if not is_ours and table.relay_domain(mailbox.domain) is None:
        return f"{mailbox.domain} is neither ours nor a relay domain, and the client may not relay"
    if isinstance(decision.route, ToMailbox | Expand):
        return ""
    if _ROUTING_SPECIALS.isdisjoint(mailbox.local_part.text):
        return ""
    # We are trusted where we pass mail on to: user%elsewhere@relay.domain would make that host relay for us.
    return f"{mailbox} hides a further address in its local part, and the client may not relay"
