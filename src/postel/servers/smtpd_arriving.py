"""Who comes: the greeting, hello, what a trusted host says of another, and TLS.

Implements  RFC 5321 3.1, 3.2 and 4.3.1 (greeting), RFC 3207 4 (STARTTLS), RFC 2505 2.5 (the client's name).
Asks        Hooks, Postel's own policy among them, at connect and hello.
Gives       handle_connected, handle_hello, handle_xclient, handle_xforward, handle_start_tls.
Not here    Logins: smtpd_logging_in. What is offered to whom: smtpd_standing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from postel.dns import answer
from postel.hooks import Client, Connect, Hello, Phase
from postel.mail import BadSyntax, Reply, Status
from postel.net import ConnectionLost, TimedOut
from postel.proto import smtp
from postel.routing import AccountQuestion, client_name
from postel.servers.smtpd_options import Service
from postel.servers.smtpd_session import SmtpSession
from postel.servers.smtpd_xclient import claimed_account, claimed_client
from postel.tls import HandshakeFailed, start_server

TALKED_EARLY: Final = Reply(554, None, "Wait for the greeting; closing")
NO_MAIL_HERE: Final = Reply(521, None, "Server does not accept mail")  # RFC 7504 3
NO_SUCH_ACCOUNT: Final = Reply(501, Status(5, 5, 4), "LOGIN names no account here")
NO_TLS_NOW: Final = Reply(454, Status(4, 7, 0), "TLS not available")  # RFC 3207 4


async def handle_connected(session: SmtpSession, event: smtp.Connected) -> None:
    """A session begins."""
    options = session.options
    if options.service is Service.NO_MAIL:
        session.talk.answer(NO_MAIL_HERE)  # RFC 7504 3
        return
    if options.greet_delay_s > 0 and not await _waits_for_greeting(session):
        return
    if options.access.needs_names:
        await _look_up_name(session)
    session.talk.answer(await _refused_at_connect(session))


async def _refused_at_connect(session: SmtpSession) -> Reply | None:
    """RFC 5321 3.1: a greeting that turns away is 554; a transient one is 421, and closes."""
    if not session.hooks.wants(Phase.CONNECT):
        return None
    decision = await session.hooks.ask(Phase.CONNECT, Connect(session.client))
    session.added += decision.added
    reply = session.refused(Phase.CONNECT, decision)
    return reply and Reply(421 if reply.is_transient else 554, None, reply.text)


async def _look_up_name(session: SmtpSession) -> None:
    """RFC 2505 2.5 and 2.2.1: the client's host name, as DNS confirms it."""
    client, resolver = session.client, session.parts.resolver
    if client.ip is not None and resolver is not None and client.name is None:
        found = await answer(client_name(client.ip), resolver)
        session.client = replace(session.client, name=found.name)


async def _waits_for_greeting(session: SmtpSession) -> bool:
    """Give a client that cannot wait the time to show it; False when that ended the session."""
    try:
        early = await session.drive.read(session.options.greet_delay_s)
    except TimedOut:
        return True
    if not early:
        session.talk.shut_down()
        return False
    # RFC 5321 3.1 and 4.3.1: the client waits for the greeting. Who does not reads no replies either.
    session.log.misbehaved(session.client, smtp.Breach.EARLY_TALK, TALKED_EARLY, early)
    session.talk.answer(TALKED_EARLY)
    session.drive.hang_up()
    return False


async def handle_hello(session: SmtpSession, event: smtp.Hello) -> None:
    """EHLO or HELO."""
    one = session.client
    session.client = Client(
        one.ip, one.port, one.service, event.name, event.is_extended, one.tls, one.account, one.name
    )
    reply: Reply | None = None
    if session.hooks.wants(Phase.HELLO):
        decision = await session.hooks.ask(Phase.HELLO, Hello(session.client))
        session.added += decision.added
        reply = session.refused(Phase.HELLO, decision)
    session.talk.answer(reply)


async def handle_xclient(session: SmtpSession, event: smtp.Xclient) -> None:
    """A trusted host says who the client is: all that was learned of another is forgotten."""
    try:
        account = claimed_account(event.attributes)
    except BadSyntax:
        account, is_known = None, False
    else:
        is_known = account is None or await session.parts.answer(AccountQuestion(account.folded))
    if not is_known:
        session.talk.answer(NO_SUCH_ACCOUNT)
        return
    before, client = session.client, claimed_client(session.client, event.attributes, account)
    session.log.client_named(before, client)
    session.client, session.added, session.unknown = client, [], 0
    session.is_itself = False
    reply = await _refused_at_connect(session)
    session.talk.options = session.machine_options()
    session.talk.answer(reply)


async def handle_xforward(session: SmtpSession, event: smtp.Xforward) -> None:
    """A trusted host says where the next message came from."""
    session.intake.forwarded = {**session.intake.forwarded, **event.attributes}
    session.talk.answer()


async def handle_start_tls(session: SmtpSession, event: smtp.StartTls) -> None:
    """STARTTLS."""
    tls, drive = session.counter.tls, session.drive
    if tls is None:
        session.talk.answer(NO_TLS_NOW)
        return
    session.talk.answer()
    await drive.flush()
    try:
        drive.stream = await start_server(drive.stream, tls, timeout_s=session.options.handshake_s)
    except HandshakeFailed as failed:
        session.log.handshake_failed(session.client, failed.reason)
        raise ConnectionLost("no TLS handshake") from None
    info = drive.stream.tls
    # RFC 3207 4.2: what was learned without TLS, name and login among it, is forgotten.
    version = info.version if info else None
    session.client = replace(session.client, tls=version, hello="", is_extended=False, account=None)
    session.talk.options = session.machine_options()
    session.talk.tls_started()
