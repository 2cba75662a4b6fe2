"""SEND, SOML and SAML: messages to people who are there.

Implements  RFC 821 3.4 (sending and mailing), 4.2 and 4.3 (450 for a user who is not active).
Asks        Routing, whose terminals a recipient means; the terminals, who is there.
Gives       ToTerminals, terminal_message; NOT_THERE, NOT_SHOWN, SHOWN.
Not here    The terminals themselves: terminals. The mailbox: the queue.

What is shown is no promise: nothing durable is behind it. So SEND is answered with 250 only once every recipient's
terminal has shown the message, SOML queues it for those whose terminal has not, and SAML queues it for all, first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from postel.mail import Mailbox, Reply, Status
from postel.proto.smtp import Manner
from postel.routing import Expand, ToMailbox, decide
from postel.servers.admitting import run
from postel.servers.smtpd_options import SmtpParts
from postel.servers.smtpd_transaction import MailTransaction
from postel.terminals import SHOWN_LIMIT, TerminalMessage, Terminals

NOT_THERE: Final = Reply(450, Status(4, 2, 1), "The user is not active now")  # RFC 821 3.4
NOT_SHOWN: Final = Reply(451, Status(4, 2, 1), "No terminal of some users has shown the message")
SHOWN: Final = Reply(250, Status(2, 1, 5), "Shown")


class ToTerminals:
    """What one session sends to terminals. Every method raises DatabaseTrouble."""

    def __init__(self, terminals: Terminals, parts: SmtpParts) -> None:
        self._terminals = terminals
        self._parts = parts

    async def check(self, manner: Manner, mailbox: Mailbox) -> Reply | None:
        """The reply to RCPT when nobody is there to be sent to; None: go on."""
        if manner is not Manner.SEND:
            return None
        for account in await self._accounts(mailbox):
            if await self._terminals.is_live(account):
                return None
        return NOT_THERE

    async def show(self, mailboxes: Iterable[Mailbox], message: TerminalMessage) -> tuple[Mailbox, ...]:
        """Show the message to all these recipients; those to whom it was shown."""
        return tuple([one for one in mailboxes if await self._show(one, message)])

    async def _show(self, mailbox: Mailbox, message: TerminalMessage) -> bool:
        shown = [await self._terminals.show(account, message) for account in await self._accounts(mailbox)]
        return any(shown)

    async def _accounts(self, mailbox: Mailbox) -> Sequence[str]:
        route = (await run(decide(self._parts.table, mailbox), self._parts.answer)).route
        match route:
            case ToMailbox(account):
                return (account,)
            case Expand(mailboxes):
                return _names(mailboxes)
            case _:
                return ()


def _names(mailboxes: Iterable[ToMailbox]) -> Sequence[str]:
    return tuple(dict.fromkeys(box.account for box in mailboxes))


async def terminal_message(transaction: MailTransaction) -> TerminalMessage:
    """What a terminal is given of a message: as much of the content as a screen shows."""
    content = bytearray()
    async for chunk in transaction.read():
        content += chunk
        if len(content) >= SHOWN_LIMIT:
            break
    return TerminalMessage(str(transaction.reverse_path), bytes(content[:SHOWN_LIMIT]))
