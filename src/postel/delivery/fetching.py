"""Ask another server for the mail that waits there: ETRN, or ATRN and TURN, as the customer.

Implements  RFC 1985 5.2 (the client's side of ETRN), RFC 2645 5 (the customer's side of ATRN), RFC 821 3.8 (TURN).
Gives       ask_for, fetch.
Not here    Receiving what comes: whoever is given the stream, an SMTP service as a rule. RelayAgent.connect
            connects.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from postel.delivery.opening import Target
from postel.delivery.smtp_session import SmtpSession
from postel.delivery.trouble import lost
from postel.mail import LocalFault, Reply
from postel.net import Stream
from postel.proto.smtp import CommandDone, SessionLost, TurnDone


async def ask_for(target: Target, session: SmtpSession, nodes: Sequence[str]) -> list[tuple[str, Reply]]:
    """ETRN for each node (`example.org`, `@example.org`, `#queue`), and its reply.

    After a 5yz no more are asked for: the server does not know ETRN (RFC 1985 5.2). Raises HopTrouble.
    """
    replies: list[tuple[str, Reply]] = []
    try:
        for node in nodes:
            replies.append((node, await _command(session, target, f"ETRN {node}")))
            if replies[-1][1].is_permanent:
                break
        await session.quit()
    except BaseException:
        session.abort()
        raise
    return replies


async def fetch(
    target: Target,
    session: SmtpSession,
    command: str,
    take: Callable[[Stream], Awaitable[None]],
) -> Reply:
    """ATRN with its domains, or TURN; the reply. When it is positive, `take` has served the stream to its end.

    Raises HopTrouble, and what `take` raises.
    """
    try:
        event = await session.turn(command)
        if isinstance(event, SessionLost):
            raise lost(target.remote, event.because)
        if not isinstance(event, TurnDone):
            raise LocalFault(f"{event} after {command}")
        if event.reply.is_positive:
            await take(session.stream)
        else:
            await session.quit()
    except BaseException:
        session.abort()
        raise
    return event.reply


async def _command(session: SmtpSession, target: Target, line: str) -> Reply:
    event = await session.command(line)
    if isinstance(event, SessionLost):
        raise lost(target.remote, event.because)
    if not isinstance(event, CommandDone):
        raise LocalFault(f"{event} after {line}")
    return event.reply
