"""Why a host could not be used, before any message was offered to it.

Gives       HopTrouble.
"""

from __future__ import annotations

from postel.mail import Reply, Status


class HopTrouble(Exception):
    """This host is of no use now; another of the same destination may be.

    remote      the host.
    reply       what to say about mail that waits for it: transient, with the host's own words in it; permanent
                only where the host takes no mail at all.
    because     for the log.
    """

    def __init__(self, remote: str, reply: Reply, because: str) -> None:
        super().__init__(f"{remote}: {because}")
        self.remote = remote
        self.reply = reply
        self.because = because


# RFC 3463 3.5
NO_ANSWER = Status(4, 4, 1)
BAD_CONNECTION = Status(4, 4, 2)
SYSTEM_REFUSES = Status(4, 3, 2)
TLS_NEEDED = Status(4, 7, 4)
LOGIN_NEEDED = Status(4, 7, 0)
# RFC 8689 4.2.1
REQUIRETLS_NEEDED = Status(5, 7, 30)
ENCRYPTION_NEEDED = Status(5, 7, 10)


def unreachable(remote: str, because: str) -> HopTrouble:
    """No connection."""
    return HopTrouble(remote, Reply(451, NO_ANSWER, f"{remote} cannot be reached: {because}"), because)


def lost(remote: str, because: str) -> HopTrouble:
    """A connection that broke, or a peer that does not speak SMTP."""
    return HopTrouble(remote, Reply(451, BAD_CONNECTION, f"{remote}: {because}"), because)


def refused(remote: str, reply: Reply) -> HopTrouble:
    """The host turns us away at its greeting or at EHLO.

    RFC 7504 3: 521 means that it takes no mail under any circumstances. Anything else, 554 included, may be
    about us and now, and retrying costs less than returning mail that would have arrived.
    """
    because = f"turned us away: {reply}"
    if reply.code == 521:
        return HopTrouble(remote, reply, because)
    status = Status(4, reply.status.subject, reply.status.detail) if reply.status else SYSTEM_REFUSES
    return HopTrouble(remote, Reply(451, status, f"{remote} {because}"), because)
