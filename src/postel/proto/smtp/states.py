"""The states of a server's session, and how long each may wait for the client.

Implements  RFC 5321 3.1 to 3.3, 4.1.4 (the order of commands), 4.5.3.2.7 (the server's timeout),
            RFC 3207 4.2, RFC 4954 4.
Gives       State, TIMEOUTS, Ending; OneOfEach.
Not here    Which command is allowed in which state: commands.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


class OneOfEach:
    """Members are found by what they are, not by their names: every command looks them up."""

    __hash__ = object.__hash__


class State(OneOfEach, enum.Enum):
    """Where a session stands. Every session begins CONNECTED and ends OVER."""

    CONNECTED = "connected"  # our greeting is still to be decided
    TURNED_AWAY = "turned away"  # greeted with 5yz: only QUIT is taken (RFC 5321 3.1)
    GREETED = "greeted"  # 220 said, no EHLO or HELO yet
    READY = "ready"  # said hello; no mail transaction
    IN_MAIL = "in mail"  # MAIL accepted, no recipient yet
    HAS_RCPT = "has recipients"  # at least one RCPT accepted
    READING_DATA = "reading data"  # 354 said: octets are content until the end of mail data
    READING_CHUNK = "reading a chunk"  # BDAT: as many octets as it announced are content
    IN_CHUNKS = "between chunks"  # a chunk was accepted, and the last one is still to come
    CHUNKS_FAILED = "a chunk failed"  # only RSET, EHLO or QUIT lead out (RFC 3030 2)
    SWALLOWING = "swallowing a chunk"  # the octets of a BDAT that is refused go by
    IN_AUTH = "in auth"  # 334 said: the next line is a SASL response
    STARTING_TLS = "starting TLS"  # 220 said to STARTTLS: nothing is read until TLS stands
    OVER = "over"


# RFC 5321 4.5.3.2.7 asks a server to wait at least five minutes for the next command, and gives no
# number for content, where its client side waits three minutes for a block (4.5.3.2.5): five serve both.
_COMMAND_S: Final = 300.0
_HANDSHAKE_S: Final = 60.0  # ours: a handshake is no command, and costs both sides only moments

TIMEOUTS: Final[Mapping[State, float]] = MappingProxyType(
    {
        State.CONNECTED: _COMMAND_S,
        State.TURNED_AWAY: _COMMAND_S,
        State.GREETED: _COMMAND_S,
        State.READY: _COMMAND_S,
        State.IN_MAIL: _COMMAND_S,
        State.HAS_RCPT: _COMMAND_S,
        State.READING_DATA: _COMMAND_S,
        State.READING_CHUNK: _COMMAND_S,
        State.IN_CHUNKS: _COMMAND_S,
        State.CHUNKS_FAILED: _COMMAND_S,
        State.SWALLOWING: _COMMAND_S,
        State.IN_AUTH: _COMMAND_S,
        State.STARTING_TLS: _HANDSHAKE_S,
        State.OVER: 0.0,
    }
)


class Ending(enum.StrEnum):
    """Why a session ended."""

    QUIT = "quit"
    PEER_CLOSED = "peer closed"
    TIMED_OUT = "timed out"
    FAULT = "fault"  # we gave up on the client: the Misbehaved event before says why
    TURNED = "turned"  # TURN or ATRN: the roles are reversed, and what follows is another session
    REFUSED = "refused"  # the shell answered 421, or shut the session down
