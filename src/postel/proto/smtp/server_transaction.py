"""One mail transaction as the server machine keeps it: what MAIL declared, and how its content comes.

Implements  RFC 5321 3.3, 4.5.3.1.8 (recipients), RFC 6531 3.5 (SMTPUTF8 is declared at MAIL).
Gives       ServerTransaction.
Not here    Finding the end of the content: content. Replies in their order: server.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from postel.mail import NO_PARAMETERS, Parameters, Reply
from postel.mail.replies import TOO_MANY_RECIPIENTS
from postel.proto.smtp import replies
from postel.proto.smtp.content import ContentReader, ContentTrouble
from postel.proto.smtp.events import Breach, Chunk, DataAborted, DataEnd, Event, Rcpt
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.limits import SmtpLimits

_BREACHES: Final[Mapping[ContentTrouble, Breach]] = MappingProxyType(
    {
        ContentTrouble.BARE_NEWLINE: Breach.BARE_NEWLINE,
        ContentTrouble.LINE_TOO_LONG: Breach.TEXT_LINE_TOO_LONG,
        ContentTrouble.TOO_BIG: Breach.TOO_BIG,
    }
)


class ServerTransaction:
    """From MAIL to the reply to its content; one that has not begun is empty.

    parameters      of MAIL.
    recipients      how many RCPT were answered with yes.
    """

    __slots__ = ("_content", "is_smtputf8", "parameters", "recipients")

    def __init__(self, parameters: Parameters = NO_PARAMETERS) -> None:
        self.parameters = parameters
        self.is_smtputf8 = "SMTPUTF8" in parameters
        self.recipients = 0
        self._content: ContentReader | None = None

    def check_recipient(self, event: Rcpt, limits: SmtpLimits) -> None:
        """Whether one more may be named. Raises CommandRefused."""
        # RFC 6531 3.5: the whole transaction is declared at MAIL.
        if not event.is_ascii and not self.is_smtputf8:
            raise CommandRefused(replies.NON_ASCII_ADDRESS, Breach.NEEDS_SMTPUTF8)
        if self.recipients >= limits.recipients:
            raise CommandRefused(TOO_MANY_RECIPIENTS, Breach.TOO_MANY_RECIPIENTS)

    def begin_content(self, limits: SmtpLimits, buffer: bytearray) -> None:
        """354 is said: what comes is content."""
        self._content = ContentReader(limits, buffer)

    @property
    def has_open_content(self) -> bool:
        """Whether content has begun whose end nobody was told of."""
        content = self._content
        return content is not None and not content.is_done and content.trouble is None

    def read_content(self, buffer: bytearray, limits: SmtpLimits, events: deque[Event]) -> None:
        """Take content off the buffer. Raises CommandRefused once content that cannot be taken is at its end."""
        content = self._content
        assert content is not None
        had_trouble = content.trouble is not None
        piece = content.read(buffer)
        if piece:
            events.append(Chunk(piece))
        if content.trouble is not None and not had_trouble:
            events.append(DataAborted(content.trouble))
        if content.is_done and content.trouble is None:
            events.append(DataEnd(content.size_bytes, content.is_8bit, content.has_long_lines))
        elif content.trouble is not None and (content.is_done or content.is_endless):
            reply = _refusal(content.trouble, limits)
            raise CommandRefused(reply, _BREACHES[content.trouble], is_fatal=content.is_endless)


def _refusal(trouble: ContentTrouble, limits: SmtpLimits) -> Reply:
    match trouble:
        case ContentTrouble.BARE_NEWLINE:
            return replies.CONTENT_BARE_NEWLINE
        case ContentTrouble.LINE_TOO_LONG:
            return replies.CONTENT_LINE_TOO_LONG
        case ContentTrouble.TOO_BIG:
            return replies.size_exceeded(limits.message_size)
