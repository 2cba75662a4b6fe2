"""A command that is refused before it becomes an event."""

from __future__ import annotations

from postel.mail import RemoteFault, Reply
from postel.proto.smtp.events import Breach


class CommandRefused(RemoteFault):
    """Carries the reply for the client and the breach for the log.

    is_fatal    whether the session ends with this reply.
    """

    def __init__(self, reply: Reply, breach: Breach, *, is_fatal: bool = False) -> None:
        super().__init__(f"{breach}: {reply}")
        self.reply = reply
        self.breach = breach
        self.is_fatal = is_fatal
