"""The services imap and imaps.

Implements  RFC 9051 2.1 (the service), RFC 8314 3.2 (imaps: TLS from the first octet).
Gives       ImapService.
Not here    What happens within a session: session. Accepting and draining: servers.access.
"""

from __future__ import annotations

from typing import Final

from postel.net import Stream
from postel.proto.imap import BYE, codes
from postel.servers.access import AccessService, Away
from postel.servers.imapd.handlers import HANDLERS
from postel.servers.imapd.options import ImapParts, ImapServiceOptions
from postel.servers.imapd.session import ImapSession

_WORDS: Final = {
    Away.SHUTTING_DOWN: BYE.saying("The server is shutting down", codes.UNAVAILABLE),
    Away.TOO_MANY_SESSIONS: BYE.saying("Too many connections; try again later", codes.UNAVAILABLE),
}


class ImapService(AccessService[ImapServiceOptions, ImapParts]):
    """IMAP for one or more listeners."""

    room = "imapd"
    names = ("imap", "imaps")

    def session(self, stream: Stream) -> ImapSession:
        """A session on a stream whose implicit handshake is over."""
        return ImapSession(stream, self._options, self._parts, self._tls, HANDLERS)

    def parting_words(self, why: Away) -> bytes:
        """What a client reads that is turned away."""
        return _WORDS[why].format()
