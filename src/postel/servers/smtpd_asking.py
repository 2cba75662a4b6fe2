"""What a client may ask for besides mail: what is known here, and what waits here.

Implements  RFC 5321 3.5 and 7.3 (VRFY and EXPN), RFC 1985 5 (ETRN), RFC 2645 5.2.1 (ATRN), RFC 821 3.8 (TURN).
Gives       handle_vrfy, handle_expn, handle_etrn, handle_atrn, handle_turn.
Not here    The answers themselves: smtpd_lookup, smtpd_waiting.

VRFY and EXPN of clients that are not trusted get the machine's own answer: 252, which is honest and tells nobody who
has a mailbox here.
"""

from __future__ import annotations

from collections.abc import Sequence

from postel.mail import Domain
from postel.proto import smtp
from postel.servers.smtpd_lookup import Lookup
from postel.servers.smtpd_session import SmtpSession
from postel.servers.smtpd_waiting import WaitingMail


async def handle_vrfy(session: SmtpSession, event: smtp.Vrfy) -> None:
    """VRFY."""
    is_trusted = "VRFY" in session.talk.options.commands
    session.talk.answer(await Lookup(session.parts).verify(event, session.client) if is_trusted else None)


async def handle_expn(session: SmtpSession, event: smtp.Expn) -> None:
    """EXPN."""
    is_trusted = "EXPN" in session.talk.options.commands
    session.talk.answer(await Lookup(session.parts).expand(event, session.client) if is_trusted else None)


async def handle_etrn(session: SmtpSession, event: smtp.Etrn) -> None:
    """ETRN: what waits for a node is tried now."""
    reply = await WaitingMail(session.parts).wake(event)
    session.log.woken(session.client, event.node, reply)
    session.talk.answer(reply)


async def handle_atrn(session: SmtpSession, event: smtp.Atrn) -> None:
    """ATRN: the client wants to be given its mail."""
    await _grant_mail(session, event.domains)


async def handle_turn(session: SmtpSession, event: smtp.Turn) -> None:
    """TURN: as ATRN, for all that it has a right to."""
    await _grant_mail(session, ())


async def _grant_mail(session: SmtpSession, domains: Sequence[Domain]) -> None:
    waiting = WaitingMail(session.parts)
    reply = await waiting.grant(session.client.account, domains)
    if reply.is_positive:
        session.waiting = waiting
    session.talk.answer(reply)
