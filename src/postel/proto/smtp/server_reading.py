"""From the octets that were received to the next event, or to a refusal.

Implements  RFC 5321 2.3.8 (lines), 4.1.4 (order), 4.5.3.1 (limits), RFC 3207 4 (nothing in plaintext before TLS),
            RFC 4954 4 (lines of a SASL exchange), RFC 3030 2 (the octets of a refused BDAT), RFC 2033 4.2 and 4.3.
Gives       advance.
Not here    From a line to an event: command_line. Content: server_transaction. Answers: server_effects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from postel.proto.smtp import replies
from postel.proto.smtp.arguments import decode_response
from postel.proto.smtp.chunks import RefusedChunk
from postel.proto.smtp.command_line import may_be_url, octets_behind, read_command
from postel.proto.smtp.commands import Row, Verb
from postel.proto.smtp.events import (
    AuthCancelled,
    AuthResponse,
    Bdat,
    Breach,
    Burl,
    DataStart,
    Event,
    Mail,
    Rcpt,
)
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.lines import LineTrouble
from postel.proto.smtp.order import check_group
from postel.proto.smtp.server_effects import AT_ONCE
from postel.proto.smtp.server_session import ServerSession
from postel.proto.smtp.states import Ending, State

_TLS_HANDSHAKE: Final = b"\x16\x03"  # RFC 8446 5.1: how a ClientHello begins


def advance(session: ServerSession) -> bool:
    """Do one step with what was received; whether there was anything to do."""
    state = session.state
    if state is State.OVER:
        return False
    if _READERS.get(state, _read_line)(session):
        return True
    if session.has_ended:
        session.finish(Ending.PEER_CLOSED)
    return session.has_ended


# Commands


def _read_line(session: ServerSession) -> bool:
    line = session.lines.take(session.buffer, session.offers.longest_line)
    if line is None:
        return False
    _take_line(session, line, _take_command)
    return True


def _greeted(session: ServerSession) -> bool:
    """The first line: TLS in its place is no line at all."""
    if not session.buffer.startswith(_TLS_HANDSHAKE):
        return _read_line(session)
    session.misbehave(Breach.FOREIGN_PROTOCOL, None, bytes(session.buffer))
    session.finish(Ending.FAULT)
    return True


def _take_line(
    session: ServerSession, line: bytes | LineTrouble, take: Callable[[ServerSession, bytes], None]
) -> None:
    try:
        if isinstance(line, LineTrouble):
            in_auth = session.state is State.IN_AUTH
            too_long = replies.AUTH_LINE_TOO_LONG if in_auth else replies.LINE_TOO_LONG
            raise CommandRefused(too_long, Breach.LINE_TOO_LONG, is_fatal=line is LineTrouble.ENDLESS)
        if not line.endswith(b"\r\n") or line.find(b"\r") != len(line) - 2:
            raise CommandRefused(replies.BARE_NEWLINE, Breach.BARE_NEWLINE)
        take(session, line)
    except CommandRefused as refused:
        _refuse_line(session, refused, line if isinstance(line, bytes) else b"")


def _take_command(session: ServerSession, line: bytes) -> None:
    row, event = read_command(line, session.state, session.offers)
    if row.ends_group and session.buffer:
        _check_group(session, row, event)
    check = _CHECKS.get(type(event))
    if check is not None:
        check(session, event)
    if row.brings_mail or not session.is_idle_too_long(row.verb):
        session.row = row
        session.events.append(event)
        if not event.wants_answer:
            AT_ONCE[type(event)](session, event)


def _check_group(session: ServerSession, row: Row, event: Event) -> None:
    if row.verb is Verb.QUIT:  # it may: nothing more is read
        session.misbehave(Breach.AHEAD_OF_REPLY, None, bytes(session.buffer))
    check_group(row.verb, event, session.options.group_rule)


def _check_mail(session: ServerSession, event: Mail) -> None:
    if session.is_spent:
        raise CommandRefused(replies.ONE_TRANSACTION_ONLY, Breach.BAD_SEQUENCE)


def _check_recipient(session: ServerSession, event: Rcpt) -> None:
    session.transaction.check_recipient(event, session.options.limits)


def _check_data(session: ServerSession, event: DataStart) -> None:
    session.transaction.check_data()


def _check_chunk(session: ServerSession, event: Bdat) -> None:
    session.transaction.check_chunk(event, session.options.limits)


def _check_url(session: ServerSession, event: Burl) -> None:
    session.transaction.check_url(session.options.limits)


# Refusals


def _refuse_line(session: ServerSession, refused: CommandRefused, line: bytes) -> None:
    """Refuse a command; the octets that a BDAT brings along go by first (RFC 3030 2)."""
    transaction, state, options = session.transaction, session.state, session.options
    if refused.breach is Breach.BAD_SEQUENCE and transaction.is_in_vain(refused.verb, state):
        refused = _in_vain(session, refused)
    elif refused.verb in (Verb.MAIL, Verb.RCPT) and refused.breach is not Breach.BAD_SEQUENCE:
        transaction.note_refusal(refused.reply)
    behind = (0, False) if state is State.IN_AUTH else octets_behind(line)
    if behind is None or behind[0] > options.limits.message_size + options.limits.overrun:
        refused.is_fatal = True
    elif behind[0] or (behind[1] and options.is_lmtp):
        session.refused_chunk = RefusedChunk(refused, line, *behind, state)
        session.state = State.SWALLOWING
        return
    session.refuse(refused, line)
    is_offered = "BURL" in session.offers.keywords
    if is_offered and may_be_url(line) and session.state in (State.HAS_RCPT, State.IN_CHUNKS):
        session.fail_url(is_last=False)


def _in_vain(session: ServerSession, refused: CommandRefused) -> CommandRefused:
    """What to say to the rest of a group whose head was refused: RFC 5321 3.3 lets DATA be refused so."""
    is_over = refused.reply in (replies.NO_RECIPIENTS, replies.NO_RECIPIENTS_YET)
    is_later = is_over and session.transaction.is_deferred and not session.options.is_lmtp
    return CommandRefused(replies.RECIPIENTS_DEFERRED if is_later else refused.reply, None)


def _swallow(session: ServerSession) -> bool:
    chunk = session.refused_chunk
    assert chunk is not None
    if not chunk.swallow(session.buffer):
        return False
    session.refused_chunk = None
    session.state = chunk.back_to
    times = 1
    if chunk.is_last and session.options.is_lmtp and chunk.back_to is not State.READY:
        times = session.transaction.recipients  # RFC 2033 4.3: even where there are none
    session.refuse(chunk.refused, chunk.line, times)
    return True


# What is no command


def _read_content(session: ServerSession) -> bool:
    try:
        session.transaction.read_content(session.buffer, session.options, session.events)
    except CommandRefused as refused:
        _refuse_content(session, refused)
    return bool(session.events)


def _refuse_content(session: ServerSession, refused: CommandRefused) -> None:
    """At the end of what cannot be taken: of all of it, or of a chunk that is not the last."""
    times = 1
    if session.transaction.has_all_content:
        times = session.transaction.recipients if session.options.is_lmtp else 1  # RFC 2033 4.2
        session.end_transaction()
        session.state = State.READY
    else:
        session.state = State.CHUNKS_FAILED
    session.refuse(refused, b"", times)


def _read_response(session: ServerSession) -> bool:
    line = session.lines.take(session.buffer, session.options.limits.auth_line)
    if line is None:
        return False
    _take_line(session, line, _take_response)
    return True


def _take_response(session: ServerSession, line: bytes) -> None:
    if line == b"*\r\n":  # RFC 4954 4
        session.say(replies.AUTH_CANCELLED)
        session.end_auth(AuthCancelled())
        return
    session.events.append(AuthResponse(decode_response(line[:-2])))


def _look_for_plaintext(session: ServerSession) -> bool:
    # RFC 3207 4 and 6: what was sent in plaintext must not be taken for what TLS protects.
    if session.buffer:
        session.misbehave(Breach.PLAINTEXT_BEFORE_TLS, None, bytes(session.buffer))
        session.finish(Ending.FAULT)
    return session.state is State.OVER


_Reader: TypeAlias = Callable[[ServerSession], bool]
_Check: TypeAlias = Callable[[ServerSession, Any], None]

# Who reads in which state; in all others it is a line with a command.
_READERS: Final[Mapping[State, _Reader]] = MappingProxyType(
    {
        State.GREETED: _greeted,
        State.IN_AUTH: _read_response,
        State.READING_DATA: _read_content,
        State.READING_CHUNK: _read_content,
        State.SWALLOWING: _swallow,
        State.STARTING_TLS: _look_for_plaintext,
    }
)
# What the session so far must say to a command: CommandRefused, or nothing.
_CHECKS: Final[Mapping[type[Event], _Check]] = MappingProxyType(
    {Mail: _check_mail, Rcpt: _check_recipient, DataStart: _check_data, Bdat: _check_chunk, Burl: _check_url}
)
