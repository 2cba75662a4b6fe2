"""SMTP, RFC 5321 and its extensions, as sans-IO machines. Floor 1.

SmtpServer    the server's side: a proto.Conversation whose events are below.
"""

from postel.proto.smtp.commands import COMMANDS, Row, Verb
from postel.proto.smtp.events import (
    Auth,
    AuthCancelled,
    AuthResponse,
    Breach,
    Chunk,
    Closed,
    Connected,
    DataAborted,
    DataEnd,
    DataStart,
    Event,
    Expn,
    Hello,
    Help,
    Mail,
    Misbehaved,
    Noop,
    Quit,
    Rcpt,
    Reset,
    StartTls,
    Vrfy,
)
from postel.proto.smtp.extensions import EXTENSIONS, Extension
from postel.proto.smtp.limits import SmtpLimits
from postel.proto.smtp.options import GroupRule, ServerOptions
from postel.proto.smtp.server import SmtpServer
from postel.proto.smtp.states import TIMEOUTS, Ending, State

__all__ = [
    "COMMANDS",
    "EXTENSIONS",
    "TIMEOUTS",
    "Auth",
    "AuthCancelled",
    "AuthResponse",
    "Breach",
    "Chunk",
    "Closed",
    "Connected",
    "DataAborted",
    "DataEnd",
    "DataStart",
    "Ending",
    "Event",
    "Expn",
    "Extension",
    "GroupRule",
    "Hello",
    "Help",
    "Mail",
    "Misbehaved",
    "Noop",
    "Quit",
    "Rcpt",
    "Reset",
    "Row",
    "ServerOptions",
    "SmtpLimits",
    "SmtpServer",
    "StartTls",
    "State",
    "Verb",
    "Vrfy",
]
