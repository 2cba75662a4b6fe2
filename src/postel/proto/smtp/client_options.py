"""What the shell may set about a client session.

Implements  RFC 5321 4.5.3.2 (timeouts), RFC 2920 3.1 (groups).
Gives       ClientOptions, ClientTimeouts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from postel.proto.smtp.reply_reader import ReplyLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTimeouts:
    """How long each step may take, in seconds. The defaults are the minima of RFC 5321 4.5.3.2."""

    greeting: float = 300  # 4.5.3.2.1
    hello: float = 300  # as for MAIL; the standard names none
    start_tls: float = 120  # no work is done before the 220
    login: float = 120  # password hashes take seconds, not minutes
    mail: float = 300  # 4.5.3.2.2
    rcpt: float = 300  # 4.5.3.2.3
    data: float = 120  # 4.5.3.2.4
    block: float = 180  # 4.5.3.2.5: for one chunk to be taken
    end_of_data: float = 600  # 4.5.3.2.6: giving up sooner makes duplicates
    command: float = 300  # as for MAIL: RFC 1985 5.1 has the server answer at once, VRFY may look far
    turn: float = 600  # RFC 2645 5.2.1: at least ten minutes
    reset: float = 60  # no work is done for it
    quit: float = 10  # 4.1.1.10: we SHOULD wait for the 221, but nothing hangs on it


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """Settings of one session.

    hostname      what we call ourselves: a domain name or an address literal (RFC 5321 4.1.1.1).
    is_lmtp       speak LMTP: LHLO, and one reply for each accepted recipient after the content (RFC 2033).
    group_limit   commands under way at once where the server offers PIPELINING. More would only fill the
                  buffers between us; both sides waiting for room in them is the deadlock of RFC 2920 3.1.
    """

    hostname: str
    is_lmtp: bool = False
    group_limit: int = 100
    timeouts: ClientTimeouts = field(default_factory=ClientTimeouts)
    limits: ReplyLimits = field(default_factory=ReplyLimits)
