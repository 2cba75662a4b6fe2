"""Mail that waits here for a client: try it now (ETRN), or hand it over on this very connection (ATRN, TURN).

Implements  RFC 1985 5.1 and 5.3 (ETRN), RFC 2645 5.2.1 (ATRN), RFC 821 3.8 (TURN, for whoever has proven who it is).
Asks        Routing, which lanes are meant; the queue, what waits in them.
Gives       WaitingMail.
Not here    Who may ask: smtpd_trust. Handing over: whoever `SmtpParts.hand_over` is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from postel.database import DatabaseTrouble
from postel.mail import Domain, Mailbox, Reply, Status
from postel.net import Stream
from postel.proto.smtp import Etrn, replies
from postel.routing import (
    Node,
    NotYours,
    is_fetched,
    is_known_node,
    lanes_of_node,
    lanes_to_pull,
    node_of,
)
from postel.servers.smtpd_options import SmtpParts

_STARTED: Final = Status(2, 0, 0)
_REFUSED: Final = Status(4, 7, 1)
_NOT_NOW: Final = Status(4, 3, 0)
NOT_ALL_YOURS: Final = Reply(450, _REFUSED, "ATRN request refused")  # RFC 2645 7
UNDER_WAY: Final = Reply(450, Status(4, 5, 0), "That mail is being fetched already")
NOT_NOW: Final = Reply(451, _NOT_NOW, "Unable to process the request now")


class WaitingMail:
    """What waits for the client of one session.

    lanes   those that were granted to it, to be handed over once the session has ended.
    """

    def __init__(self, parts: SmtpParts) -> None:
        self._parts = parts
        self.lanes: Sequence[str] = ()

    # ETRN

    async def wake(self, event: Etrn) -> Reply:
        """The reply to ETRN: 251 and 253 with what really waits, 458, 459."""
        nodes = self._nodes(event)
        if isinstance(nodes, Reply):
            return nodes
        table, queue = self._parts.table, self._parts.queue
        try:
            waiting = await queue.lanes_with_mail()
            lanes = {lane for node in nodes for lane in lanes_of_node(table, node, waiting)}
            count = await queue.count_messages(lanes)
            await queue.wake(lanes)
        except DatabaseTrouble:
            return Reply(458, _NOT_NOW, f"Unable to queue messages for node {event.node}")
        if not count:
            return Reply(251, _STARTED, f"OK, no messages waiting for node {event.node}")
        return Reply(253, _STARTED, f"OK, {count} pending messages for node {event.node} started")

    def _nodes(self, event: Etrn) -> Collection[Node] | Reply:
        table = self._parts.table
        if event.domain is None:
            name = event.node.removeprefix("#").casefold()
            for row in table.queues:
                if row.name == name:
                    return [node_of(pattern) for pattern in row.patterns]
            return _not_allowed(event, "there is no such queue")
        node = Node(event.domain, event.with_below)
        if is_fetched(table, event.domain):
            return Reply(458, _NOT_NOW, f"Unable to queue messages for node {event.node}: they wait for ATRN")
        if not is_known_node(table, node):
            return _not_allowed(event, "its mail is not kept here")
        return [node]

    # ATRN, TURN

    async def grant(self, account: Mailbox | None, domains: Sequence[Domain]) -> Reply:
        """The reply to ATRN or TURN; after 250 `lanes` are the client's."""
        hand_over = self._parts.hand_over
        if hand_over is None or account is None:
            return NOT_ALL_YOURS
        queue = self._parts.queue
        try:
            lanes = lanes_to_pull(self._parts.table, account, domains, await queue.lanes_with_mail())
            count = await queue.count_messages(lanes)
        except NotYours:
            # RFC 2645 5.2.1: no access to one of them, so no mail for any.
            return NOT_ALL_YOURS
        except DatabaseTrouble:
            return NOT_NOW
        if not count:
            return replies.NO_MAIL_FOR_YOU
        if not hand_over.may_begin(lanes):
            return UNDER_WAY
        self.lanes = lanes
        return replies.TURNED

    async def hand_over(self, stream: Stream) -> int:
        """Be the client on the stream, until everything granted is handed over. How many messages were taken.

        Raises nothing for what the peer or the network does.
        """
        hand_over = self._parts.hand_over
        assert hand_over is not None, "nothing was granted"
        return await hand_over.run(stream, self.lanes)


def _not_allowed(event: Etrn, why: str) -> Reply:
    return Reply(459, _REFUSED, f"Node {event.node} not allowed: {why}")
