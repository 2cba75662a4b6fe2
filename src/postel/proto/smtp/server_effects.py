"""What commands and the shell's answers to them say and change.

Implements  RFC 5321 3 (the course of a session), 4.1.4 (EHLO clears), 4.3.1 (greetings), RFC 4954 4 (after AUTH),
            RFC 3030 2 (after a chunk), RFC 4468 3.2 (after a URL), RFC 2033 4.2 and PRDR (an answer for each
            recipient), RFC 2645 5.3 (roles).
Gives       AT_ONCE, for commands that the machine answers by itself; settle and settle_content, for the others.
Not here    Which answers there can be: answers. Where a command leads: commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from postel.mail import Reply
from postel.proto.smtp import replies
from postel.proto.smtp.answers import hello_answer, prdr_answer
from postel.proto.smtp.events import (
    Atrn,
    Auth,
    AuthResponse,
    Bdat,
    Breach,
    Burl,
    Chunk,
    ChunkEnd,
    Connected,
    DataAborted,
    DataEnd,
    DataStart,
    Event,
    Hello,
    Mail,
    Noop,
    OneTransaction,
    Quit,
    Rcpt,
    Reset,
    Turn,
    Verbose,
    Xclient,
)
from postel.proto.smtp.server_session import ServerSession
from postel.proto.smtp.server_transaction import ServerTransaction
from postel.proto.smtp.states import Ending, State

# Commands that the machine answers by itself


def _chunk_begins(session: ServerSession, event: Bdat) -> None:
    session.transaction.begin_chunk(event, session.events)
    session.enter()
    if not event.size_bytes and not event.is_last:
        session.count(Breach.TOO_MANY_IDLE_COMMANDS)


def _quit(session: ServerSession, event: Quit) -> None:
    session.say(replies.goodbye(session.options.hostname))
    session.finish(Ending.QUIT)


def _reset(session: ServerSession, event: Reset) -> None:
    session.say(replies.RESET)
    session.end_transaction()
    session.enter()


def _noop(session: ServerSession, event: Noop) -> None:
    session.say(replies.NOTHING_DONE)


def _verbose(session: ServerSession, event: Verbose) -> None:
    session.is_verbose = True
    session.say(replies.VERBOSE)


def _one_transaction(session: ServerSession, event: OneTransaction) -> None:
    session.is_single = True
    session.say(replies.ONE_TRANSACTION)


# After an answer


def settle(session: ServerSession, event: Event, reply: Reply) -> None:
    """Say the reply to an event and let it have its effect."""
    after = _AFTER.get(type(event))
    if after is not None:
        after(session, event, reply)
        return
    session.out.append(reply.format())
    row = session.row
    if row is None:
        return
    if reply.code < 400:
        succeed = _SUCCEEDED.get(type(event))
        if succeed is not None:
            succeed(session, event)
        if row.then is not None:
            session.state = row.then
    elif row.brings_mail:
        session.transaction.note_refusal(reply)
        session.count(Breach.TOO_MANY_REFUSALS)


def settle_content(session: ServerSession, each: Sequence[Reply]) -> None:
    """Say what becomes of the content, for all together or for each."""
    session.end_transaction()
    session.state = State.READY
    closing = next((reply for reply in each if reply.code == 421), None)
    if closing is not None:  # RFC 5321 3.8: whoever says 421 closes
        session.say(closing)
        session.finish(Ending.REFUSED)
        return
    for reply in each if len(each) == 1 or session.options.is_lmtp else prdr_answer(each):
        session.say(reply)
    if any(reply.is_positive for reply in each):
        session.is_spent = session.is_single
        session.misconduct.forgive()
    else:
        session.count(Breach.TOO_MANY_REFUSALS)


def _after_greeting(session: ServerSession, event: Connected, reply: Reply) -> None:
    session.say(reply)
    session.state = State.GREETED if reply.is_positive else State.TURNED_AWAY
    if session.has_talked_early:
        # RFC 5321 4.3.1: the client waits for the greeting.
        session.misbehave(Breach.EARLY_TALK, reply, bytes(session.buffer))
        if not reply.is_positive:
            session.finish(Ending.FAULT)


def _after_xclient(session: ServerSession, event: Xclient, reply: Reply) -> None:
    """As after a greeting: what was said before, TLS apart, was said by somebody else."""
    session.say(reply)
    if reply.is_positive:
        session.state = State.GREETED
        session.is_extended = session.is_verbose = session.is_single = session.is_spent = False
        is_logged_in = event.attributes.get("LOGIN") is not None
        session.stand(replace(session.standing, is_logged_in=is_logged_in))
    elif reply.code == 554:  # RFC 5321 3.1: only QUIT is taken now
        session.state = State.TURNED_AWAY


def _after_hello(session: ServerSession, event: Hello, reply: Reply) -> None:
    if not reply.is_positive:
        session.say(reply)
        return
    session.out.append(hello_answer(session.offers, reply, is_extended=event.is_extended))
    if session.state not in (State.GREETED, State.READY):
        session.events.append(Reset())  # RFC 5321 4.1.4: EHLO clears like RSET
    session.end_transaction()
    session.is_extended = event.is_extended
    session.enter()


def _after_auth(session: ServerSession, event: Auth | AuthResponse, reply: Reply) -> None:
    session.say(reply)
    session.state = State.READY
    if reply.is_positive:
        session.stand(replace(session.standing, is_logged_in=True))
    else:
        session.count(Breach.TOO_MANY_FAILED_LOGINS)


def _after_chunk(session: ServerSession, event: ChunkEnd, reply: Reply) -> None:
    session.say(reply)
    if reply.is_positive:
        session.state = State.IN_CHUNKS
        return
    session.transaction.forget_content()
    session.state = State.CHUNKS_FAILED
    session.events.append(DataAborted("a chunk was refused"))
    session.count(Breach.TOO_MANY_REFUSALS)


def _after_url(session: ServerSession, event: Burl, reply: Reply) -> None:
    transaction = session.transaction
    rest = transaction.end_url(is_last=event.is_last)
    refusal = reply if not reply.is_positive else transaction.url_refusal()
    if refusal is not None:
        session.say(refusal)
        session.fail_url(is_last=event.is_last)
        session.count(Breach.TOO_MANY_REFUSALS)
        return
    session.enter()
    if not event.is_last:
        session.say(reply)
        return
    if rest:
        session.events.append(Chunk(rest))
    session.events.append(transaction.end(is_lmtp=False))


def _after_data(session: ServerSession, event: DataEnd, reply: Reply) -> None:
    settle_content(session, [reply] * (event.each or 1))


def _mail_succeeded(session: ServerSession, event: Mail) -> None:
    session.transaction = ServerTransaction(event.parameters)


def _rcpt_succeeded(session: ServerSession, event: Rcpt) -> None:
    session.transaction.recipients += 1


def _data_begins(session: ServerSession, event: DataStart) -> None:
    session.transaction.begin_content(session.options.limits, session.buffer)


def _turned(session: ServerSession, event: Atrn | Turn) -> None:
    session.finish(Ending.TURNED)


_AtOnce: TypeAlias = Callable[[ServerSession, Any], None]
_After: TypeAlias = Callable[[ServerSession, Any, Reply], None]
_Succeed: TypeAlias = Callable[[ServerSession, Any], None]

AT_ONCE: Final[Mapping[type[Event], _AtOnce]] = MappingProxyType(
    {
        Bdat: _chunk_begins,
        Quit: _quit,
        Reset: _reset,
        Noop: _noop,
        Verbose: _verbose,
        OneTransaction: _one_transaction,
    }
)
"""Commands that the machine answers by itself."""

# What follows any answer of the shell, yes or no.
_AFTER: Final[Mapping[type[Event], _After]] = MappingProxyType(
    {
        Connected: _after_greeting,
        Hello: _after_hello,
        Auth: _after_auth,
        AuthResponse: _after_auth,
        Burl: _after_url,
        ChunkEnd: _after_chunk,
        DataEnd: _after_data,
        Xclient: _after_xclient,
    }
)
# What a positive answer of the shell changes, beside leading where the row says.
_SUCCEEDED: Final[Mapping[type[Event], _Succeed]] = MappingProxyType(
    {
        Mail: _mail_succeeded,
        Rcpt: _rcpt_succeeded,
        DataStart: _data_begins,
        Atrn: _turned,
        Turn: _turned,
    }
)
