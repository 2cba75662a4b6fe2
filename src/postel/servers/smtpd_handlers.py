"""Who acts on what the machine of an SMTP session sees.

Gives       HANDLERS.
Not here    What has no line here gets the machine's own answer.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from postel.proto import smtp
from postel.servers import smtpd_arriving as arriving
from postel.servers import smtpd_asking as asking
from postel.servers import smtpd_logging_in as logging_in
from postel.servers import smtpd_mail as mail
from postel.servers import smtpd_urls as urls
from postel.servers.smtpd_session import Handlers, SmtpSession


async def _misbehaved(session: SmtpSession, event: smtp.Misbehaved) -> None:
    session.log.misbehaved(session.client, event.breach, event.reply, event.excerpt)


HANDLERS: Final[Handlers] = MappingProxyType(
    {
        smtp.Connected: arriving.handle_connected,
        smtp.Hello: arriving.handle_hello,
        smtp.Xclient: arriving.handle_xclient,
        smtp.Xforward: arriving.handle_xforward,
        smtp.StartTls: arriving.handle_start_tls,
        smtp.Auth: logging_in.handle_auth,
        smtp.AuthResponse: logging_in.handle_auth_response,
        smtp.AuthCancelled: logging_in.handle_auth_cancelled,
        smtp.Mail: mail.handle_mail,
        smtp.Rcpt: mail.handle_rcpt,
        smtp.DataStart: mail.handle_data_start,
        smtp.Bdat: mail.handle_bdat,
        smtp.Burl: urls.handle_burl,
        smtp.Chunk: mail.handle_chunk,
        smtp.ChunkEnd: mail.handle_chunk_end,
        smtp.DataEnd: mail.handle_data_end,
        smtp.DataAborted: mail.handle_data_aborted,
        smtp.Reset: mail.handle_reset,
        smtp.Quit: mail.handle_quit,
        smtp.Misbehaved: _misbehaved,
        smtp.Vrfy: asking.handle_vrfy,
        smtp.Expn: asking.handle_expn,
        smtp.Etrn: asking.handle_etrn,
        smtp.Atrn: asking.handle_atrn,
        smtp.Turn: asking.handle_turn,
    }
)
