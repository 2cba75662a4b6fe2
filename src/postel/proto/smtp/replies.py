"""The replies of an SMTP session that the server machine gives by itself, each with its name.

Implements  RFC 5321 4.2, 4.3.2 (which reply answers which command), RFC 3463 3, RFC 5248 2.4,
            RFC 2034 4 (enhanced status in every reply but the greeting, EHLO's, and 3yz).
Not here    Replies that rooms share: mail.replies.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from postel.mail import Reply, Status
from postel.mail.replies import MESSAGE_TOO_BIG

# What answers each command when nothing speaks against it: RFC 5321 4.3.2.
HELLO: Final = Reply(250, None, "")
REVERSE_PATH_OK: Final = Reply(250, Status(2, 1, 0), "Sender OK")
RECIPIENT_OK: Final = Reply(250, Status(2, 1, 5), "Recipient OK")
START_DATA: Final = Reply(354, None, "End data with <CR><LF>.<CR><LF>")
EACH_FOLLOWS: Final = Reply(353, None, "A reply for each recipient follows")  # PRDR
MESSAGE_OK: Final = Reply(250, Status(2, 0, 0), "Message accepted")
RESET: Final = Reply(250, Status(2, 0, 0), "Reset")
NOTHING_DONE: Final = Reply(250, Status(2, 0, 0), "OK")
NOT_VERIFIED: Final = Reply(252, Status(2, 0, 0), "Cannot verify; send a message and see")  # RFC 5321 3.5.3
VERBOSE: Final = Reply(250, Status(2, 0, 0), "What happens to your messages is shown")
ONE_TRANSACTION: Final = Reply(250, Status(2, 0, 0), "One transaction only")
TURNED: Final = Reply(250, Status(2, 0, 0), "OK, now reversing the connection")  # RFC 2645 6
NO_MAIL_FOR_YOU: Final = Reply(453, Status(4, 2, 0), "You have no mail")  # RFC 2645 7
NODE_NOT_QUEUED: Final = Reply(458, Status(4, 3, 0), "Unable to queue messages for the node")  # RFC 1985 5.1
START_TLS: Final = Reply(220, Status(2, 0, 0), "Start TLS")  # RFC 3207 4
LOGGED_IN: Final = Reply(235, Status(2, 7, 0), "Authentication succeeded")  # RFC 4954 6

# Commands that cannot be done.
COMMAND_UNKNOWN: Final = Reply(500, Status(5, 5, 1), "Command not recognized")
COMMAND_NOT_IMPLEMENTED: Final = Reply(502, Status(5, 5, 1), "Command not implemented")
LINE_TOO_LONG: Final = Reply(500, Status(5, 5, 2), "Line too long")  # RFC 5321 4.5.3.1.10
BARE_NEWLINE: Final = Reply(500, Status(5, 5, 2), "Lines end in CRLF, and only there")  # RFC 5321 2.3.8
CONTROL_CHARACTER: Final = Reply(500, Status(5, 5, 2), "Control characters do not belong in a command")
BAD_UTF8: Final = Reply(500, Status(5, 5, 2), "Commands are ASCII, or UTF-8 where SMTPUTF8 allows it")
EHLO_NEEDS_NAME: Final = Reply(501, None, "Say your domain or address literal")
NO_ARGUMENT: Final = Reply(501, Status(5, 5, 4), "The command takes no argument")
ARGUMENT_NEEDED: Final = Reply(501, Status(5, 5, 4), "The command needs an argument")
MAIL_SYNTAX: Final = Reply(501, Status(5, 5, 2), "Say MAIL FROM:<reverse-path>")
RCPT_SYNTAX: Final = Reply(501, Status(5, 5, 2), "Say RCPT TO:<forward-path>")
ETRN_SYNTAX: Final = Reply(500, Status(5, 5, 2), "Say ETRN node, @domain or #queue")  # RFC 1985 5.1
ETRN_NODE: Final = Reply(501, Status(5, 5, 4), "A node is a fully qualified domain name")
ATRN_SYNTAX: Final = Reply(501, Status(5, 5, 4), "Say ATRN, or ATRN domain,domain")
BURL_SYNTAX: Final = Reply(501, Status(5, 5, 4), "Say BURL imap://... [LAST]")
BDAT_SYNTAX: Final = Reply(501, Status(5, 5, 4), "Say BDAT octets [LAST]; closing")
PARAMETER_SYNTAX: Final = Reply(
    501, Status(5, 5, 4), "Parameters are KEYWORD or KEYWORD=value, apart by spaces"
)
PARAMETER_TWICE: Final = Reply(501, Status(5, 5, 4), "A parameter is given once")
TOO_MANY_PARAMETERS: Final = Reply(501, Status(5, 5, 4), "Too many parameters")
NON_ASCII_ADDRESS: Final = Reply(
    553, Status(5, 6, 7), "An address beyond ASCII needs SMTPUTF8"
)  # RFC 6531 3.5

# Commands out of their place: RFC 5321 4.1.4.
LHLO_FIRST: Final = Reply(503, Status(5, 5, 1), "Say LHLO first")
THIS_IS_LMTP: Final = Reply(500, Status(5, 5, 1), "This is LMTP: say LHLO")  # RFC 2033 4.1
EHLO_FIRST: Final = Reply(503, Status(5, 5, 1), "Say EHLO first")
MAIL_FIRST: Final = Reply(503, Status(5, 5, 1), "Say MAIL first")
IN_TRANSACTION: Final = Reply(503, Status(5, 5, 1), "A mail transaction is in progress")
NO_RECIPIENTS: Final = Reply(554, Status(5, 5, 1), "No valid recipients")  # RFC 5321 3.3, RFC 2920 3.2
NO_RECIPIENTS_YET: Final = Reply(503, Status(5, 5, 1), "No valid recipients")  # RFC 2033 4.2, RFC 3030 2
RECIPIENTS_DEFERRED: Final = Reply(450, Status(4, 5, 1), "No recipient was taken; try again later")
IN_CHUNKS: Final = Reply(503, Status(5, 5, 1), "The content has begun to come in pieces")  # RFC 3030 2
CHUNK_WAS_REFUSED: Final = Reply(503, Status(5, 5, 1), "A chunk was refused; say RSET")  # RFC 3030 2
URL_TAKEN: Final = Reply(250, Status(2, 5, 0), "Waiting for additional BURL or BDAT commands")  # RFC 4468 6
TOO_MANY_URLS: Final = Reply(554, Status(5, 5, 3), "Too many URLs in one message")
URL_TOO_BIG: Final = Reply(554, Status(5, 3, 4), "Message too big for system")  # RFC 4468 6
URL_NEEDS_BINARY: Final = Reply(554, Status(5, 6, 3), "Conversion required but not supported")  # RFC 4468 6
BINARY_NEEDS_BDAT: Final = Reply(503, Status(5, 5, 1), "Binary content comes by BDAT")  # RFC 3030 3
TURNED_AWAY: Final = Reply(503, Status(5, 5, 1), "No service for you here; say QUIT")  # RFC 5321 3.1
ONE_TRANSACTION_ONLY: Final = Reply(503, Status(5, 5, 1), "You said ONEX: that was the one transaction")
TLS_ACTIVE: Final = Reply(503, Status(5, 5, 1), "TLS is already active")
LOGGED_IN_ALREADY: Final = Reply(503, Status(5, 5, 1), "Already authenticated")  # RFC 4954 4
TLS_FIRST: Final = Reply(530, Status(5, 7, 0), "Say STARTTLS first")  # RFC 3207 4
LOGIN_FIRST: Final = Reply(530, Status(5, 7, 0), "Authentication required")  # RFC 4954 6
AHEAD_OF_REPLY: Final = Reply(503, Status(5, 5, 0), "Wait for the reply to this command; closing")
NOT_TRUSTED: Final = Reply(550, Status(5, 7, 0), "Only hosts that are trusted may say this")
PLAINTEXT_BEFORE_TLS: Final = Reply(503, Status(5, 5, 0), "STARTTLS ends its group of commands; closing")

TALKED_EARLY: Final = Reply(554, None, "Wait for the greeting before you talk")  # RFC 5321 4.3.1

# AUTH: RFC 4954 4 and 6.
MECHANISM_UNKNOWN: Final = Reply(504, Status(5, 5, 4), "Mechanism not offered")
MECHANISM_NEEDS_TLS: Final = Reply(538, Status(5, 7, 11), "Encryption required: say STARTTLS first")
BAD_BASE64: Final = Reply(501, Status(5, 5, 2), "Not base64")
AUTH_CANCELLED: Final = Reply(501, Status(5, 7, 0), "Authentication cancelled")
LOGIN_FAILED: Final = Reply(535, Status(5, 7, 8), "Authentication credentials invalid")
LOGIN_MALFORMED: Final = Reply(501, Status(5, 5, 2), "The authentication response cannot be read")
LOGIN_LATER: Final = Reply(454, Status(4, 7, 0), "Temporary authentication failure; try again later")
AUTH_LINE_TOO_LONG: Final = Reply(500, Status(5, 5, 6), "Authentication exchange line too long")

# Content that cannot be taken; said after its end.
CONTENT_BARE_NEWLINE: Final = Reply(554, Status(5, 6, 0), "A CR or LF stands alone in the message")
CONTENT_LINE_TOO_LONG: Final = Reply(500, Status(5, 6, 0), "A line of the message is too long")

_PROGRESS_LIMIT: Final = 506  # with code and CRLF a reply line of 512 octets: RFC 5321 4.5.3.1.5

SHUTTING_DOWN: Final = Reply(421, Status(4, 3, 2), "Shutting down; try again later")


@lru_cache(maxsize=64)
def greeting(hostname: str, product: str, *, is_lmtp: bool = False) -> Reply:
    """The 220 of RFC 5321 4.3.1: our name, and ESMTP to invite EHLO; LMTP invites LHLO (RFC 2033 4.2)."""
    return Reply(220, None, f"{hostname} {'LMTP' if is_lmtp else 'ESMTP'} {product}")


def chunk_ok(size_bytes: int) -> Reply:
    """The 250 to a chunk that is not the last: RFC 3030 2 and 4."""
    return Reply(250, Status(2, 0, 0), f"{size_bytes} octets received")


@lru_cache(maxsize=64)
def goodbye(hostname: str) -> Reply:
    """The 221 to QUIT."""
    return Reply(221, Status(2, 0, 0), f"{hostname} closing")


def closing(hostname: str, status: Status, text: str) -> Reply:
    """A 421, which names us first: RFC 5321 4.2.3."""
    return Reply(421, status, f"{hostname} {text}")


def go_on_at(offset: int) -> Reply:
    """The 355 to MAIL: RFC 1845 3 wants the offset first on the line."""
    return Reply(355, None, f"{offset} is the transaction offset")


def send_from(offset: int) -> Reply:
    """The 354 to the DATA of a resumed transaction (RFC 1845 5)."""
    return Reply(354, None, f"Go on at octet {offset}; end data with <CR><LF>.<CR><LF>")


def progress(text: str) -> bytes:
    """A line of what happens, as sendmail shows it to whoever said VERB: 050, before the reply."""
    line = "".join(c if c.isprintable() else "?" for c in text)[:_PROGRESS_LIMIT]
    return b"050 %b\r\n" % line.encode("ascii", "replace")


def size_exceeded(limit_bytes: int) -> Reply:
    """552 with the limit said, so that a person can act on it (RFC 1870 6.1)."""
    return Reply(552, MESSAGE_TOO_BIG.status, f"The message is larger than {limit_bytes} octets")
