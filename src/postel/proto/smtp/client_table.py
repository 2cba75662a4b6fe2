"""The client's states and the replies that each command may get, as tables.

Implements  RFC 5321 4.3.2 (which replies make sense), 4.5.3.2 (which timeout counts).
Gives       State, Said, Command, ROWS.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from postel.proto.smtp.client_options import ClientTimeouts
from postel.proto.smtp.states import OneOfEach


class State(OneOfEach, enum.Enum):
    """Whose turn it is, and for what."""

    WAITING = "waiting for replies"
    TURNED_AWAY = "turned away"  # greeting or EHLO refused: only QUIT is left
    GREETED = "greeted"  # EHLO is due
    READY = "ready"
    STARTING_TLS = "starting TLS"
    IN_LOGIN = "making a key for the login"
    IN_CONTENT = "in content"
    OVER = "over"


class Said(OneOfEach, enum.Enum):
    """What awaits a reply."""

    NOTHING_YET = "connecting"
    EHLO = "EHLO"
    HELO = "HELO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    CANCEL = "the cancelled AUTH"
    COMMAND = "the command"
    TURN = "ATRN"
    RSET = "RSET"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CHUNK = "a chunk of the content"
    CONTENT = "the content"
    EACH = "the content, for one recipient"
    OVERALL = "the content, for all together"
    LONE_DOT = "the empty content"
    QUIT = "QUIT"


@dataclass(frozen=True, slots=True)
class Row:
    """What may come back, and how long it may take.

    positive   the first digits that make sense besides 4 and 5, which always do (RFC 5321 4.3.2).
    timeout    which of the timeouts counts.
    """

    positive: str
    timeout: Callable[[ClientTimeouts], float]


ROWS: Final[Mapping[Said, Row]] = {
    Said.NOTHING_YET: Row("2", lambda t: t.greeting),
    Said.EHLO: Row("2", lambda t: t.hello),
    Said.HELO: Row("2", lambda t: t.hello),
    Said.STARTTLS: Row("2", lambda t: t.start_tls),
    Said.AUTH: Row("23", lambda t: t.login),
    Said.CANCEL: Row("", lambda t: t.login),
    Said.COMMAND: Row("2", lambda t: t.command),
    Said.TURN: Row("2", lambda t: t.turn),
    Said.RSET: Row("2", lambda t: t.reset),
    Said.MAIL: Row("2", lambda t: t.mail),
    Said.RCPT: Row("2", lambda t: t.rcpt),
    Said.DATA: Row("3", lambda t: t.data),
    Said.CHUNK: Row("2", lambda t: t.end_of_data),
    Said.EACH: Row("2", lambda t: t.end_of_data),
    Said.OVERALL: Row("2", lambda t: t.end_of_data),
    Said.CONTENT: Row("2", lambda t: t.end_of_data),
    Said.LONE_DOT: Row("2", lambda t: t.end_of_data),
    Said.QUIT: Row("2", lambda t: t.quit),
}


@dataclass(frozen=True, slots=True)
class Command:
    """One command line, or the content, and which recipient it is about.

    recipient   its place in the envelope, for RCPT and for LMTP's replies to the content; else -1.
    """

    said: Said
    line: bytes
    recipient: int = -1
