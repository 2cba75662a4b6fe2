"""The SMTP services: smtp, submission, submissions, odmr, lmtp.

Implements  RFC 5321 3.8 (a server that stops, or has too many clients, says 421).
Gives       SmtpService.
Not here    What happens within a session: smtpd_session. Accepting and draining: service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from postel.hooks import Hooks
from postel.mail import Reply, Status
from postel.net import Stream
from postel.proto.smtp import replies
from postel.servers.admission import Away
from postel.servers.service import Service
from postel.servers.smtpd_handlers import HANDLERS
from postel.servers.smtpd_options import ServiceOptions, SmtpParts
from postel.servers.smtpd_policy import own_policy
from postel.servers.smtpd_session import SmtpSession
from postel.servers.smtpd_standing import Counter
from postel.tls import ServerTls

TOO_BUSY: Final = Reply(421, Status(4, 3, 2), "Too busy; try again later")
TOO_MANY_FROM_YOU: Final = Reply(421, Status(4, 7, 0), "Too many connections from your address")

_WORDS: Final[Mapping[Away, Reply]] = {
    Away.SHUTTING_DOWN: replies.SHUTTING_DOWN,
    Away.TOO_BUSY: TOO_BUSY,
    Away.TOO_MANY_FROM_YOU: TOO_MANY_FROM_YOU,
}


class SmtpService(Service[ServiceOptions, SmtpParts, SmtpSession]):
    """One service of SMTP for one or more listeners.

    accepted    how many messages got their 250, in sessions that have ended.
    """

    room = "smtpd"

    def __init__(self, options: ServiceOptions, parts: SmtpParts, tls: ServerTls | None = None) -> None:
        super().__init__(options, parts, tls)
        self.accepted = 0

    @property
    def name(self) -> str:
        """smtp, submission ..."""
        return self._options.service.value

    def reload(self, options: ServiceOptions, parts: SmtpParts, tls: ServerTls | None) -> None:
        """Use these for sessions from now on; those under way keep what they began with."""
        super().reload(options, parts, tls)
        self._counter = Counter(options, parts, tls)
        self._hooks = Hooks(parts.hooks, own_policy(options, parts), parts.hook_options, parts.hook_runner)

    def session(self, stream: Stream) -> SmtpSession:
        """A session on a stream whose implicit handshake is over."""
        return SmtpSession(stream, self._counter, self._hooks, HANDLERS)

    def parting_words(self, why: Away) -> bytes:
        """What a client reads that is turned away."""
        reply = _WORDS[why]
        return Reply(reply.code, reply.status, f"{self._options.hostname.ascii} {reply.text}").format()

    def closed(self, session: SmtpSession) -> None:
        """A session has ended."""
        self.accepted += session.accepted

    async def stop(self, drain_s: float) -> None:
        """Let every session finish its command and say 421; after `drain_s` cut off those left."""
        await super().stop(drain_s)
        await self._hooks.close()
