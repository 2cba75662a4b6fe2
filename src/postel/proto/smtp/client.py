"""The client's side of an SMTP (or LMTP) session, without a socket.

Implements  RFC 5321 3 and 4 as a client, RFC 2920 3.1 (pipelining), RFC 3207 4 (STARTTLS),
            RFC 4954 4 (AUTH), RFC 2033 4 (LMTP), RFC 3030 2 (BDAT), PRDR,
            RFC 1845 3 (an interrupted transaction goes on).
Gives       SmtpClient.
Not here    What replies change: client_hearing. How a session ends: client_session. Content transparency:
            dot_stuffing. Parameters and recipients: client_transaction.
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
"""

from __future__ import annotations

from typing import Final

from postel.mail import Envelope, LocalFault
from postel.proto import sasl
from postel.proto.conversation import NEED_DATA, PAUSED, NeedData, Paused
from postel.proto.smtp.chunk_writer import ChunkWriter
from postel.proto.smtp.client_events import ClientEvent, QuitDone
from postel.proto.smtp.client_hearing import PLAINTEXT, go_on, hear_all
from postel.proto.smtp.client_options import ClientOptions
from postel.proto.smtp.client_session import ClientSession, current
from postel.proto.smtp.client_table import ROWS, Command, Said, State
from postel.proto.smtp.client_transaction import ClientTransaction
from postel.proto.smtp.offered import Offered

CHUNKS_AHEAD: Final = 8  # chunks under way without a reply: what a refusal of the first of them costs at most
COMMAND_LINE: Final = 512  # octets with CRLF: RFC 5321 4.5.3.1.4


class SmtpClient:
    """One session. Raises LocalFault, and nothing else, when steps are taken out of turn."""

    __slots__ = ("_session",)

    def __init__(self, options: ClientOptions) -> None:
        self._session = ClientSession(options)

    @property
    def options(self) -> ClientOptions:
        """What it was told of the session."""
        return self._session.options

    @property
    def offered(self) -> Offered:
        """What the server offers now."""
        return self._session.offered

    @property
    def replies_read(self) -> int:
        """Grows with each reply, so that a shell can tell progress from dripping."""
        return self._session.replies_read

    # The conversation

    def receive(self, data: bytes) -> None:
        """Take bytes from the server; b"" says that it has closed its side."""
        if self._session.state is State.OVER:
            return
        if not data:
            self.connection_lost("the server closed the connection")
        elif self._session.state is State.STARTING_TLS:
            # RFC 3207 6: what came in plaintext before the handshake may have been put there by anyone.
            self._session.events.clear()  # a TlsReady that nobody has acted on
            self._session.lose(PLAINTEXT)
        else:
            self._session.reader.receive(data)
            hear_all(self._session)

    def connection_lost(self, because: str) -> None:
        """The stream broke. What was received before has been heard and counts."""
        if self._session.state is State.OVER:
            return
        if self._session.is_awaiting(Said.QUIT):
            self._session.be_over(QuitDone())
        else:
            self._session.lose(f"{because} {self._session.whereabouts()}")

    def timed_out(self) -> None:
        """`timeout_s` has passed without a whole reply."""
        self.connection_lost(f"timed out after {self.timeout_s:g} s")

    def next_event(self) -> ClientEvent | NeedData | Paused:
        """The next event, NEED_DATA or PAUSED. Raises LocalFault once the session is over and all is told."""
        if self._session.events:
            return self._session.events.popleft()
        if self._session.state is State.OVER:
            raise LocalFault("the session is over")
        return NEED_DATA if self._session.awaited else PAUSED

    def data_to_send(self) -> bytes:
        """All bytes now due to the server; they are forgotten here."""
        data = b"".join(self._session.out)
        self._session.out.clear()
        return data

    @property
    def timeout_s(self) -> float:
        """How long the present state may wait for the server, to answer or to take what was written."""
        if not self._session.awaited:
            return self._session.options.timeouts.block
        return ROWS[self._session.awaited[0].said].timeout(self._session.options.timeouts)

    @property
    def over(self) -> bool:
        """Whether the session has ended, and its last event was told: send what is due and close."""
        return self._session.state is State.OVER and not self._session.events

    # The steps

    def hello(self) -> None:
        """EHLO, and HELO where a server does not know it (RFC 5321 3.2); LHLO for LMTP."""
        if self._take_turn(State.GREETED, State.READY):
            verb = "LHLO" if self._session.options.is_lmtp else "EHLO"
            self._session.say(Said.EHLO, f"{verb} {self._session.options.hostname}\r\n")

    def start_tls(self) -> None:
        """STARTTLS. The server offered it, or the shell is content to hear it refused."""
        if self._take_turn(State.READY):
            self._session.say(Said.STARTTLS, "STARTTLS\r\n")

    def tls_started(self) -> None:
        """The handshake is done: RFC 3207 4.2: all knowledge of the server before it is forgotten."""
        if self._take_turn(State.STARTING_TLS):
            self._session.offered = Offered()
            self._session.needs_reset = False
            self._session.state = State.GREETED

    def login(self, exchange: sasl.ClientExchange) -> None:
        """AUTH with a mechanism that the server offers."""
        if not self._take_turn(State.READY):
            return
        self._session.exchange = exchange
        command = f"AUTH {exchange.mechanism.name}".encode()
        self._session.initial = exchange.start()
        if self._session.initial is not None:
            with_initial = b"%b %b" % (command, sasl.encode_initial(self._session.initial))
            # RFC 4954 4: too long for a command line, it waits for the server's empty challenge instead.
            if len(with_initial) + 2 <= COMMAND_LINE:
                command, self._session.initial = with_initial, None
        self._session.say(Said.AUTH, command + b"\r\n")

    def login_key(self, key: bytes) -> None:
        """What KeyWanted asked for: the login goes on."""
        if self._take_turn(State.IN_LOGIN):
            go_on(self._session, current(self._session.exchange).take_key(key))

    def transact(self, envelope: Envelope, size_bytes: int | None = None) -> None:
        """MAIL, RCPT for each recipient, and DATA, or BDAT where CHUNKING is offered, if any was accepted.

        `size_bytes` is the content's size before dot stuffing (RFC 1870 5). An envelope that the server
        cannot take in whole or part (too big, needs SMTPUTF8) is refused here, with nothing said. With a TRANSID
        among the parameters the transaction is one that can be resumed, where the server offers CHECKPOINT.
        """
        if not self._take_turn(State.READY):
            return None
        is_lmtp = self._session.options.is_lmtp
        self._session.transaction = ClientTransaction(
            envelope, size_bytes, self._session.offered, is_lmtp=is_lmtp
        )
        if not self._session.transaction.to_ask:
            return self._session.finish_transaction()
        self._session.queue_transaction(self._session.transaction)
        return self._session.pump()

    def content(self, chunk: bytes) -> None:
        """The next piece of the content, cut anywhere."""
        if self._take_turn(State.IN_CONTENT):
            self._session.out.append(
                self._session.stuffer.stuff(chunk)
                if self._session.chunks is None
                else self._chunk(self._session.chunks, chunk)
            )
            self._session.state = State.IN_CONTENT

    def _chunk(self, chunks: ChunkWriter, piece: bytes) -> bytes:
        chunk = chunks.write(piece)
        if chunk:
            self._session.awaited.append(Command(Said.CHUNK, b""))
        return chunk

    @property
    def is_behind(self) -> bool:
        """Whether to hear what the server says of earlier chunks before more is sent (RFC 3030 2).

        LMTP: nobody agrees how often the last chunk is answered after one that was refused.
        """
        is_pipelining = "PIPELINING" in self._session.offered and not self._session.options.is_lmtp
        return self._session.state is State.IN_CONTENT and len(self._session.awaited) >= (
            CHUNKS_AHEAD if is_pipelining else 1
        )

    def end_content(self) -> None:
        """The content is complete."""
        if not self._take_turn(State.IN_CONTENT):
            return
        chunks, self._session.chunks = self._session.chunks, None
        if chunks is not None and chunks.is_refused:
            if not self._session.awaited:
                self._session.finish_transaction()
            return
        end = self._session.stuffer.end() if chunks is None else chunks.end()
        if self._session.stuffer.is_short:
            self._session.lose("the server wants content from behind its end")
            return
        self._session.out.append(end)
        self._session.needs_reset = False  # RFC 5321 4.1.1.4: the server clears its buffers
        # RFC 2033 4.2: one reply for each recipient that was accepted, in that order.
        transaction = current(self._session.transaction)
        recipients = transaction.accepted if self._session.options.is_lmtp else [-1]
        self._session.awaited.extend(Command(Said.CONTENT, b"", recipient) for recipient in recipients)

    def command(self, line: str) -> None:
        """A command that changes nothing in the session: ETRN, VRFY, EXPN, HELP, NOOP; without CRLF."""
        if self._take_turn(State.READY):
            self._session.say(Said.COMMAND, f"{line}\r\n")

    def turn(self, line: str) -> None:
        """ATRN with its domains, or TURN: if the server agrees, it is the client from then on (RFC 2645 5.3)."""
        if self._take_turn(State.READY):
            self._session.say(Said.TURN, f"{line}\r\n")

    @property
    def needs_reset(self) -> bool:
        """Whether the next transaction begins with RSET, which clears what was said for it before."""
        return self._session.needs_reset

    def reset(self) -> None:
        """RSET."""
        if self._take_turn(State.READY):
            self._session.say(Said.RSET, "RSET\r\n")

    def quit(self) -> None:
        """QUIT. After it a closed connection is no loss."""
        if self._take_turn(State.TURNED_AWAY, State.GREETED, State.READY):
            self._session.say(Said.QUIT, "QUIT\r\n")

    def _take_turn(self, *states: State) -> bool:
        """Whether the step may be taken; if so, we wait now.

        A session lost before the shell has heard of it is no fault of the shell: its step is void.
        """
        if self._session.state is State.OVER and self._session.events:
            return False
        if self._session.state not in states:
            raise LocalFault(f"this step is not to be taken while the session is {self._session.state.value}")
        self._session.state = State.WAITING
        return True
