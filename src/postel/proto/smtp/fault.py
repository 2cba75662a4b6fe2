"""A command that is refused before it becomes an event."""

from __future__ import annotations

from postel.mail import RemoteFault, Reply
from postel.proto.smtp.commands import Verb
from postel.proto.smtp.events import Breach


class CommandRefused(RemoteFault):
    """Carries the reply for the client and the breach for the log.

    breach      None where an honest client may say so: it cannot know yet that a command before was refused.
    is_fatal    whether the session ends with this reply.
    verb        which command it was, once that is known.
    """

    def __init__(self, reply: Reply, breach: Breach | None, *, is_fatal: bool = False) -> None:
        super().__init__(f"{breach}: {reply}")
        self.verb: Verb | None = None
        self.reply = reply
        self.breach = breach
        self.is_fatal = is_fatal
