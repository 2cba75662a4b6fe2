"""What the replies of a server change in the client's session.

Implements  RFC 5321 3.2, 3.3, 3.8 and 4.2.1 (421 at any time), RFC 2920 3.1, RFC 3207 4 and 6 (plaintext before TLS),
            RFC 4954 4 (AUTH), RFC 2033 4.2 (LMTP), RFC 3030 2 (BDAT), PRDR, RFC 1845 3 (355), RFC 2645 5.3 (roles).
Gives       hear_all; go_on, for a login.
Not here    What replies look like: reply_reader. The steps: client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from postel.mail import BadSyntax
from postel.proto import sasl
from postel.proto.smtp.client_events import (
    CommandDone,
    ContentWanted,
    Greeting,
    HelloDone,
    HelloRefused,
    KeyWanted,
    LoginDone,
    QuitDone,
    ResetDone,
    TlsReady,
    TlsRefused,
    TurnDone,
)
from postel.proto.smtp.client_session import ClientSession, current
from postel.proto.smtp.client_table import ROWS, Command, Said, State
from postel.proto.smtp.client_transaction import ClientTransaction
from postel.proto.smtp.dot_stuffing import DotStuffer
from postel.proto.smtp.offered import Offered, parse_offered
from postel.proto.smtp.reply_reader import BadReply, WireReply
from postel.proto.smtp.resumption import parse_offset

PLAINTEXT: Final = "plaintext after the server was ready to start TLS"


def hear_all(session: ClientSession) -> None:
    """Hear all that has come. A reply that nothing waits for is thus found before the next step."""
    while session.state is not State.OVER:
        try:
            reply = session.reader.next_reply()
        except BadReply as fault:
            return session.lose(f"{fault} {session.whereabouts()}")
        if reply is None:
            return None
        _hear(session, reply)
    return None


def _hear(session: ClientSession, wire: WireReply) -> None:
    session.replies_read += 1
    if wire.code == 421 and not session.is_awaiting(Said.QUIT):
        # RFC 5321 3.8 and 4.2.1: may come at any time, to any command, and then the connection closes.
        return session.lose_by("the server is closing the session", wire.reply())
    if not session.awaited:
        return _hear_unasked(session, wire)
    command = session.awaited.popleft()
    digit = str(wire.code)[0]
    makes_sense = digit in "45" or digit in ROWS[command.said].positive or _is_prdr(session, command, wire)
    if not makes_sense and not _is_resumption(session, command, wire):
        return session.lose(f"the server answered {command.said.value} with {wire.code}", wire.reply())
    _HANDLERS[command.said](session, command, wire)
    session.pump()
    if session.transaction is not None and session.state is State.WAITING and not session.awaited:
        if session.transaction.uses_chunks and session.may_send and not session.transaction.has_content_begun:
            session.begin_chunks(session.transaction)
        else:
            session.finish_transaction()
    return None


def _hear_unasked(session: ClientSession, wire: WireReply) -> None:
    reply = wire.reply()
    if session.state is State.IN_CONTENT and not reply.is_positive:
        # It will not read on (RFC 5321 4.2.5 has it wait for the end); its verdict stands all the same.
        return session.lose_by("the server refused the content before its end", reply)
    return session.lose("the server answered what was not asked", reply)


def _hear_greeting(session: ClientSession, _: Command, wire: WireReply) -> None:
    reply = wire.plain() if wire.code < 400 else wire.reply()
    session.state = State.GREETED if reply.is_positive else State.TURNED_AWAY
    session.events.append(Greeting(reply))


def _hear_ehlo(session: ClientSession, _: Command, wire: WireReply) -> None:
    if wire.code < 400:
        session.offered = parse_offered(wire.lines[1:])
        session.state = State.READY
        session.events.append(HelloDone(session.offered, is_extended=True))
    elif wire.code >= 500 and not session.options.is_lmtp:
        # RFC 5321 3.2: a server that does not know EHLO may still know HELO.
        session.queue(Said.HELO, f"HELO {session.options.hostname}\r\n".encode())
    else:
        session.state = State.TURNED_AWAY
        session.events.append(HelloRefused(wire.reply()))


def _hear_helo(session: ClientSession, _: Command, wire: WireReply) -> None:
    if wire.code >= 400:
        session.state = State.TURNED_AWAY
        session.events.append(HelloRefused(wire.reply()))
        return
    session.offered = Offered()
    session.state = State.READY
    session.events.append(HelloDone(session.offered, is_extended=False))


def _hear_starttls(session: ClientSession, _: Command, wire: WireReply) -> None:
    if wire.code >= 400:
        session.state = State.READY
        session.events.append(TlsRefused(wire.reply()))
    elif not session.reader.is_empty:
        session.lose(PLAINTEXT)
    else:
        session.state = State.STARTING_TLS
        session.events.append(TlsReady())


def _hear_auth(session: ClientSession, _: Command, wire: WireReply) -> None:
    exchange = current(session.exchange)
    try:
        if wire.code < 300:
            exchange.finish()
        elif wire.code < 400:
            return go_on(session, _respond(session, exchange, wire.lines[0]))
    except (sasl.ExchangeFault, BadSyntax) as fault:
        return _distrust(session, wire, str(fault))
    return _end_login(session, wire)


def _hear_cancel(session: ClientSession, _: Command, wire: WireReply) -> None:
    _end_login(session, wire)


def _hear_command(session: ClientSession, _: Command, wire: WireReply) -> None:
    session.state = State.READY
    session.events.append(CommandDone(wire.reply()))


def _hear_turn(session: ClientSession, _: Command, wire: WireReply) -> None:
    if wire.code >= 400:
        session.state = State.READY
        session.events.append(TurnDone(wire.reply()))
    elif not session.reader.is_empty:
        # It waits for our greeting; what it says before that may have been put there by anyone.
        session.lose("the server talked on after the roles were reversed")
    else:
        session.be_over(TurnDone(wire.reply()))


def _hear_rset(session: ClientSession, _: Command, wire: WireReply) -> None:
    if wire.code >= 400:
        session.lose("the server refused RSET", wire.reply())
    elif session.transaction is None:
        session.needs_reset = False
        session.state = State.READY
        session.events.append(ResetDone())


def _hear_mail(session: ClientSession, _: Command, wire: WireReply) -> None:
    transaction = current(session.transaction)
    transaction.is_begun = True
    if wire.code >= 400:
        transaction.refuse_open(wire.reply())
        session.unsaid.clear()
    elif wire.code == 355:
        _resume(session, transaction, parse_offset(wire.lines[0]))


def _hear_rcpt(session: ClientSession, command: Command, wire: WireReply) -> None:
    current(session.transaction).rcpt_replied(command.recipient, wire.reply())


def _hear_data(session: ClientSession, _: Command, wire: WireReply) -> None:
    transaction = current(session.transaction)
    if wire.code >= 400:
        transaction.refuse_open(wire.reply())
    elif not transaction.to_ask:
        _end_at_once(session)
    else:
        session.stuffer = DotStuffer(transaction.offset)
        session.state = State.IN_CONTENT
        transaction.has_content_begun = True
        session.events.append(ContentWanted(transaction.offset))


def _hear_chunk(session: ClientSession, _: Command, wire: WireReply) -> None:
    if wire.code < 400:
        return
    # RFC 3030 2: the transaction has failed, no more chunks are sent, and RSET comes before the next.
    current(session.transaction).refuse_open(wire.reply())
    session.needs_reset = True
    if session.chunks is not None:
        session.chunks.is_refused = True


def _hear_content(session: ClientSession, command: Command, wire: WireReply) -> None:
    transaction, reply = current(session.transaction), wire.reply()
    if 300 <= wire.code < 400:  # PRDR: one for each, and one for all together
        session.awaited.extend(Command(Said.EACH, b"", index) for index in transaction.accepted)
        session.awaited.append(Command(Said.OVERALL, b""))
        return
    if command.recipient >= 0:
        transaction.decide(command.recipient, reply)
    else:
        transaction.refuse_open(reply)
    if not reply.is_positive:
        session.needs_reset = True  # not every server clears them after a refusal


def _hear_each(session: ClientSession, command: Command, wire: WireReply) -> None:
    current(session.transaction).each_replied(command.recipient, wire.reply())


def _hear_overall(session: ClientSession, _: Command, wire: WireReply) -> None:
    current(session.transaction).all_replied(wire.reply())
    session.needs_reset |= wire.code >= 400


def _hear_lone_dot(session: ClientSession, _: Command, wire: WireReply) -> None:
    """Whatever it says, nobody was accepted and nothing was sent."""


def _hear_quit(session: ClientSession, _: Command, wire: WireReply) -> None:
    session.be_over(QuitDone())


def go_on(session: ClientSession, step: bytes | sasl.SaltPassword) -> None:
    """The next step of a login: a response, or a key that somebody has to compute."""
    if isinstance(step, sasl.SaltPassword):
        session.state = State.IN_LOGIN
        session.events.append(KeyWanted(step))
    else:
        session.say(Said.AUTH, sasl.encode(step) + b"\r\n")


def _respond(session: ClientSession, exchange: sasl.ClientExchange, text: str) -> bytes | sasl.SaltPassword:
    challenge = sasl.decode(text.encode())
    initial, session.initial = session.initial, None
    return exchange.respond(challenge) if initial is None else initial


def _distrust(session: ClientSession, wire: WireReply, because: str) -> None:
    if wire.code < 300:  # it says yes without having proven itself
        session.lose(because, wire.reply())
    else:
        session.say(Said.CANCEL, sasl.CANCEL + b"\r\n")  # RFC 4954 4: MUST cancel


def _end_login(session: ClientSession, wire: WireReply) -> None:
    session.exchange = None
    session.state = State.READY
    session.events.append(LoginDone(wire.reply()))


def _is_resumption(session: ClientSession, command: Command, wire: WireReply) -> bool:
    is_ours = session.transaction is not None and session.transaction.is_checkpointed
    return wire.code == 355 and command.said is Said.MAIL and is_ours


def _is_prdr(session: ClientSession, command: Command, wire: WireReply) -> bool:
    is_asked = session.transaction is not None and session.transaction.uses_prdr
    return wire.code == 353 and command.said is Said.CONTENT and is_asked


def _resume(session: ClientSession, transaction: ClientTransaction, offset: int | None) -> None:
    """RFC 1845 3: no RCPT, but the content from that octet; or all anew where that cannot be."""
    session.unsaid.clear()
    if offset is not None and transaction.resume(offset):
        session.queue(Said.DATA, b"DATA\r\n")
    else:
        transaction.begin_anew()
        session.queue_transaction(transaction)


def _end_at_once(session: ClientSession) -> None:
    """RFC 2920 3.1: everybody was refused, yet it wants content: it gets a lone dot.

    RFC 2033 4.2: an LMTP server must refuse DATA there, and would answer the dot with no reply at all.
    """
    if session.options.is_lmtp:
        return session.lose("the server wants content for nobody")
    session.out.append(b".\r\n")
    session.awaited.append(Command(Said.LONE_DOT, b""))
    return None


_HANDLERS: Final[Mapping[Said, Callable[[ClientSession, Command, WireReply], None]]] = {
    Said.NOTHING_YET: _hear_greeting,
    Said.EHLO: _hear_ehlo,
    Said.HELO: _hear_helo,
    Said.STARTTLS: _hear_starttls,
    Said.AUTH: _hear_auth,
    Said.CANCEL: _hear_cancel,
    Said.COMMAND: _hear_command,
    Said.TURN: _hear_turn,
    Said.RSET: _hear_rset,
    Said.MAIL: _hear_mail,
    Said.RCPT: _hear_rcpt,
    Said.DATA: _hear_data,
    Said.CHUNK: _hear_chunk,
    Said.CONTENT: _hear_content,
    Said.EACH: _hear_each,
    Said.OVERALL: _hear_overall,
    Said.LONE_DOT: _hear_lone_dot,
    Said.QUIT: _hear_quit,
}
