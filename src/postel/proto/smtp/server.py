"""The server's side of SMTP: bytes in, events out, replies in their order.

Implements  RFC 5321 3 and 4 (a session), 2920 3.2 (pipelining), 3207 4 (STARTTLS), 4954 4 (AUTH),
            3030 2 and 3 (BDAT), 2033 4 (LMTP), PRDR,
            2034 4 (a status in every reply that should carry one), 1845 3 (an interrupted transaction goes on).
Gives       SmtpServer, a proto.Conversation.
Not here    The command table: commands. From a line to an event: command_line. Content and recipients:
            server_transaction. Counting what wears our patience out: misconduct. Policy: the shell's answers.

A new command is a row in commands, an event, a reader in arguments, and, if it changes the session, a line in
one of the three tables at the end of this file.

Invariants. A command has an effect only through a row of COMMANDS that allows its verb in the present state.
At most one answer is owed at a time and nothing behind it is read until it is given, so replies leave in the
order of their commands however slowly the shell answers. Every session ends with exactly one Closed event.
Only LocalFault escapes.
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from postel.mail import LocalFault, Reply, Status
from postel.proto.conversation import NEED_DATA, PAUSED, NeedData, Paused
from postel.proto.smtp import replies
from postel.proto.smtp.answers import checked_answer, default_answer, hello_answer, prdr_answer
from postel.proto.smtp.arguments import decode_response
from postel.proto.smtp.chunks import RefusedChunk
from postel.proto.smtp.command_line import octets_behind, read_command
from postel.proto.smtp.commands import Row, Verb
from postel.proto.smtp.events import (
    Atrn,
    Auth,
    AuthCancelled,
    AuthResponse,
    Bdat,
    Breach,
    ChunkEnd,
    Closed,
    Connected,
    DataAborted,
    DataEnd,
    DataStart,
    Event,
    Hello,
    Mail,
    Misbehaved,
    Noop,
    OneTransaction,
    Quit,
    Rcpt,
    Reset,
    Turn,
    Verbose,
    Xclient,
)
from postel.proto.smtp.extensions import offers_to
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.limits import SmtpLimits
from postel.proto.smtp.lines import LineReader, LineTrouble
from postel.proto.smtp.misconduct import PARDONED, Misconduct
from postel.proto.smtp.options import ServerOptions, Standing
from postel.proto.smtp.order import check_group
from postel.proto.smtp.resumption import Resumption
from postel.proto.smtp.server_transaction import ServerTransaction
from postel.proto.smtp.states import Ending, State

_EXCERPT: Final = 80  # octets of a line at fault that the log may see
_IN_CONTENT: Final = frozenset({State.READING_DATA, State.READING_CHUNK})
_TLS_HANDSHAKE: Final = b"\x16\x03"  # RFC 8446 5.1: how a ClientHello begins


class SmtpServer:
    """One session, from the greeting to its close.

    Give it what the peer sends with receive(); ask next_event() until it says NEED_DATA or PAUSED. Read
    nothing while it is PAUSED: what is given then waits in memory.

    has_talked_early   the client sent something before our greeting was decided (see Connected).
    is_verbose         VERB was said: `show` shows what happens to a message.
    is_tls, is_logged_in, is_extended   how the session stands; what a trace field says (RFC 3848).
    """

    def __init__(self, options: ServerOptions, *, is_tls: bool = False, is_logged_in: bool = False) -> None:
        self._buffer = bytearray()
        self._out: list[bytes] = []
        self._events: deque[Event] = deque([Connected()])
        self._owed: Event | None = None
        self._row: Row | None = None  # of the command whose answer is owed
        self._state = State.CONNECTED
        self._standing = Standing(options, is_tls, is_logged_in)
        self._offers = offers_to(self._standing)
        self._lines = LineReader(options.limits)
        self._transaction = ServerTransaction()
        self._refused_chunk: RefusedChunk | None = None
        self._misconduct = Misconduct()
        self._has_ended = False  # the peer has closed its side
        self._is_single = False  # ONEX
        self._is_spent = False  # ... and the one transaction is over
        self.has_talked_early = False
        self.is_extended = False
        self.is_verbose = False

    # What the shell calls.

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer; b"" says that the peer has closed its side."""
        if not data:
            self._has_ended = True
        elif self._state is not State.OVER:
            self.has_talked_early |= self._state is State.CONNECTED
            self._buffer += data

    def next_event(self) -> Event | NeedData | Paused:
        """The next event, NEED_DATA, or PAUSED while an answer or TLS is awaited. Raises only LocalFault."""
        while not self._events:
            if self._owed is not None:
                return PAUSED
            if not self._advance():
                return PAUSED if self._state is State.STARTING_TLS else NEED_DATA
        event = self._events.popleft()
        if event.wants_answer:
            self._owed = event
        return event

    def answer(self, reply: Reply | None = None) -> None:
        """Answer the event that was given last; None: with the reply that its class names.

        Where nothing is owed None is ignored, so that a shell may answer every event alike. Raises
        LocalFault for a reply that is not owed, or whose code cannot answer the event.
        """
        event = self._owed
        if event is None:
            if reply is not None:
                raise LocalFault("no answer is owed")
            return
        reply = checked_answer(event, reply or self._default_answer(event), self.options.hostname)
        self._owed = None
        if reply.code == 421:  # RFC 5321 3.8: whoever says 421 closes
            self._say(reply)
            self._finish(Ending.REFUSED)
        else:
            self._settle(event, reply)

    def answer_each(self, replies: Sequence[Reply]) -> None:
        """Answer a DataEnd that says `each`: one reply for each RCPT that was accepted, in their order.

        Raises LocalFault as answer() does, and for any other number of them.
        """
        event = self._owed
        if not isinstance(event, DataEnd) or not event.each or len(replies) != event.each:
            raise LocalFault("these are not the replies that are owed")
        self._owed = None
        self._end_data(event, [checked_answer(event, reply, self.options.hostname) for reply in replies])

    def challenge(self, data: bytes) -> None:
        """Answer Auth or AuthResponse with a SASL challenge: 334 (RFC 4954 4)."""
        if not isinstance(self._owed, Auth | AuthResponse):
            raise LocalFault("a challenge answers only Auth and AuthResponse")
        self._owed = None
        self._out.append(b"334 " + base64.b64encode(data) + b"\r\n")
        self._state = State.IN_AUTH

    def resume(self, at: Resumption) -> None:
        """Answer a Mail that has a transid with 355: its recipients stand, and its content goes on (RFC 1845 3)."""
        event = self._owed
        if not isinstance(event, Mail) or event.transid is None:
            raise LocalFault("only a MAIL with TRANSID can be answered with 355")
        self._owed = None
        self._say(replies.go_on_at(at.offset))
        self._transaction = ServerTransaction(event.parameters, at)
        self._state = State.HAS_RCPT

    def show(self, text: str) -> None:
        """Tell a client that said VERB what happens to its message, before the answer to the content; else nothing."""
        if self.is_verbose and isinstance(self._owed, DataEnd):
            self._out.append(replies.progress(text))

    def data_to_send(self) -> bytes:
        """All bytes now due to the peer; they are forgotten here."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    @property
    def timeout_s(self) -> float:
        """How long the present state may wait for the peer, in seconds."""
        return self.options.timeouts[self._state]

    def timed_out(self) -> None:
        """The peer was silent for `timeout_s`: say 421 and be over."""
        if self._state is not State.OVER:
            self._give_up(Ending.TIMED_OUT, Status(4, 4, 2), "Timeout, closing")

    def shut_down(self, reply: Reply = replies.SHUTTING_DOWN) -> None:
        """End the session from our side, now, with `reply` (a 421), even where an answer is owed.

        An honest shell waits until nothing is owed and no content is on its way.
        """
        if self._state is not State.OVER:
            self._give_up(Ending.REFUSED, reply.best_status, reply.text)

    @property
    def over(self) -> bool:
        """Whether the session has ended: send what is due and close."""
        return self._state is State.OVER and not self._events

    @property
    def wants_tls(self) -> bool:
        """Whether 220 was said to STARTTLS: send it, do the handshake, call tls_started()."""
        return self._state is State.STARTING_TLS

    def tls_started(self) -> None:
        """TLS stands. All that the client said before is forgotten (RFC 3207 4.2)."""
        if self._state is not State.STARTING_TLS:
            raise LocalFault("STARTTLS was not answered with 220")
        if self._buffer:
            return  # plaintext: the next events say so and end the session
        self._state = State.GREETED
        self.is_extended = self.is_verbose = self._is_single = False
        self._stand(replace(self._standing, is_tls=True, is_logged_in=False))

    @property
    def options(self) -> ServerOptions:
        """The service as the client sees it; may be replaced between any two events."""
        return self._standing.options

    @options.setter
    def options(self, options: ServerOptions) -> None:
        self._stand(replace(self._standing, options=options))

    @property
    def state(self) -> State:
        """Where the session stands, for logs and tests."""
        return self._state

    @property
    def is_tls(self) -> bool:
        """Whether the session is under TLS."""
        return self._standing.is_tls

    @property
    def is_logged_in(self) -> bool:
        """Whether AUTH has succeeded."""
        return self._standing.is_logged_in

    # Reading.

    def _advance(self) -> bool:
        """Do one step with what was received; whether there was anything to do."""
        if self._state is State.OVER:
            return False
        if self._read():
            return True
        if self._has_ended:
            self._finish(Ending.PEER_CLOSED)
        return self._has_ended

    def _read(self) -> bool:
        if self._state in _IN_CONTENT:
            return self._read_content()
        if self._state is State.SWALLOWING:
            return self._swallow()
        if self._state is State.STARTING_TLS:
            return self._look_for_plaintext()
        return self._read_line()

    def _look_for_plaintext(self) -> bool:
        # RFC 3207 4 and 6: what was sent in plaintext must not be taken for what TLS protects.
        if self._buffer:
            self._misbehave(Breach.PLAINTEXT_BEFORE_TLS, None, bytes(self._buffer))
            self._finish(Ending.FAULT)
        return self._state is State.OVER

    def _read_line(self) -> bool:
        if self._state is State.GREETED and self._buffer.startswith(_TLS_HANDSHAKE):
            self._misbehave(Breach.FOREIGN_PROTOCOL, None, bytes(self._buffer))
            self._finish(Ending.FAULT)
            return True
        line = self._lines.take(self._buffer, self._longest_line())
        if line is None:
            return False
        try:
            self._take_line(line)
        except CommandRefused as refused:
            self._refuse_line(refused, line if isinstance(line, bytes) else b"")
        return True

    def _longest_line(self) -> int:
        if self._state is State.IN_AUTH:
            return self.options.limits.auth_line
        return self._offers.longest_line

    def _take_line(self, line: bytes | LineTrouble) -> None:
        if isinstance(line, LineTrouble):
            too_long = replies.AUTH_LINE_TOO_LONG if self._state is State.IN_AUTH else replies.LINE_TOO_LONG
            raise CommandRefused(too_long, Breach.LINE_TOO_LONG, is_fatal=line is LineTrouble.ENDLESS)
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise CommandRefused(replies.BARE_NEWLINE, Breach.BARE_NEWLINE)
        if self._state is State.IN_AUTH:
            self._take_response(line[:-2])
        else:
            self._take_command(line)

    def _take_response(self, text: bytes) -> None:
        if text == b"*":  # RFC 4954 4
            self._say(replies.AUTH_CANCELLED)
            self._end_auth(AuthCancelled())
            return
        self._events.append(AuthResponse(decode_response(text)))

    def _take_command(self, line: bytes) -> None:
        row, event = read_command(line, self._state, self._offers)
        self._check_order(row, event)
        if row.brings_mail or not self._is_idle_too_long(row.verb):
            self._begin(row, event)

    def _check_order(self, row: Row, event: Event) -> None:
        if row.ends_group and self._buffer:
            if row.verb is Verb.QUIT:  # it may: nothing more is read
                self._misbehave(Breach.AHEAD_OF_REPLY, None, bytes(self._buffer))
            check_group(row.verb, event, self.options.group_rule)
        if self._is_spent and isinstance(event, Mail):
            raise CommandRefused(replies.ONE_TRANSACTION_ONLY, Breach.BAD_SEQUENCE)
        check = _CHECKS.get(type(event))
        if check is not None:
            check(self._transaction, event, self.options.limits)

    def _begin(self, row: Row, event: Event) -> None:
        self._row = row
        self._events.append(event)
        if not event.wants_answer:
            _AT_ONCE[type(event)](self, event)

    def _read_content(self) -> bool:
        try:
            self._transaction.read_content(self._buffer, self.options, self._events)
        except CommandRefused as refused:
            self._refuse_content(refused)
        return bool(self._events)

    def _refuse_content(self, refused: CommandRefused) -> None:
        """At the end of what cannot be taken: of all of it, or of a chunk that is not the last."""
        times = 1
        if self._transaction.has_all_content:
            times = self._transaction.recipients if self.options.is_lmtp else 1  # RFC 2033 4.2
            self._end_transaction()
            self._state = State.READY
        else:
            self._state = State.CHUNKS_FAILED
        self._refuse(refused, b"", times)

    def _refuse_line(self, refused: CommandRefused, line: bytes) -> None:
        """Refuse a command; the octets that a BDAT brings along go by first (RFC 3030 2)."""
        transaction = self._transaction
        if refused.breach is Breach.BAD_SEQUENCE and transaction.is_in_vain(refused.verb, self._state):
            refused = self._in_vain(refused)
        elif refused.verb in (Verb.MAIL, Verb.RCPT) and refused.breach is not Breach.BAD_SEQUENCE:
            transaction.note_refusal(refused.reply)
        behind = (0, False) if self._state is State.IN_AUTH else octets_behind(line)
        if behind is None or behind[0] > self.options.limits.message_size + self.options.limits.overrun:
            refused.is_fatal = True
        elif behind[0] or (behind[1] and self.options.is_lmtp):
            self._refused_chunk = RefusedChunk(refused, line, *behind, self._state)
            self._state = State.SWALLOWING
            return
        self._refuse(refused, line)

    def _in_vain(self, refused: CommandRefused) -> CommandRefused:
        """What to say to the rest of a group whose head was refused: RFC 5321 3.3 lets DATA be refused so."""
        is_over = refused.reply in (replies.NO_RECIPIENTS, replies.NO_RECIPIENTS_YET)
        is_later = is_over and self._transaction.is_deferred and not self.options.is_lmtp
        return CommandRefused(replies.RECIPIENTS_DEFERRED if is_later else refused.reply, None)

    def _swallow(self) -> bool:
        chunk = self._refused_chunk
        assert chunk is not None
        if not chunk.swallow(self._buffer):
            return False
        self._refused_chunk = None
        self._state = chunk.back_to
        times = 1
        if chunk.is_last and self.options.is_lmtp and chunk.back_to is not State.READY:
            times = self._transaction.recipients  # RFC 2033 4.3: even where there are none
        self._refuse(chunk.refused, chunk.line, times)
        return True

    # What the machine answers by itself.

    def _chunk_begins(self, event: Bdat) -> None:
        self._transaction.begin_chunk(event, self._events)
        self._enter()
        if not event.size_bytes and not event.is_last:
            self._count(Breach.TOO_MANY_IDLE_COMMANDS)

    def _quit(self, event: Quit) -> None:
        self._say(replies.goodbye(self.options.hostname))
        self._finish(Ending.QUIT)

    def _reset(self, event: Reset) -> None:
        self._say(replies.RESET)
        self._end_transaction()
        self._enter()

    def _noop(self, event: Noop) -> None:
        self._say(replies.NOTHING_DONE)

    def _verbose(self, event: Verbose) -> None:
        self.is_verbose = True
        self._say(replies.VERBOSE)

    def _one_transaction(self, event: OneTransaction) -> None:
        self._is_single = True
        self._say(replies.ONE_TRANSACTION)

    # After an answer.

    def _settle(self, event: Event, reply: Reply) -> None:
        """Say the reply and let it have its effect."""
        after = _AFTER.get(type(event))
        if after is not None:
            after(self, event, reply)
            return
        if isinstance(event, Hello) and reply.is_positive:
            reply = hello_answer(event, reply, self._offers)
        self._say(reply)
        if reply.is_positive and self._row is not None:
            succeed = _SUCCEEDED.get(type(event))
            if succeed is not None:
                succeed(self, event)
            self._enter()
        elif self._row is not None and self._row.brings_mail:
            self._transaction.note_refusal(reply)
            self._count(Breach.TOO_MANY_REFUSALS)

    def _hello_succeeded(self, event: Hello) -> None:
        if self._state not in (State.GREETED, State.READY):
            self._events.append(Reset())  # RFC 5321 4.1.4: EHLO clears like RSET
        self._end_transaction()
        self.is_extended = event.is_extended

    def _mail_succeeded(self, event: Mail) -> None:
        self._transaction = ServerTransaction(event.parameters)

    def _rcpt_succeeded(self, event: Rcpt) -> None:
        self._transaction.recipients += 1

    def _data_begins(self, event: DataStart) -> None:
        self._transaction.begin_content(self.options.limits, self._buffer)

    def _turned(self, event: Atrn | Turn) -> None:
        self._finish(Ending.TURNED)

    def _after_greeting(self, event: Connected, reply: Reply) -> None:
        self._say(reply)
        self._state = State.GREETED if reply.is_positive else State.TURNED_AWAY
        if self.has_talked_early:
            # RFC 5321 4.3.1: the client waits for the greeting.
            self._misbehave(Breach.EARLY_TALK, reply, bytes(self._buffer))
            if not reply.is_positive:
                self._finish(Ending.FAULT)

    def _after_xclient(self, event: Xclient, reply: Reply) -> None:
        """As after a greeting: what was said before, TLS apart, was said by somebody else."""
        self._say(reply)
        if reply.is_positive:
            self._state = State.GREETED
            self.is_extended = self.is_verbose = self._is_single = self._is_spent = False
            is_logged_in = event.attributes.get("LOGIN") is not None
            self._stand(replace(self._standing, is_logged_in=is_logged_in))
        elif reply.code == 554:  # RFC 5321 3.1: only QUIT is taken now
            self._state = State.TURNED_AWAY

    def _after_auth(self, event: Auth | AuthResponse, reply: Reply) -> None:
        self._say(reply)
        self._state = State.READY
        if reply.is_positive:
            self._stand(replace(self._standing, is_logged_in=True))
        else:
            self._count(Breach.TOO_MANY_FAILED_LOGINS)

    def _after_chunk(self, event: ChunkEnd, reply: Reply) -> None:
        self._say(reply)
        if reply.is_positive:
            self._state = State.IN_CHUNKS
            return
        self._transaction.forget_content()
        self._state = State.CHUNKS_FAILED
        self._events.append(DataAborted("a chunk was refused"))
        self._count(Breach.TOO_MANY_REFUSALS)

    def _after_data(self, event: DataEnd, reply: Reply) -> None:
        self._end_data(event, [reply] * (event.each or 1))

    def _end_data(self, event: DataEnd, each: Sequence[Reply]) -> None:
        """Say what becomes of the content, for all together or for each."""
        self._end_transaction()
        self._state = State.READY
        if any(reply.code == 421 for reply in each):  # RFC 5321 3.8: whoever says 421 closes
            self._say(next(reply for reply in each if reply.code == 421))
            self._finish(Ending.REFUSED)
            return
        for reply in each if self.options.is_lmtp else prdr_answer(each):
            self._say(reply)
        if any(reply.is_positive for reply in each):
            self._is_spent = self._is_single
            self._misconduct.forgive()
        else:
            self._count(Breach.TOO_MANY_REFUSALS)

    def _end_transaction(self) -> None:
        self._transaction = ServerTransaction()

    def _end_auth(self, event: Event) -> None:
        self._events.append(event)
        self._state = State.READY
        self._count(Breach.TOO_MANY_FAILED_LOGINS)

    def _enter(self) -> None:
        """Go where the command's row leads."""
        if self._row is not None and self._row.then is not None:
            self._state = self._row.then

    def _stand(self, standing: Standing) -> None:
        self._standing = standing
        self._offers = offers_to(standing)

    # Replies.

    def _say(self, reply: Reply) -> None:
        self._out.append(reply.format())

    def _default_answer(self, event: Event) -> Reply:
        if isinstance(event, Connected) and self.has_talked_early:
            return replies.TALKED_EARLY
        return default_answer(event, self._offers)

    # Faults and endings.

    def _refuse(self, refused: CommandRefused, line: bytes, times: int = 1) -> None:
        """Say no to a line, and hang up on whoever earns too many."""
        if refused.breach is not None:
            self._misbehave(refused.breach, refused.reply, line)
        for _ in range(1 if refused.is_fatal else times):
            self._say(refused.reply)
        if self._state is State.IN_AUTH:
            self._end_auth(AuthCancelled())
        if refused.is_fatal:
            self._finish(Ending.FAULT)
        elif refused.breach is None or refused.breach in PARDONED:
            self._count(Breach.TOO_MANY_REFUSALS)
        else:
            self._count(Breach.TOO_MANY_FAULTS)

    def _is_idle_too_long(self, verb: Verb) -> bool:
        """Count a command that brings no mail; the one too many is answered with 421. QUIT is never too many."""
        return verb is not Verb.QUIT and self._count(Breach.TOO_MANY_IDLE_COMMANDS)

    def _count(self, kind: Breach) -> bool:
        """Count one more of what wears our patience out; whether that was too much, and 421 is said."""
        is_too_much = self._misconduct.is_too_much(kind, self.options.limits)
        if is_too_much:
            self._hang_up(kind)
        return is_too_much

    def _hang_up(self, breach: Breach) -> None:
        if self._state is not State.OVER:
            self._misbehave(breach, None, b"")
            self._give_up(Ending.FAULT, Status(4, 7, 0), "Too many errors, closing")

    def _give_up(self, ending: Ending, status: Status, text: str) -> None:
        self._say(replies.closing(self.options.hostname, status, text))
        self._finish(ending)

    def _misbehave(self, breach: Breach, reply: Reply | None, excerpt: bytes) -> None:
        self._events.append(Misbehaved(breach, reply, excerpt[:_EXCERPT]))

    def _finish(self, ending: Ending) -> None:
        """The only way to OVER: what is open is void, and Closed comes last."""
        if self._state is State.OVER:
            return
        if self._transaction.has_open_content:
            self._events.append(DataAborted(ending))
        if self._state is State.IN_AUTH:
            self._events.append(AuthCancelled())
        self._state = State.OVER
        self._owed = None
        self._buffer.clear()
        self._events.append(Closed(ending))


_AtOnce: TypeAlias = Callable[[SmtpServer, Any], None]
_After: TypeAlias = Callable[[SmtpServer, Any, Reply], None]
_Succeed: TypeAlias = Callable[[SmtpServer, Any], None]

# What the transaction so far must say to a command: CommandRefused, or nothing.
_CHECKS: Final[Mapping[type[Event], Callable[[ServerTransaction, Any, SmtpLimits], None]]] = MappingProxyType(
    {
        Rcpt: ServerTransaction.check_recipient,
        DataStart: ServerTransaction.check_data,
        Bdat: ServerTransaction.check_chunk,
    }
)
# Commands that the machine answers by itself.
_AT_ONCE: Final[Mapping[type[Event], _AtOnce]] = MappingProxyType(
    {
        Bdat: SmtpServer._chunk_begins,
        Quit: SmtpServer._quit,
        Reset: SmtpServer._reset,
        Noop: SmtpServer._noop,
        Verbose: SmtpServer._verbose,
        OneTransaction: SmtpServer._one_transaction,
    }
)
# What follows any answer of the shell, yes or no.
_AFTER: Final[Mapping[type[Event], _After]] = MappingProxyType(
    {
        Connected: SmtpServer._after_greeting,
        Auth: SmtpServer._after_auth,
        AuthResponse: SmtpServer._after_auth,
        ChunkEnd: SmtpServer._after_chunk,
        DataEnd: SmtpServer._after_data,
        Xclient: SmtpServer._after_xclient,
    }
)
# What a positive answer of the shell changes, beside leading where the row says.
_SUCCEEDED: Final[Mapping[type[Event], _Succeed]] = MappingProxyType(
    {
        Hello: SmtpServer._hello_succeeded,
        Mail: SmtpServer._mail_succeeded,
        Rcpt: SmtpServer._rcpt_succeeded,
        DataStart: SmtpServer._data_begins,
        Atrn: SmtpServer._turned,
        Turn: SmtpServer._turned,
    }
)
