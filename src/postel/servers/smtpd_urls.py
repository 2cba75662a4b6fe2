"""BURL: content of a submission that is in a mailbox here already.

Implements  RFC 4468 3.2 and 3.3 (who may have what submitted), 6 (replies), RFC 4467 3 (submit+).
Gives       handle_burl.
Not here    Who may follow a URL: url_access. How long content may be, and what may be in it: proto.smtp.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

from postel.contents import ContentMissing
from postel.database import DatabaseTrouble
from postel.mail import LocalFault, Reply, Status
from postel.proto import smtp
from postel.servers.smtpd_content import trouble_reply
from postel.servers.smtpd_mail import begin_content
from postel.servers.smtpd_session import SmtpSession
from postel.servers.url_access import Reader, UrlDenied, UrlElsewhere, UrlNamesNothing, UrlNotAllowed
from postel.servers.url_content import UrlContent

# RFC 4468 6, and 3.4 for the second.
ELSEWHERE: Final = Reply(554, Status(5, 7, 8), "URL resolution requires trust relationship")
NOT_ALLOWED: Final = Reply(554, Status(5, 7, 0), "IMAP URL authorization failed")
NAMES_NOTHING: Final = Reply(554, Status(5, 6, 6), "IMAP URL resolution failed")
_REPLIES: Final[dict[type[UrlDenied], Reply]] = {
    UrlElsewhere: ELSEWHERE,
    UrlNotAllowed: NOT_ALLOWED,
    UrlNamesNothing: NAMES_NOTHING,
}


async def handle_burl(session: SmtpSession, event: smtp.Burl) -> None:
    """BURL: what the URL names is content of the transaction."""
    if session.data_ends_s is None:
        await begin_content(session)
    try:
        await _take(session, await _found(session, event.url))
    except UrlDenied as denied:
        session.log.url_refused(session.client, session.transaction, denied)
        session.talk.answer(_REPLIES[type(denied)])
    except ContentMissing:
        session.talk.answer(NAMES_NOTHING)
    except DatabaseTrouble as trouble:
        session.talk.answer(trouble_reply(trouble))
    else:
        trouble_met = session.transaction.trouble if session.transaction else None
        session.talk.answer(trouble_reply(trouble_met) if trouble_met is not None else None)


async def _found(session: SmtpSession, url: str) -> UrlContent:
    access, account = session.counter.urls, session.client.account
    if access is None or account is None:
        raise LocalFault("BURL was offered to nobody")
    return await access.submitted(url, Reader(account.folded, is_submission=True))


async def _take(session: SmtpSession, content: UrlContent) -> None:
    """Piece by piece, until there is no more or it cannot be taken: then the machine's reply says why."""
    transaction = session.transaction
    if transaction is None:
        raise LocalFault("BURL without MAIL")
    async with aclosing(content.pieces()) as pieces:
        async for piece in pieces:
            kept = session.talk.supply(piece)
            if kept is None or transaction.trouble is not None:
                return
            await transaction.take(kept)
