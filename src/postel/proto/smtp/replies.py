"""The replies of an SMTP session that the server machine gives by itself, each with its name.

Implements  RFC 5321 4.2, 4.3.2 (which reply answers which command), RFC 3463 3, RFC 5248 2.4,
            RFC 2034 4 (enhanced status in every reply but the greeting, EHLO's, and 3yz).
Not here    Replies that rooms share: mail.replies.
"""

from __future__ import annotations

from typing import Final

from postel.mail import Reply, Status
from postel.mail.replies import MESSAGE_TOO_BIG

# What answers each command when nothing speaks against it: RFC 5321 4.3.2.
HELLO: Final = Reply(250, None, "")
REVERSE_PATH_OK: Final = Reply(250, Status(2, 1, 0), "Sender OK")
RECIPIENT_OK: Final = Reply(250, Status(2, 1, 5), "Recipient OK")
START_DATA: Final = Reply(354, None, "End data with <CR><LF>.<CR><LF>")
MESSAGE_OK: Final = Reply(250, Status(2, 0, 0), "Message accepted")
RESET: Final = Reply(250, Status(2, 0, 0), "Reset")
NOTHING_DONE: Final = Reply(250, Status(2, 0, 0), "OK")
NOT_VERIFIED: Final = Reply(252, Status(2, 0, 0), "Cannot verify; send a message and see")  # RFC 5321 3.5.3
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
PARAMETER_SYNTAX: Final = Reply(
    501, Status(5, 5, 4), "Parameters are KEYWORD or KEYWORD=value, apart by spaces"
)
PARAMETER_TWICE: Final = Reply(501, Status(5, 5, 4), "A parameter is given once")
TOO_MANY_PARAMETERS: Final = Reply(501, Status(5, 5, 4), "Too many parameters")
NON_ASCII_ADDRESS: Final = Reply(
    553, Status(5, 6, 7), "An address beyond ASCII needs SMTPUTF8"
)  # RFC 6531 3.5

# Commands out of their place: RFC 5321 4.1.4.
EHLO_FIRST: Final = Reply(503, Status(5, 5, 1), "Say EHLO first")
MAIL_FIRST: Final = Reply(503, Status(5, 5, 1), "Say MAIL first")
IN_TRANSACTION: Final = Reply(503, Status(5, 5, 1), "A mail transaction is in progress")
NO_RECIPIENTS: Final = Reply(554, Status(5, 5, 1), "No valid recipients")  # RFC 5321 3.3, RFC 2920 3.2
TURNED_AWAY: Final = Reply(503, Status(5, 5, 1), "No service for you here; say QUIT")  # RFC 5321 3.1
TLS_ACTIVE: Final = Reply(503, Status(5, 5, 1), "TLS is already active")
LOGGED_IN_ALREADY: Final = Reply(503, Status(5, 5, 1), "Already authenticated")  # RFC 4954 4
TLS_FIRST: Final = Reply(530, Status(5, 7, 0), "Say STARTTLS first")  # RFC 3207 4
LOGIN_FIRST: Final = Reply(530, Status(5, 7, 0), "Authentication required")  # RFC 4954 6
AHEAD_OF_REPLY: Final = Reply(503, Status(5, 5, 0), "Wait for the reply to this command; closing")
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

SHUTTING_DOWN: Final = Reply(421, Status(4, 3, 2), "Shutting down; try again later")


def greeting(hostname: str, product: str) -> Reply:
    """The 220 of RFC 5321 4.3.1: our name, and ESMTP to invite EHLO."""
    return Reply(220, None, f"{hostname} ESMTP {product}")


def goodbye(hostname: str) -> Reply:
    """The 221 to QUIT."""
    return Reply(221, Status(2, 0, 0), f"{hostname} closing")


def closing(hostname: str, status: Status, text: str) -> Reply:
    """A 421, which names us first: RFC 5321 4.2.3."""
    return Reply(421, status, f"{hostname} {text}")


def size_exceeded(limit_bytes: int) -> Reply:
    """552 with the limit said, so that a person can act on it (RFC 1870 6.1)."""
    return Reply(552, MESSAGE_TOO_BIG.status, f"The message is larger than {limit_bytes} octets")
