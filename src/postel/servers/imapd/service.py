"""The services imap and imaps.

Implements  RFC 9051 2.1 (the service), RFC 8314 3.2 (imaps: TLS from the first octet).
Gives       ImapService.
Not here    What happens within a session: session. Accepting and draining: servers.service.
"""

from __future__ import annotations

from typing import Final

from postel.net import Stream
from postel.proto.imap import BYE, codes
from postel.servers.admission import Away
from postel.servers.imapd.handlers import HANDLERS
from postel.servers.imapd.options import ImapParts, ImapServiceOptions
from postel.servers.imapd.session import ImapSession
from postel.servers.service import Service

_TOO_MANY: Final = BYE.saying("Too many connections; try again later", codes.UNAVAILABLE)
_WORDS: Final = {
    Away.SHUTTING_DOWN: BYE.saying("The server is shutting down", codes.UNAVAILABLE),
    Away.TOO_BUSY: _TOO_MANY,
    Away.TOO_MANY_FROM_YOU: _TOO_MANY,
}


class ImapService(Service[ImapServiceOptions, ImapParts, ImapSession]):
    """IMAP for one or more listeners."""

    room = "imapd"

    @property
    def name(self) -> str:
        """imap, or imaps with implicit TLS."""
        return "imaps" if self._options.is_tls_implicit else "imap"

    def session(self, stream: Stream) -> ImapSession:
        """A session on a stream whose implicit handshake is over."""
        return ImapSession(stream, self._options, self._parts, self._tls, HANDLERS)

    def parting_words(self, why: Away) -> bytes:
        """What a client reads that is turned away."""
        return _WORDS[why].format()
