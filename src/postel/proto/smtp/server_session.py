"""What a session of the server machine consists of, and the ways in which it speaks and ends.

Implements  RFC 5321 3.8 (421 closes), 4.2.5 and 7.8 as far as they let a server hang up.
Gives       ServerSession: the session as the parts of the machine share it.
Not here    The contract with the shell: server. From octets to events: server_reading. What commands and answers
            change: server_effects.

Invariant: `finish` is the only way to OVER, and Closed is the last event.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from postel.mail import Reply, Status
from postel.proto.smtp import replies
from postel.proto.smtp.chunks import RefusedChunk
from postel.proto.smtp.commands import Row, Verb
from postel.proto.smtp.events import AuthCancelled, Breach, Closed, Connected, DataAborted, Event, Misbehaved
from postel.proto.smtp.extensions import offers_to
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.lines import LineReader
from postel.proto.smtp.misconduct import PARDONED, Misconduct
from postel.proto.smtp.options import ServerOptions, Standing
from postel.proto.smtp.server_transaction import ServerTransaction
from postel.proto.smtp.states import Ending, State

_EXCERPT: Final = 80  # octets of a line at fault that the log may see
_CONNECTED: Final = Connected()


class ServerSession:
    """One session.

    buffer           received, and not read yet.
    out              replies that are due to the peer.
    events           what the shell is still to be told.
    owed, row        the event whose answer is awaited, and the row of its command.
    standing, offers how the client stands, and what that opens to it.
    refused_chunk    the BDAT that is refused once its octets have gone by.
    has_ended        the peer has closed its side.
    is_single        ONEX was said; is_spent: and the one transaction is over.
    """

    __slots__ = (
        "buffer",
        "events",
        "has_ended",
        "has_talked_early",
        "is_extended",
        "is_single",
        "is_spent",
        "is_verbose",
        "lines",
        "misconduct",
        "offers",
        "options",
        "out",
        "owed",
        "refused_chunk",
        "row",
        "standing",
        "state",
        "transaction",
    )

    def __init__(self, standing: Standing) -> None:
        self.buffer = bytearray()
        self.out: list[bytes] = []
        self.events: deque[Event] = deque((_CONNECTED,))
        self.owed: Event | None = None
        self.row: Row | None = None
        self.state = State.CONNECTED
        self.lines = LineReader(standing.options.limits)
        self.transaction = ServerTransaction()
        self.refused_chunk: RefusedChunk | None = None
        self.misconduct = Misconduct()
        self.has_ended = False
        self.is_single = False
        self.is_spent = False
        self.has_talked_early = False
        self.is_extended = False
        self.is_verbose = False
        self.stand(standing)

    def stand(self, standing: Standing) -> None:
        """The client stands so from now on."""
        self.standing = standing
        self.options: ServerOptions = standing.options
        self.offers = offers_to(standing)

    def enter(self) -> None:
        """Go where the command's row leads."""
        if self.row is not None and self.row.then is not None:
            self.state = self.row.then

    def end_transaction(self) -> None:
        """Nothing is left of it."""
        self.transaction = ServerTransaction()

    def fail_url(self, *, is_last: bool) -> None:
        """RFC 4468 3.2: what could not be fetched fails its transaction, lest what follows pass for the whole."""
        if self.transaction.has_content:
            self.events.append(DataAborted("a URL was refused"))
        if is_last:
            self.end_transaction()
        else:
            self.transaction.forget_content()
        self.state = State.READY if is_last else State.CHUNKS_FAILED

    # Speaking

    def say(self, reply: Reply) -> None:
        """One reply more is due."""
        self.out.append(reply.format())

    def refuse(self, refused: CommandRefused, line: bytes, times: int = 1) -> None:
        """Say no to a line, and hang up on whoever earns too many."""
        if refused.breach is not None:
            self.misbehave(refused.breach, refused.reply, line)
        for _ in range(1 if refused.is_fatal else times):
            self.say(refused.reply)
        if self.state is State.IN_AUTH:
            self.end_auth(AuthCancelled())
        if refused.is_fatal:
            self.finish(Ending.FAULT)
        elif refused.breach is None or refused.breach in PARDONED:
            self.count(Breach.TOO_MANY_REFUSALS)
        else:
            self.count(Breach.TOO_MANY_FAULTS)

    def misbehave(self, breach: Breach, reply: Reply | None, excerpt: bytes) -> None:
        """Tell the shell that the client broke the protocol."""
        self.events.append(Misbehaved(breach, reply, excerpt[:_EXCERPT]))

    def end_auth(self, event: Event) -> None:
        """A login that came to nothing."""
        self.events.append(event)
        self.state = State.READY
        self.count(Breach.TOO_MANY_FAILED_LOGINS)

    # Losing patience

    def is_idle_too_long(self, verb: Verb) -> bool:
        """Count a command that brings no mail; the one too many is answered with 421. QUIT is never too many."""
        return verb is not Verb.QUIT and self.count(Breach.TOO_MANY_IDLE_COMMANDS)

    def count(self, kind: Breach) -> bool:
        """Count one more of what wears our patience out; whether that was too much, and 421 is said."""
        is_too_much = self.misconduct.is_too_much(kind, self.options.limits)
        if is_too_much and self.state is not State.OVER:
            self.misbehave(kind, None, b"")
            self.give_up(Ending.FAULT, Status(4, 7, 0), "Too many errors, closing")
        return is_too_much

    def give_up(self, ending: Ending, status: Status, text: str) -> None:
        """Say 421, and be over."""
        self.say(replies.closing(self.options.hostname, status, text))
        self.finish(ending)

    def finish(self, ending: Ending) -> None:
        """The only way to OVER: what is open is void, and Closed comes last."""
        if self.state is State.OVER:
            return
        if self.transaction.has_open_content:
            self.events.append(DataAborted(ending))
        if self.state is State.IN_AUTH:
            self.events.append(AuthCancelled())
        self.state = State.OVER
        self.owed = None
        self.buffer.clear()
        self.events.append(Closed(ending))
