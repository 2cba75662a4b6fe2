"""The services pop3 and pop3s.

Implements  RFC 1939 3 (the service), RFC 8314 3.3 (pop3s: TLS from the first octet).
Gives       Pop3Service.
Not here    What happens within a session: pop3d_session. Accepting and draining: service.
"""

from __future__ import annotations

from typing import Final

from postel.net import Stream
from postel.proto import pop3
from postel.servers.admission import Away
from postel.servers.pop3d_options import Pop3Parts, Pop3ServiceOptions
from postel.servers.pop3d_session import LoginDelays, Pop3Session
from postel.servers.service import Service
from postel.tls import ServerTls

_WORDS: Final = {
    Away.SHUTTING_DOWN: pop3.SHUTTING_DOWN,
    Away.TOO_BUSY: pop3.TOO_MANY_SESSIONS,
    Away.TOO_MANY_FROM_YOU: pop3.TOO_MANY_SESSIONS,
}


class Pop3Service(Service[Pop3ServiceOptions, Pop3Parts, Pop3Session]):
    """POP3 for one or more listeners."""

    room = "pop3d"

    def __init__(self, options: Pop3ServiceOptions, parts: Pop3Parts, tls: ServerTls | None = None) -> None:
        super().__init__(options, parts, tls)
        self._delays = LoginDelays(parts.clock)

    @property
    def name(self) -> str:
        """pop3, or pop3s with implicit TLS."""
        return "pop3s" if self._options.is_tls_implicit else "pop3"

    def session(self, stream: Stream) -> Pop3Session:
        """A session on a stream whose implicit handshake is over."""
        return Pop3Session(stream, self._options, self._parts, self._tls, self._delays)

    def parting_words(self, why: Away) -> bytes:
        """What a client reads that is turned away."""
        talk = pop3.Pop3Server(pop3.Pop3Options(hostname=self._options.hostname.ascii))
        talk.next_event()
        talk.answer(_WORDS[why])
        return talk.data_to_send()
