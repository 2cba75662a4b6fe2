"""The server's side of SMTP: bytes in, events out, replies in their order.

Implements  RFC 5321 3 and 4 (a session), 2920 3.2 (pipelining), 3207 4 (STARTTLS), 4954 4 (AUTH),
            3030 2 and 3 (BDAT), 4468 3 (BURL), 2033 4 (LMTP), PRDR,
            2034 4 (a status in every reply that should carry one), 1845 3 (an interrupted transaction goes on).
Gives       SmtpServer, a proto.Conversation.
Not here    The command table: commands. From octets to events: server_reading. What commands and answers change:
            server_effects. How a session ends: server_session. Policy: the shell's answers.

A new command is a row in commands, an event, a reader in arguments, and, if it changes the session, a line in
one of the tables at the end of server_effects.

Invariants. A command has an effect only through a row of COMMANDS that allows its verb in the present state.
At most one answer is owed at a time and nothing behind it is read until it is given, so replies leave in the
order of their commands however slowly the shell answers. Every session ends with exactly one Closed event.
Only LocalFault escapes.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace

from postel.mail import LocalFault, Reply, Status
from postel.proto.conversation import NEED_DATA, PAUSED, NeedData, Paused
from postel.proto.smtp import replies
from postel.proto.smtp.answers import checked_answer, default_answer
from postel.proto.smtp.events import Auth, AuthResponse, Burl, Connected, DataEnd, Event, Mail
from postel.proto.smtp.options import ServerOptions, Standing
from postel.proto.smtp.resumption import Resumption
from postel.proto.smtp.server_effects import settle, settle_content
from postel.proto.smtp.server_reading import advance
from postel.proto.smtp.server_session import ServerSession
from postel.proto.smtp.server_transaction import ServerTransaction
from postel.proto.smtp.states import Ending, State


class SmtpServer:
    """One session, from the greeting to its close.

    Give it what the peer sends with receive(); ask next_event() until it says NEED_DATA or PAUSED. Read
    nothing while it is PAUSED: what is given then waits in memory.

    has_talked_early   the client sent something before our greeting was decided (see Connected).
    is_verbose         VERB was said: `show` shows what happens to a message.
    is_tls, is_logged_in, is_extended   how the session stands; what a trace field says (RFC 3848).
    """

    __slots__ = ("_session",)

    def __init__(self, options: ServerOptions, *, is_tls: bool = False, is_logged_in: bool = False) -> None:
        self._session = ServerSession(Standing(options, is_tls, is_logged_in))

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer; b"" says that the peer has closed its side."""
        session = self._session
        if not data:
            session.has_ended = True
        elif session.state is not State.OVER:
            session.has_talked_early |= session.state is State.CONNECTED
            session.buffer += data

    def next_event(self) -> Event | NeedData | Paused:
        """The next event, NEED_DATA, or PAUSED while an answer or TLS is awaited. Raises only LocalFault."""
        session = self._session
        events = session.events
        while not events:
            if session.owed is not None:
                return PAUSED
            if not advance(session):
                return PAUSED if session.state is State.STARTING_TLS else NEED_DATA
        event = events.popleft()
        if event.wants_answer:
            session.owed = event
        return event

    def answer(self, reply: Reply | None = None) -> None:
        """Answer the event that was given last; None: with the reply that its class names.

        Where nothing is owed None is ignored, so that a shell may answer every event alike. Raises
        LocalFault for a reply that is not owed, or whose code cannot answer the event.
        """
        session = self._session
        event = session.owed
        if event is None:
            if reply is not None:
                raise LocalFault("no answer is owed")
            return
        if reply is None:
            reply = self._default_answer(event)
        reply = checked_answer(event, reply, session.options.hostname)
        session.owed = None
        if reply.code == 421:  # RFC 5321 3.8: whoever says 421 closes
            session.say(reply)
            session.finish(Ending.REFUSED)
        else:
            settle(session, event, reply)

    def answer_each(self, replies: Sequence[Reply]) -> None:
        """Answer a DataEnd that says `each`: one reply for each RCPT that was accepted, in their order.

        Raises LocalFault as answer() does, and for any other number of them.
        """
        session = self._session
        event = session.owed
        if not isinstance(event, DataEnd) or not event.each or len(replies) != event.each:
            raise LocalFault("these are not the replies that are owed")
        session.owed = None
        hostname = session.options.hostname
        settle_content(session, [checked_answer(event, reply, hostname) for reply in replies])

    def challenge(self, data: bytes) -> None:
        """Answer Auth or AuthResponse with a SASL challenge: 334 (RFC 4954 4)."""
        session = self._session
        if not isinstance(session.owed, Auth | AuthResponse):
            raise LocalFault("a challenge answers only Auth and AuthResponse")
        session.owed = None
        session.out.append(b"334 " + base64.b64encode(data) + b"\r\n")
        session.state = State.IN_AUTH

    def supply(self, octets: bytes) -> bytes | None:
        """Octets that the URL of a Burl names, before its answer; gives those that are content now.

        None: it cannot be taken, and the answer, whatever it is, says why. A CR waits for what follows it. Raises
        LocalFault where no Burl is owed an answer.
        """
        if not isinstance(self._session.owed, Burl):
            raise LocalFault("octets are supplied only for a Burl")
        return self._session.transaction.supply(octets)

    def resume(self, at: Resumption) -> None:
        """Answer a Mail that has a transid with 355: its recipients stand, and its content goes on (RFC 1845 3)."""
        session = self._session
        event = session.owed
        if not isinstance(event, Mail) or event.transid is None:
            raise LocalFault("only a MAIL with TRANSID can be answered with 355")
        session.owed = None
        session.say(replies.go_on_at(at.offset))
        session.transaction = ServerTransaction(event.parameters, at)
        session.state = State.HAS_RCPT

    def show(self, text: str) -> None:
        """Tell a client that said VERB what happens to its message, before the answer to the content; else nothing."""
        if self.is_verbose and isinstance(self._session.owed, DataEnd):
            self._session.out.append(replies.progress(text))

    def data_to_send(self) -> bytes:
        """All bytes now due to the peer; they are forgotten here."""
        out = self._session.out
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        return data

    @property
    def timeout_s(self) -> float:
        """How long the present state may wait for the peer, in seconds."""
        session = self._session
        return session.options.timeouts[session.state]

    def timed_out(self) -> None:
        """The peer was silent for `timeout_s`: say 421 and be over."""
        if self._session.state is not State.OVER:
            self._session.give_up(Ending.TIMED_OUT, Status(4, 4, 2), "Timeout, closing")

    def shut_down(self, reply: Reply = replies.SHUTTING_DOWN) -> None:
        """End the session from our side, now, with `reply` (a 421), even where an answer is owed.

        An honest shell waits until nothing is owed and no content is on its way.
        """
        if self._session.state is not State.OVER:
            self._session.give_up(Ending.REFUSED, reply.best_status, reply.text)

    @property
    def over(self) -> bool:
        """Whether the session has ended: send what is due and close."""
        return self._session.state is State.OVER and not self._session.events

    @property
    def wants_tls(self) -> bool:
        """Whether 220 was said to STARTTLS: send it, do the handshake, call tls_started()."""
        return self._session.state is State.STARTING_TLS

    def tls_started(self) -> None:
        """TLS stands. All that the client said before is forgotten (RFC 3207 4.2)."""
        session = self._session
        if session.state is not State.STARTING_TLS:
            raise LocalFault("STARTTLS was not answered with 220")
        if session.buffer:
            return  # plaintext: the next events say so and end the session
        session.state = State.GREETED
        session.is_extended = session.is_verbose = session.is_single = False
        session.stand(replace(session.standing, is_tls=True, is_logged_in=False))

    @property
    def options(self) -> ServerOptions:
        """The service as the client sees it; may be replaced between any two events."""
        return self._session.options

    @options.setter
    def options(self, options: ServerOptions) -> None:
        self._session.stand(replace(self._session.standing, options=options))

    @property
    def state(self) -> State:
        """Where the session stands, for logs and tests."""
        return self._session.state

    @property
    def waiting_bytes(self) -> int:
        """Octets that were received and not read yet."""
        return len(self._session.buffer)

    @property
    def is_tls(self) -> bool:
        """Whether the session is under TLS."""
        return self._session.standing.is_tls

    @property
    def is_logged_in(self) -> bool:
        """Whether AUTH has succeeded."""
        return self._session.standing.is_logged_in

    @property
    def is_extended(self) -> bool:
        """Whether EHLO was said last, not HELO."""
        return self._session.is_extended

    @property
    def is_verbose(self) -> bool:
        """Whether VERB was said."""
        return self._session.is_verbose

    @property
    def has_talked_early(self) -> bool:
        """Whether the client sent something before our greeting was decided."""
        return self._session.has_talked_early

    def _default_answer(self, event: Event) -> Reply:
        if self._session.has_talked_early and isinstance(event, Connected):
            return replies.TALKED_EARLY
        return default_answer(event, self._session.offers)
