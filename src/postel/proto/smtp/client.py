"""The client's side of an SMTP (or LMTP) session, without a socket.

Implements  RFC 5321 3 and 4 as a client, RFC 2920 3.1 (pipelining), RFC 3207 4 (STARTTLS),
            RFC 4954 4 (AUTH), RFC 2033 4 (LMTP), RFC 3030 2 (BDAT), PRDR,
            RFC 1845 3 (an interrupted transaction goes on).
Gives       SmtpClient.
Not here    Content transparency: dot_stuffing. Parameters and recipients: client_transaction.
            Whom to connect to, and what to do about a refusal: delivery.

The shell takes a step, then asks for events until the one that ends the step:

    step                          ends with
    (none: connected)             Greeting
    hello()                       HelloDone, HelloRefused
    start_tls()                   TlsReady, TlsRefused       then tls_started(), and hello() again
    login(exchange)               LoginDone, KeyWanted      then login_key()
    login_key(key)                LoginDone
    transact(envelope, size)      ContentWanted, TransactionDone, PartlyAccepted
    content(chunk)                nothing: write data_to_send()
    end_content()                 TransactionDone
    command(line)                 CommandDone
    turn(line)                    TurnDone
    reset()                       ResetDone
    quit()                        QuitDone

Any step may end with SessionLost instead. next_event() gives NEED_DATA while a reply is awaited (write
data_to_send(), then read), and PAUSED while the next step is the shell's to take.

The invariant: `_awaited` holds what has been said and not been answered, in the order it was said; every
reply belongs to the first of them, by count alone (RFC 2920 3.1).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from postel.mail import BadSyntax, Envelope, LocalFault, Reply
from postel.proto import sasl
from postel.proto.conversation import NEED_DATA, PAUSED, NeedData, Paused
from postel.proto.smtp.chunk_writer import ChunkWriter
from postel.proto.smtp.client_events import (
    ClientEvent,
    CommandDone,
    ContentWanted,
    Greeting,
    HelloDone,
    HelloRefused,
    KeyWanted,
    LoginDone,
    PartlyAccepted,
    QuitDone,
    ResetDone,
    SessionLost,
    TlsReady,
    TlsRefused,
    TransactionDone,
    TurnDone,
)
from postel.proto.smtp.client_options import ClientOptions
from postel.proto.smtp.client_table import ROWS, Command, Said, State
from postel.proto.smtp.client_transaction import ClientTransaction
from postel.proto.smtp.dot_stuffing import DotStuffer
from postel.proto.smtp.offered import Offered, parse_offered
from postel.proto.smtp.reply_reader import BadReply, ReplyReader, WireReply
from postel.proto.smtp.resumption import parse_offset

T = TypeVar("T")

_PLAINTEXT: Final = "plaintext after the server was ready to start TLS"
CHUNKS_AHEAD: Final = 8  # chunks under way without a reply: what a refusal of the first of them costs at most
COMMAND_LINE: Final = 512  # octets with CRLF: RFC 5321 4.5.3.1.4


class SmtpClient:
    """One session. Raises LocalFault, and nothing else, when steps are taken out of turn."""

    def __init__(self, options: ClientOptions) -> None:
        self.options: Final = options
        self.offered = Offered()
        self.replies_read = 0  # grows with each reply, so that a shell can tell progress from dripping
        self._state = State.WAITING
        self._reader = ReplyReader(options.limits)
        self._awaited: deque[Command] = deque([Command(Said.NOTHING_YET, b"")])
        self._unsaid: deque[Command] = deque()
        self._events: deque[ClientEvent] = deque()
        self._out: list[bytes] = []
        self._transaction: ClientTransaction | None = None
        self._needs_reset = False
        self._stuffer = DotStuffer()
        self._chunks: ChunkWriter | None = None  # while content goes out by BDAT
        self._exchange: sasl.ClientExchange | None = None
        self._initial: bytes | None = None  # an initial response that did not fit AUTH's line

    # -- the conversation ----------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take bytes from the server; b"" says that it has closed its side."""
        if self._state is State.OVER:
            return
        if not data:
            self.connection_lost("the server closed the connection")
        elif self._state is State.STARTING_TLS:
            # RFC 3207 6: what came in plaintext before the handshake may have been put there by anyone.
            self._events.clear()  # a TlsReady that nobody has acted on
            self._lose(_PLAINTEXT)
        else:
            self._reader.receive(data)
            self._drain()

    def connection_lost(self, because: str) -> None:
        """The stream broke. What was received before has been heard and counts."""
        if self._state is State.OVER:
            return
        if self._is_awaiting(Said.QUIT):
            self._be_over(QuitDone())
        else:
            self._lose(f"{because} {self._whereabouts()}")

    def timed_out(self) -> None:
        """`timeout_s` has passed without a whole reply."""
        self.connection_lost(f"timed out after {self.timeout_s:g} s")

    def next_event(self) -> ClientEvent | NeedData | Paused:
        """The next event, NEED_DATA or PAUSED. Raises LocalFault once the session is over and all is told."""
        if self._events:
            return self._events.popleft()
        if self._state is State.OVER:
            raise LocalFault("the session is over")
        return NEED_DATA if self._awaited else PAUSED

    def data_to_send(self) -> bytes:
        """All bytes now due to the server; they are forgotten here."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    @property
    def timeout_s(self) -> float:
        """How long the present state may wait for the server, to answer or to take what was written."""
        if not self._awaited:
            return self.options.timeouts.block
        return ROWS[self._awaited[0].said].timeout(self.options.timeouts)

    @property
    def over(self) -> bool:
        """Whether the session has ended, and its last event was told: send what is due and close."""
        return self._state is State.OVER and not self._events

    # -- the steps -----------------------------------------------------------------------------------------

    def hello(self) -> None:
        """EHLO, and HELO where a server does not know it (RFC 5321 3.2); LHLO for LMTP."""
        if self._take_turn(State.GREETED, State.READY):
            verb = "LHLO" if self.options.is_lmtp else "EHLO"
            self._say(Said.EHLO, f"{verb} {self.options.hostname}\r\n")

    def start_tls(self) -> None:
        """STARTTLS. The server offered it, or the shell is content to hear it refused."""
        if self._take_turn(State.READY):
            self._say(Said.STARTTLS, "STARTTLS\r\n")

    def tls_started(self) -> None:
        """The handshake is done: RFC 3207 4.2: all knowledge of the server before it is forgotten."""
        if self._take_turn(State.STARTING_TLS):
            self.offered = Offered()
            self._needs_reset = False
            self._state = State.GREETED

    def login(self, exchange: sasl.ClientExchange) -> None:
        """AUTH with a mechanism that the server offers."""
        if not self._take_turn(State.READY):
            return
        self._exchange = exchange
        command = f"AUTH {exchange.mechanism.name}".encode()
        self._initial = exchange.start()
        if self._initial is not None:
            with_initial = b"%b %b" % (command, sasl.encode_initial(self._initial))
            # RFC 4954 4: too long for a command line, it waits for the server's empty challenge instead.
            if len(with_initial) + 2 <= COMMAND_LINE:
                command, self._initial = with_initial, None
        self._say(Said.AUTH, command + b"\r\n")

    def login_key(self, key: bytes) -> None:
        """What KeyWanted asked for: the login goes on."""
        if self._take_turn(State.IN_LOGIN):
            self._go_on(self._current(self._exchange).take_key(key))

    def transact(self, envelope: Envelope, size_bytes: int | None = None) -> None:
        """MAIL, RCPT for each recipient, and DATA, or BDAT where CHUNKING is offered, if any was accepted.

        `size_bytes` is the content's size before dot stuffing (RFC 1870 5). An envelope that the server
        cannot take in whole or part (too big, needs SMTPUTF8) is refused here, with nothing said. With a TRANSID
        among the parameters the transaction is one that can be resumed, where the server offers CHECKPOINT.
        """
        if not self._take_turn(State.READY):
            return None
        is_lmtp = self.options.is_lmtp
        self._transaction = ClientTransaction(envelope, size_bytes, self.offered, is_lmtp=is_lmtp)
        if not self._transaction.to_ask:
            return self._finish_transaction()
        self._queue_transaction(self._transaction)
        return self._pump()

    def _queue_transaction(self, transaction: ClientTransaction) -> None:
        if self._needs_reset:
            self._queue(Said.RSET, b"RSET\r\n")
        self._queue(Said.MAIL, transaction.mail_command())
        for index in transaction.to_ask:
            self._queue(Said.RCPT, transaction.rcpt_command(index), index)
        if not transaction.uses_chunks:
            self._queue(Said.DATA, b"DATA\r\n")
        self._needs_reset = True

    def content(self, chunk: bytes) -> None:
        """The next piece of the content, cut anywhere."""
        if self._take_turn(State.IN_CONTENT):
            self._out.append(
                self._stuffer.stuff(chunk) if self._chunks is None else self._chunk(self._chunks, chunk)
            )
            self._state = State.IN_CONTENT

    def _chunk(self, chunks: ChunkWriter, piece: bytes) -> bytes:
        chunk = chunks.write(piece)
        if chunk:
            self._awaited.append(Command(Said.CHUNK, b""))
        return chunk

    @property
    def is_behind(self) -> bool:
        """Whether to hear what the server says of earlier chunks before more is sent (RFC 3030 2).

        LMTP: nobody agrees how often the last chunk is answered after one that was refused.
        """
        is_pipelining = "PIPELINING" in self.offered and not self.options.is_lmtp
        return self._state is State.IN_CONTENT and len(self._awaited) >= (
            CHUNKS_AHEAD if is_pipelining else 1
        )

    def end_content(self) -> None:
        """The content is complete."""
        if not self._take_turn(State.IN_CONTENT):
            return
        chunks, self._chunks = self._chunks, None
        if chunks is not None and chunks.is_refused:
            if not self._awaited:
                self._finish_transaction()
            return
        end = self._stuffer.end() if chunks is None else chunks.end()
        if self._stuffer.is_short:
            self._lose("the server wants content from behind its end")
            return
        self._out.append(end)
        self._needs_reset = False  # RFC 5321 4.1.1.4: the server clears its buffers
        # RFC 2033 4.2: one reply for each recipient that was accepted, in that order.
        transaction = self._current(self._transaction)
        recipients = transaction.accepted if self.options.is_lmtp else [-1]
        self._awaited.extend(Command(Said.CONTENT, b"", recipient) for recipient in recipients)

    def command(self, line: str) -> None:
        """A command that changes nothing in the session: ETRN, VRFY, EXPN, HELP, NOOP; without CRLF."""
        if self._take_turn(State.READY):
            self._say(Said.COMMAND, f"{line}\r\n")

    def turn(self, line: str) -> None:
        """ATRN with its domains, or TURN: if the server agrees, it is the client from then on (RFC 2645 5.3)."""
        if self._take_turn(State.READY):
            self._say(Said.TURN, f"{line}\r\n")

    @property
    def needs_reset(self) -> bool:
        """Whether the next transaction begins with RSET, which clears what was said for it before."""
        return self._needs_reset

    def reset(self) -> None:
        """RSET."""
        if self._take_turn(State.READY):
            self._say(Said.RSET, "RSET\r\n")

    def quit(self) -> None:
        """QUIT. After it a closed connection is no loss."""
        if self._take_turn(State.TURNED_AWAY, State.GREETED, State.READY):
            self._say(Said.QUIT, "QUIT\r\n")

    def _take_turn(self, *states: State) -> bool:
        """Whether the step may be taken; if so, we wait now.

        A session lost before the shell has heard of it is no fault of the shell: its step is void.
        """
        if self._state is State.OVER and self._events:
            return False
        if self._state not in states:
            raise LocalFault(f"this step is not to be taken while the session is {self._state.value}")
        self._state = State.WAITING
        return True

    # -- saying --------------------------------------------------------------------------------------------

    def _say(self, said: Said, line: str | bytes) -> None:
        self._queue(said, line.encode() if isinstance(line, str) else line)
        self._pump()

    def _queue(self, said: Said, line: bytes, recipient: int = -1) -> None:
        self._unsaid.append(Command(said, line, recipient))

    def _pump(self) -> None:
        """Say what may be said now: one command at a time, or a window of them."""
        window = self.options.group_limit if "PIPELINING" in self.offered else 1
        while self._unsaid and len(self._awaited) < window and not self._must_wait(self._unsaid[0]):
            command = self._unsaid.popleft()
            if command.said is Said.DATA and not self._awaited and not self._may_send:
                return  # RFC 5321 3.3: DATA would fail, and we know it already
            self._out.append(command.line)
            self._awaited.append(command)

    def _must_wait(self, command: Command) -> bool:
        """RFC 1845 3: what follows depends on whether MAIL was answered with 250 or with 355."""
        transaction = self._transaction
        if transaction is None or not transaction.is_checkpointed:
            return False
        return command.said in (Said.RCPT, Said.DATA) and (
            not transaction.is_begun or (command.said is Said.DATA and bool(self._awaited))
        )

    @property
    def _may_send(self) -> bool:
        transaction = self._transaction
        return transaction is not None and bool(transaction.accepted) and not transaction.is_partly_accepted

    # -- hearing -------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        """Hear all that has come. A reply that nothing waits for is thus found before the next step."""
        while self._state is not State.OVER:
            try:
                reply = self._reader.next_reply()
            except BadReply as fault:
                return self._lose(f"{fault} {self._whereabouts()}")
            if reply is None:
                return None
            self._hear(reply)
        return None

    def _hear(self, wire: WireReply) -> None:
        self.replies_read += 1
        if wire.code == 421 and not self._is_awaiting(Said.QUIT):
            # RFC 5321 3.8 and 4.2.1: may come at any time, to any command, and then the connection closes.
            return self._lose_by("the server is closing the session", wire.reply())
        if not self._awaited:
            return self._hear_unasked(wire)
        command = self._awaited.popleft()
        digit = str(wire.code)[0]
        makes_sense = digit in "45" or digit in ROWS[command.said].positive or self._is_prdr(command, wire)
        if not makes_sense and not self._is_resumption(command, wire):
            return self._lose(f"the server answered {command.said.value} with {wire.code}", wire.reply())
        _HANDLERS[command.said](self, command, wire)
        self._pump()
        if self._transaction is not None and self._state is State.WAITING and not self._awaited:
            if self._transaction.uses_chunks and self._may_send and not self._transaction.has_content_begun:
                self._begin_chunks(self._transaction)
            else:
                self._finish_transaction()
        return None

    def _hear_unasked(self, wire: WireReply) -> None:
        reply = wire.reply()
        if self._state is State.IN_CONTENT and not reply.is_positive:
            # It will not read on (RFC 5321 4.2.5 has it wait for the end); its verdict stands all the same.
            return self._lose_by("the server refused the content before its end", reply)
        return self._lose("the server answered what was not asked", reply)

    def _hear_greeting(self, _: Command, wire: WireReply) -> None:
        reply = wire.plain() if wire.code < 400 else wire.reply()
        self._state = State.GREETED if reply.is_positive else State.TURNED_AWAY
        self._events.append(Greeting(reply))

    def _hear_ehlo(self, _: Command, wire: WireReply) -> None:
        if wire.code < 400:
            self.offered = parse_offered(wire.lines[1:])
            self._state = State.READY
            self._events.append(HelloDone(self.offered, is_extended=True))
        elif wire.code >= 500 and not self.options.is_lmtp:
            # RFC 5321 3.2: a server that does not know EHLO may still know HELO.
            self._queue(Said.HELO, f"HELO {self.options.hostname}\r\n".encode())
        else:
            self._state = State.TURNED_AWAY
            self._events.append(HelloRefused(wire.reply()))

    def _hear_helo(self, _: Command, wire: WireReply) -> None:
        if wire.code >= 400:
            self._state = State.TURNED_AWAY
            self._events.append(HelloRefused(wire.reply()))
            return
        self.offered = Offered()
        self._state = State.READY
        self._events.append(HelloDone(self.offered, is_extended=False))

    def _hear_starttls(self, _: Command, wire: WireReply) -> None:
        if wire.code >= 400:
            self._state = State.READY
            self._events.append(TlsRefused(wire.reply()))
        elif not self._reader.is_empty:
            self._lose(_PLAINTEXT)
        else:
            self._state = State.STARTING_TLS
            self._events.append(TlsReady())

    def _hear_auth(self, _: Command, wire: WireReply) -> None:
        exchange = self._current(self._exchange)
        try:
            if wire.code < 300:
                exchange.finish()
            elif wire.code < 400:
                return self._go_on(self._respond(exchange, wire.lines[0]))
        except (sasl.ExchangeFault, BadSyntax) as fault:
            return self._distrust(wire, str(fault))
        return self._end_login(wire)

    def _go_on(self, step: bytes | sasl.SaltPassword) -> None:
        if isinstance(step, sasl.SaltPassword):
            self._state = State.IN_LOGIN
            self._events.append(KeyWanted(step))
        else:
            self._say(Said.AUTH, sasl.encode(step) + b"\r\n")

    def _respond(self, exchange: sasl.ClientExchange, text: str) -> bytes | sasl.SaltPassword:
        challenge = sasl.decode(text.encode())
        initial, self._initial = self._initial, None
        return exchange.respond(challenge) if initial is None else initial

    def _distrust(self, wire: WireReply, because: str) -> None:
        if wire.code < 300:  # it says yes without having proven itself
            self._lose(because, wire.reply())
        else:
            self._say(Said.CANCEL, sasl.CANCEL + b"\r\n")  # RFC 4954 4: MUST cancel

    def _end_login(self, wire: WireReply) -> None:
        self._exchange = None
        self._state = State.READY
        self._events.append(LoginDone(wire.reply()))

    def _hear_cancel(self, _: Command, wire: WireReply) -> None:
        self._end_login(wire)

    def _hear_command(self, _: Command, wire: WireReply) -> None:
        self._state = State.READY
        self._events.append(CommandDone(wire.reply()))

    def _hear_turn(self, _: Command, wire: WireReply) -> None:
        if wire.code >= 400:
            self._state = State.READY
            self._events.append(TurnDone(wire.reply()))
        elif not self._reader.is_empty:
            # It waits for our greeting; what it says before that may have been put there by anyone.
            self._lose("the server talked on after the roles were reversed")
        else:
            self._be_over(TurnDone(wire.reply()))

    def _hear_rset(self, _: Command, wire: WireReply) -> None:
        if wire.code >= 400:
            self._lose("the server refused RSET", wire.reply())
        elif self._transaction is None:
            self._needs_reset = False
            self._state = State.READY
            self._events.append(ResetDone())

    def _hear_mail(self, _: Command, wire: WireReply) -> None:
        transaction = self._current(self._transaction)
        transaction.is_begun = True
        if wire.code >= 400:
            transaction.refuse_open(wire.reply())
            self._unsaid.clear()
        elif wire.code == 355:
            self._resume(transaction, parse_offset(wire.lines[0]))

    def _is_resumption(self, command: Command, wire: WireReply) -> bool:
        is_ours = self._transaction is not None and self._transaction.is_checkpointed
        return wire.code == 355 and command.said is Said.MAIL and is_ours

    def _is_prdr(self, command: Command, wire: WireReply) -> bool:
        is_asked = self._transaction is not None and self._transaction.uses_prdr
        return wire.code == 353 and command.said is Said.CONTENT and is_asked

    def _resume(self, transaction: ClientTransaction, offset: int | None) -> None:
        """RFC 1845 3: no RCPT, but the content from that octet; or all anew where that cannot be."""
        self._unsaid.clear()
        if offset is not None and transaction.resume(offset):
            self._queue(Said.DATA, b"DATA\r\n")
        else:
            transaction.begin_anew()
            self._queue_transaction(transaction)

    def _hear_rcpt(self, command: Command, wire: WireReply) -> None:
        self._current(self._transaction).rcpt_replied(command.recipient, wire.reply())

    def _hear_data(self, _: Command, wire: WireReply) -> None:
        transaction = self._current(self._transaction)
        if wire.code >= 400:
            transaction.refuse_open(wire.reply())
        elif not transaction.to_ask:
            self._end_at_once()
        else:
            self._stuffer = DotStuffer(transaction.offset)
            self._state = State.IN_CONTENT
            transaction.has_content_begun = True
            self._events.append(ContentWanted(transaction.offset))

    def _begin_chunks(self, transaction: ClientTransaction) -> None:
        """RFC 3030 2: all replies to MAIL and RCPT are in; BDAT itself is not asked for."""
        self._chunks = ChunkWriter(is_binary=transaction.is_binary)
        self._state = State.IN_CONTENT
        transaction.has_content_begun = True
        self._events.append(ContentWanted())

    def _hear_chunk(self, _: Command, wire: WireReply) -> None:
        if wire.code < 400:
            return
        # RFC 3030 2: the transaction has failed, no more chunks are sent, and RSET comes before the next.
        self._current(self._transaction).refuse_open(wire.reply())
        self._needs_reset = True
        if self._chunks is not None:
            self._chunks.is_refused = True

    def _end_at_once(self) -> None:
        """RFC 2920 3.1: everybody was refused, yet it wants content: it gets a lone dot.

        RFC 2033 4.2: an LMTP server must refuse DATA there, and would answer the dot with no reply at all.
        """
        if self.options.is_lmtp:
            return self._lose("the server wants content for nobody")
        self._out.append(b".\r\n")
        self._awaited.append(Command(Said.LONE_DOT, b""))
        return None

    def _hear_content(self, command: Command, wire: WireReply) -> None:
        transaction, reply = self._current(self._transaction), wire.reply()
        if 300 <= wire.code < 400:  # PRDR: one for each, and one for all together
            self._awaited.extend(Command(Said.EACH, b"", index) for index in transaction.accepted)
            self._awaited.append(Command(Said.OVERALL, b""))
            return
        if command.recipient >= 0:
            transaction.decide(command.recipient, reply)
        else:
            transaction.refuse_open(reply)
        if not reply.is_positive:
            self._needs_reset = True  # not every server clears them after a refusal

    def _hear_each(self, command: Command, wire: WireReply) -> None:
        self._current(self._transaction).each_replied(command.recipient, wire.reply())

    def _hear_overall(self, _: Command, wire: WireReply) -> None:
        self._current(self._transaction).all_replied(wire.reply())
        self._needs_reset |= wire.code >= 400

    def _hear_lone_dot(self, _: Command, wire: WireReply) -> None:
        """Whatever it says, nobody was accepted and nothing was sent."""

    def _hear_quit(self, _: Command, wire: WireReply) -> None:
        self._be_over(QuitDone())

    def _finish_transaction(self) -> None:
        transaction = self._current(self._transaction)
        replies = transaction.replies
        self._transaction = None
        self._state = State.READY
        if transaction.is_partly_accepted and not transaction.has_content_begun:
            self._events.append(PartlyAccepted(replies))
            return
        self._events.append(TransactionDone(tuple(reply for reply in replies if reply is not None)))

    # -- endings -------------------------------------------------------------------------------------------

    def _lose_by(self, because: str, reply: Reply) -> None:
        """Lost by a reply that also decides a transaction under way."""
        if self._transaction is not None:
            self._transaction.refuse_open(reply)
        self._lose(because, reply)

    def _lose(self, because: str, reply: Reply | None = None) -> None:
        if (transaction := self._transaction) is None:
            return self._be_over(SessionLost(reply, because))
        is_kept = transaction.is_checkpointed and transaction.has_content_begun
        return self._be_over(SessionLost(reply, because, transaction.replies, transaction.is_begun, is_kept))

    def _be_over(self, event: SessionLost | QuitDone | TurnDone) -> None:
        self._state = State.OVER
        self._awaited.clear()
        self._unsaid.clear()
        self._events.append(event)

    def _is_awaiting(self, said: Said) -> bool:
        return bool(self._awaited) and self._awaited[0].said is said

    def _whereabouts(self) -> str:
        if self._awaited:
            return f"while we waited for the reply to {self._awaited[0].said.value}"
        return f"while the session was {self._state.value}"

    @staticmethod
    def _current(thing: T | None) -> T:
        if thing is None:
            raise LocalFault("a reply was awaited for something that is not there")
        return thing


_HANDLERS: Final[Mapping[Said, Callable[[SmtpClient, Command, WireReply], None]]] = {
    Said.NOTHING_YET: SmtpClient._hear_greeting,
    Said.EHLO: SmtpClient._hear_ehlo,
    Said.HELO: SmtpClient._hear_helo,
    Said.STARTTLS: SmtpClient._hear_starttls,
    Said.AUTH: SmtpClient._hear_auth,
    Said.CANCEL: SmtpClient._hear_cancel,
    Said.COMMAND: SmtpClient._hear_command,
    Said.TURN: SmtpClient._hear_turn,
    Said.RSET: SmtpClient._hear_rset,
    Said.MAIL: SmtpClient._hear_mail,
    Said.RCPT: SmtpClient._hear_rcpt,
    Said.DATA: SmtpClient._hear_data,
    Said.CHUNK: SmtpClient._hear_chunk,
    Said.CONTENT: SmtpClient._hear_content,
    Said.EACH: SmtpClient._hear_each,
    Said.OVERALL: SmtpClient._hear_overall,
    Said.LONE_DOT: SmtpClient._hear_lone_dot,
    Said.QUIT: SmtpClient._hear_quit,
}
