"""A client proves who it is.

Implements  RFC 4954 4 (AUTH) and 6 (its replies).
Asks        Hooks at auth.
Gives       handle_auth, handle_auth_response, handle_auth_cancelled.
Not here    The exchange with the directory, which all protocols share: login.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Final

from postel.hooks import Auth, Phase
from postel.mail import LocalFault, Mailbox, Reply
from postel.proto import smtp
from postel.proto.sasl import Denial, Denied, find_mechanism
from postel.proto.smtp import replies
from postel.servers.login import LoginExchange, LoginFacts, LoginStep
from postel.servers.smtpd_session import SmtpSession

# RFC 4954 6: what the client is told of each kind of no.
_DENIED: Final = {
    Denial.CREDENTIALS: replies.LOGIN_FAILED,
    Denial.MALFORMED: replies.LOGIN_MALFORMED,
    Denial.LATER: replies.LOGIN_LATER,
}


async def handle_auth(session: SmtpSession, event: smtp.Auth) -> None:
    """AUTH."""
    mechanism = find_mechanism(event.mechanism)
    if mechanism is None:
        session.talk.answer(replies.MECHANISM_UNKNOWN)
        return
    hostname, offered = session.options.hostname.ascii, session.talk.options.mechanisms
    facts = LoginFacts.of("smtp", hostname, session.stream, session.client.ip, offered)
    session.login = LoginExchange(mechanism, event.initial, session.parts.directory, facts)
    await _go_on(session, session.login.begin())


async def handle_auth_response(session: SmtpSession, event: smtp.AuthResponse) -> None:
    """The answer to a challenge."""
    if session.login is not None:
        await _go_on(session, session.login.respond(event.response))


async def handle_auth_cancelled(session: SmtpSession, event: smtp.AuthCancelled) -> None:
    """It came to nothing."""
    session.login = None


async def _go_on(session: SmtpSession, step: Awaitable[LoginStep]) -> None:
    found = await step
    if isinstance(found, bytes):
        session.talk.challenge(found)
        return
    exchange, session.login = session.login, None
    if exchange is None:
        raise LocalFault("a login ended that never began")
    if isinstance(found, Denied):
        _failed(session, exchange, _DENIED[found.kind], found.because)
    else:
        await _succeeds(session, exchange, found.mailbox)


async def _succeeds(session: SmtpSession, exchange: LoginExchange, account: Mailbox) -> None:
    mechanism = exchange.mechanism.name
    if session.hooks.wants(Phase.AUTH):
        decision = await session.hooks.ask(Phase.AUTH, Auth(session.client, mechanism, account))
        session.added += decision.added
        if decision.refusal is not None:
            _failed(session, exchange, decision.refusal.reply, decision.refusal.because)
            return
    session.client = replace(session.client, account=account)
    session.log.logged_in(session.client, mechanism)
    session.talk.options = session.machine_options()
    session.talk.answer(replies.LOGGED_IN)


def _failed(session: SmtpSession, exchange: LoginExchange, reply: Reply, because: str) -> None:
    session.log.login_failed(session.client, exchange.login, exchange.mechanism.name, reply, because)
    session.talk.answer(reply)
