"""SMTP, RFC 5321 and its extensions, as sans-IO machines. Floor 1.

SmtpServer    the server's side: a proto.Conversation whose events are below.
SmtpClient    the client's side, for SMTP and LMTP: steps for the shell to take, and the events that end them.
"""

from postel.proto.smtp.client import SmtpClient
from postel.proto.smtp.client_events import (
    ClientEvent,
    ContentWanted,
    Greeting,
    HelloDone,
    HelloRefused,
    LoginDone,
    QuitDone,
    ResetDone,
    SessionLost,
    TlsReady,
    TlsRefused,
    TransactionDone,
)
from postel.proto.smtp.client_options import ClientOptions, ClientTimeouts
from postel.proto.smtp.client_transaction import NEXT_HOP_REFUSALS
from postel.proto.smtp.commands import COMMANDS, Row, Verb
from postel.proto.smtp.critique import HELLOS, Scene, critique, keyword_of
from postel.proto.smtp.dot_stuffing import DotStuffer
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
from postel.proto.smtp.heard import Complaint, Heard, HeardReader
from postel.proto.smtp.limits import SmtpLimits
from postel.proto.smtp.offered import Offered
from postel.proto.smtp.options import GroupRule, ServerOptions
from postel.proto.smtp.parameters import ENVID_LIMIT
from postel.proto.smtp.reply_reader import BadReply, ReplyLimits
from postel.proto.smtp.sequences import (
    ANY_TIME,
    CODES,
    CONNECTED,
    CONTENT,
    RESPONSE,
    SEQUENCES,
    CodeMeaning,
    Sequence,
)
from postel.proto.smtp.server import SmtpServer
from postel.proto.smtp.states import TIMEOUTS, Ending, State

__all__ = [
    "ANY_TIME",
    "CODES",
    "COMMANDS",
    "CONNECTED",
    "CONTENT",
    "ENVID_LIMIT",
    "EXTENSIONS",
    "HELLOS",
    "NEXT_HOP_REFUSALS",
    "RESPONSE",
    "SEQUENCES",
    "TIMEOUTS",
    "Auth",
    "AuthCancelled",
    "AuthResponse",
    "BadReply",
    "Breach",
    "Chunk",
    "ClientEvent",
    "ClientOptions",
    "ClientTimeouts",
    "Closed",
    "CodeMeaning",
    "Complaint",
    "Connected",
    "ContentWanted",
    "DataAborted",
    "DataEnd",
    "DataStart",
    "DotStuffer",
    "Ending",
    "Event",
    "Expn",
    "Extension",
    "Greeting",
    "GroupRule",
    "Heard",
    "HeardReader",
    "Hello",
    "HelloDone",
    "HelloRefused",
    "Help",
    "LoginDone",
    "Mail",
    "Misbehaved",
    "Noop",
    "Offered",
    "Quit",
    "QuitDone",
    "Rcpt",
    "ReplyLimits",
    "Reset",
    "ResetDone",
    "Row",
    "Scene",
    "Sequence",
    "ServerOptions",
    "SessionLost",
    "SmtpClient",
    "SmtpLimits",
    "SmtpServer",
    "StartTls",
    "State",
    "TlsReady",
    "TlsRefused",
    "TransactionDone",
    "Verb",
    "Vrfy",
    "critique",
    "keyword_of",
]
