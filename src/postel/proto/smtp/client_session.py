"""What a session of the client machine consists of: what was said and heard, and how it ends.

Implements  RFC 2920 3.1 (a window of commands), RFC 5321 3.3, RFC 1845 3 (what has to wait for the reply to MAIL).
Gives       ClientSession; current.
Not here    The contract with the shell: client. What replies change: client_hearing.

The invariant: `awaited` holds what has been said and not been answered, in the order it was said; every reply belongs
to the first of them, by count alone (RFC 2920 3.1).
"""

from __future__ import annotations

from collections import deque
from typing import TypeVar

from postel.mail import LocalFault, Reply
from postel.proto import sasl
from postel.proto.smtp.chunk_writer import ChunkWriter
from postel.proto.smtp.client_events import (
    ClientEvent,
    ContentWanted,
    PartlyAccepted,
    QuitDone,
    SessionLost,
    TransactionDone,
    TurnDone,
)
from postel.proto.smtp.client_options import ClientOptions
from postel.proto.smtp.client_table import Command, Said, State
from postel.proto.smtp.client_transaction import ClientTransaction
from postel.proto.smtp.dot_stuffing import DotStuffer
from postel.proto.smtp.offered import Offered
from postel.proto.smtp.reply_reader import ReplyReader

T = TypeVar("T")


class ClientSession:
    """One session.

    awaited, unsaid   what was said and not answered; what is to be said once it may be.
    events, out       what the shell is to be told; what is due to the server.
    chunks            while content goes out by BDAT.
    initial           an initial response that did not fit AUTH's line.
    """

    __slots__ = (
        "awaited",
        "chunks",
        "events",
        "exchange",
        "initial",
        "needs_reset",
        "offered",
        "options",
        "out",
        "reader",
        "replies_read",
        "state",
        "stuffer",
        "transaction",
        "unsaid",
    )

    def __init__(self, options: ClientOptions) -> None:
        self.options = options
        self.offered = Offered()
        self.replies_read = 0
        self.state = State.WAITING
        self.reader = ReplyReader(options.limits)
        self.awaited: deque[Command] = deque([Command(Said.NOTHING_YET, b"")])
        self.unsaid: deque[Command] = deque()
        self.events: deque[ClientEvent] = deque()
        self.out: list[bytes] = []
        self.transaction: ClientTransaction | None = None
        self.needs_reset = False
        self.stuffer = DotStuffer()
        self.chunks: ChunkWriter | None = None
        self.exchange: sasl.ClientExchange | None = None
        self.initial: bytes | None = None

    def say(self, said: Said, line: str | bytes) -> None:
        """One command, now or as soon as it may go."""
        self.queue(said, line.encode() if isinstance(line, str) else line)
        self.pump()

    def queue(self, said: Said, line: bytes, recipient: int = -1) -> None:
        """One command behind those that wait."""
        self.unsaid.append(Command(said, line, recipient))

    def pump(self) -> None:
        """Say what may be said now: one command at a time, or a window of them."""
        window = self.options.group_limit if "PIPELINING" in self.offered else 1
        while self.unsaid and len(self.awaited) < window and not self.must_wait(self.unsaid[0]):
            command = self.unsaid.popleft()
            if command.said is Said.DATA and not self.awaited and not self.may_send:
                return  # RFC 5321 3.3: DATA would fail, and we know it already
            self.out.append(command.line)
            self.awaited.append(command)

    def must_wait(self, command: Command) -> bool:
        """RFC 1845 3: what follows depends on whether MAIL was answered with 250 or with 355."""
        transaction = self.transaction
        if transaction is None or not transaction.is_checkpointed:
            return False
        return command.said in (Said.RCPT, Said.DATA) and (
            not transaction.is_begun or (command.said is Said.DATA and bool(self.awaited))
        )

    @property
    def may_send(self) -> bool:
        """Whether there is somebody to send the content to."""
        transaction = self.transaction
        return transaction is not None and bool(transaction.accepted) and not transaction.is_partly_accepted

    def queue_transaction(self, transaction: ClientTransaction) -> None:
        """MAIL, RCPT for each recipient, and DATA."""
        if self.needs_reset:
            self.queue(Said.RSET, b"RSET\r\n")
        self.queue(Said.MAIL, transaction.mail_command())
        for index in transaction.to_ask:
            self.queue(Said.RCPT, transaction.rcpt_command(index), index)
        if not transaction.uses_chunks:
            self.queue(Said.DATA, b"DATA\r\n")
        self.needs_reset = True

    def finish_transaction(self) -> None:
        """All is decided."""
        transaction = current(self.transaction)
        replies = transaction.replies
        self.transaction = None
        self.state = State.READY
        if transaction.is_partly_accepted and not transaction.has_content_begun:
            self.events.append(PartlyAccepted(replies))
            return
        self.events.append(TransactionDone(tuple(reply for reply in replies if reply is not None)))

    def begin_chunks(self, transaction: ClientTransaction) -> None:
        """RFC 3030 2: all replies to MAIL and RCPT are in; BDAT itself is not asked for."""
        self.chunks = ChunkWriter(is_binary=transaction.is_binary)
        self.state = State.IN_CONTENT
        transaction.has_content_begun = True
        self.events.append(ContentWanted())

    def lose_by(self, because: str, reply: Reply) -> None:
        """Lost by a reply that also decides a transaction under way."""
        if self.transaction is not None:
            self.transaction.refuse_open(reply)
        self.lose(because, reply)

    def lose(self, because: str, reply: Reply | None = None) -> None:
        """The session ends, and not by our will."""
        if (transaction := self.transaction) is None:
            return self.be_over(SessionLost(reply, because))
        is_kept = transaction.is_checkpointed and transaction.has_content_begun
        return self.be_over(SessionLost(reply, because, transaction.replies, transaction.is_begun, is_kept))

    def be_over(self, event: SessionLost | QuitDone | TurnDone) -> None:
        """The only way to OVER."""
        self.state = State.OVER
        self.awaited.clear()
        self.unsaid.clear()
        self.events.append(event)

    def is_awaiting(self, said: Said) -> bool:
        """Whether the next reply belongs to this."""
        return bool(self.awaited) and self.awaited[0].said is said

    def whereabouts(self) -> str:
        """Where the session stands, in words."""
        if self.awaited:
            return f"while we waited for the reply to {self.awaited[0].said.value}"
        return f"while the session was {self.state.value}"


def current(thing: T | None) -> T:
    """What must be there. Raises LocalFault."""
    if thing is None:
        raise LocalFault("a reply was awaited for something that is not there")
    return thing
