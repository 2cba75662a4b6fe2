"""Tell a next hop of ours where a message came from: XFORWARD, before its transaction.

Implements  Postfix's XFORWARD, the client's side.
Gives       forward.
Not here    Which routes want it: routing. The form of the commands: proto.smtp.peer_attributes.
"""

from __future__ import annotations

from typing import Final

from postel.delivery.smtp_session import SmtpSession
from postel.proto.smtp import Attributes, SessionLost, format_xforward
from postel.queue import Job

_OURS: Final = frozenset({"local", "report"})  # protocols of messages that came by no network


async def forward(session: SmtpSession, job: Job) -> SessionLost | None:
    """Say it, if the host offers XFORWARD; the end of the session, if it ended. What it refuses does not matter."""
    wanted = session.offered.keywords.get("XFORWARD", ())
    if wanted and isinstance(gone := await session.clear(), SessionLost):
        return gone
    for line in format_xforward(_attributes(job), tuple(name.upper() for name in wanted)):
        event = await session.command(line)
        if isinstance(event, SessionLost):
            return event
    return None


def _attributes(job: Job) -> Attributes:
    origin = job.origin
    return {
        "NAME": origin.client_host,
        "ADDR": origin.client_ip,
        "PORT": str(origin.client_port) if origin.client_port else None,
        "PROTO": None if origin.protocol in _OURS else origin.protocol,
        "HELO": origin.client_name,
        "IDENT": origin.ident or str(job.queue_id),
        "SOURCE": origin.source or ("LOCAL" if origin.protocol in _OURS else "REMOTE"),
    }
