"""One mail transaction as the server machine keeps it: what MAIL declared, and how its content comes.

Implements  RFC 5321 3.3, 4.5.3.1.8 (recipients), RFC 6531 3.5 (SMTPUTF8 is declared at MAIL), RFC 3030 2 and 3
            (BDAT), RFC 4468 3.2 (BURL), RFC 2033 4.2 and PRDR (who gets a reply of his own),
            RFC 2920 3.1 (what a group drags along).
Gives       ServerTransaction.
Not here    Finding the end of the content: content, chunks. Replies in their order: server.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from postel.mail import NO_PARAMETERS, Parameters, Reply
from postel.mail.replies import TOO_MANY_RECIPIENTS
from postel.proto.smtp import replies
from postel.proto.smtp.chunks import ChunkReader
from postel.proto.smtp.commands import Verb
from postel.proto.smtp.content import ContentReader, ContentTrouble, DataReader
from postel.proto.smtp.events import (
    Bdat,
    Breach,
    Chunk,
    ChunkEnd,
    DataAborted,
    DataEnd,
    Event,
    Rcpt,
)
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.limits import SmtpLimits
from postel.proto.smtp.options import ServerOptions
from postel.proto.smtp.resumption import Resumption
from postel.proto.smtp.states import State

_BREACHES: Final[Mapping[ContentTrouble, Breach]] = MappingProxyType(
    {
        ContentTrouble.BARE_NEWLINE: Breach.BARE_NEWLINE,
        ContentTrouble.LINE_TOO_LONG: Breach.TEXT_LINE_TOO_LONG,
        ContentTrouble.TOO_BIG: Breach.TOO_BIG,
    }
)
_URL_REFUSALS: Final[Mapping[ContentTrouble, Reply]] = MappingProxyType(
    {
        ContentTrouble.BARE_NEWLINE: replies.URL_NEEDS_BINARY,
        ContentTrouble.LINE_TOO_LONG: replies.CONTENT_LINE_TOO_LONG,
        ContentTrouble.TOO_BIG: replies.URL_TOO_BIG,
    }
)
# What a pipelined group still brings after a command of it was refused: RFC 2920 3.1.
_IN_VAIN: Final[Mapping[State, frozenset[Verb]]] = MappingProxyType(
    {
        State.READY: frozenset({Verb.RCPT, Verb.DATA, Verb.BDAT, Verb.BURL}),  # behind a refused MAIL
        State.IN_MAIL: frozenset({Verb.DATA, Verb.BDAT, Verb.BURL}),  # behind refused RCPTs
        State.CHUNKS_FAILED: frozenset({Verb.BDAT, Verb.BURL}),  # behind a refused chunk
    }
)


class ServerTransaction:
    """From MAIL to the reply to its content; one that has not begun is empty.

    parameters      of MAIL.
    recipients      how many RCPT were answered with yes.
    is_binary       whether MAIL said BODY=BINARYMIME.
    """

    __slots__ = (
        "_chunks",
        "_content",
        "_is_deferred",
        "_resumed_at",
        "_urls",
        "_was_refused",
        "is_smtputf8",
        "parameters",
        "recipients",
    )

    def __init__(self, parameters: Parameters = NO_PARAMETERS, resumed_at: Resumption | None = None) -> None:
        self.parameters = parameters
        self.is_smtputf8 = "SMTPUTF8" in parameters
        self.recipients = resumed_at.recipients if resumed_at else 0
        self._resumed_at = resumed_at
        self._content: ContentReader | None = None
        self._chunks: ChunkReader | None = None  # the same, where it comes by BDAT
        self._urls = 0  # BURL commands
        self._was_refused = False  # something of its group
        self._is_deferred = False  # with 4yz

    @property
    def is_binary(self) -> bool:
        """Whether CR and LF may stand alone in the content: RFC 3030 3."""
        return (self.parameters.get("BODY") or "").upper() == "BINARYMIME"

    def note_refusal(self, reply: Reply) -> None:
        """MAIL or a RCPT was refused: what a pipelining client has already sent behind it is no breach."""
        self._was_refused = True
        self._is_deferred |= reply.is_transient

    def is_in_vain(self, verb: Verb | None, state: State) -> bool:
        """Whether a command out of its place is only the rest of a group that was refused."""
        has_cause = self._was_refused or state is State.CHUNKS_FAILED
        return has_cause and verb in _IN_VAIN.get(state, ())

    @property
    def is_deferred(self) -> bool:
        """Whether something was refused for now only."""
        return self._is_deferred

    def check_recipient(self, event: Rcpt, limits: SmtpLimits) -> None:
        """Whether one more may be named. Raises CommandRefused."""
        # RFC 6531 3.5: the whole transaction is declared at MAIL.
        if not self.is_smtputf8 and not event.is_ascii:
            raise CommandRefused(replies.NON_ASCII_ADDRESS, Breach.NEEDS_SMTPUTF8)
        if self.recipients >= limits.recipients:
            raise CommandRefused(TOO_MANY_RECIPIENTS, Breach.TOO_MANY_RECIPIENTS)

    def begin_content(self, limits: SmtpLimits, buffer: bytearray) -> None:
        """354 is said: what comes is content."""
        self._content = DataReader(limits, buffer)
        if self._resumed_at is not None:
            self._content.go_on(self._resumed_at)

    def check_data(self) -> None:
        """Whether DATA may bring the content. Raises CommandRefused."""
        if self.is_binary:
            raise CommandRefused(replies.BINARY_NEEDS_BDAT, Breach.BAD_SEQUENCE)

    def check_chunk(self, event: Bdat, limits: SmtpLimits) -> None:
        """Whether a chunk is of a size that could at least be swallowed. Raises CommandRefused."""
        if self._begun_chunks(limits).would_be_endless(event.size_bytes):
            raise CommandRefused(replies.size_exceeded(limits.message_size), Breach.TOO_BIG, is_fatal=True)

    def _begun_chunks(self, limits: SmtpLimits) -> ChunkReader:
        if self._chunks is None:
            self._content = self._chunks = ChunkReader(limits, is_binary=self.is_binary)
            if self._resumed_at is not None:
                self._chunks.go_on(self._resumed_at)
        return self._chunks

    def check_url(self, limits: SmtpLimits) -> None:
        """Whether one URL more may bring content. Raises CommandRefused."""
        if self._urls >= limits.urls:
            raise CommandRefused(replies.TOO_MANY_URLS, Breach.TOO_BIG)
        self._urls += 1
        self._begun_chunks(limits)

    def supply(self, octets: bytes) -> bytes | None:
        """What a URL brings, as a chunk: those octets that can be told to be content; None: it cannot be taken."""
        chunks = self._chunks
        assert chunks is not None
        chunks.begin(len(octets), is_last=False)
        piece = chunks.read(bytearray(octets))
        return piece if chunks.trouble is None else None

    def end_url(self, *, is_last: bool) -> bytes:
        """The URL brings no more: the octets that had waited for what follows them."""
        chunks = self._chunks
        assert chunks is not None
        chunks.begin(0, is_last=is_last)
        return chunks.read(bytearray())

    def url_refusal(self) -> Reply | None:
        """RFC 4468 6: what to say to content by URL that cannot be taken."""
        trouble = self._content.trouble if self._content is not None else None
        return None if trouble is None else _URL_REFUSALS[trouble]

    def begin_chunk(self, event: Bdat, events: deque[Event]) -> None:
        """The next octets are content, as many as BDAT said."""
        chunks = self._chunks
        assert chunks is not None
        had_trouble = chunks.trouble is not None
        chunks.begin(event.size_bytes, is_last=event.is_last)
        if chunks.trouble is not None and not had_trouble:
            events.append(DataAborted(chunks.trouble))

    def forget_content(self) -> None:
        """The shell has refused what there is of it."""
        self._content = self._chunks = None

    @property
    def has_content(self) -> bool:
        """Whether content has begun."""
        return self._content is not None

    @property
    def has_open_content(self) -> bool:
        """Whether content has begun whose end nobody was told of."""
        content = self._content
        return content is not None and not content.is_complete and content.trouble is None

    @property
    def has_all_content(self) -> bool:
        """Whether no more content can follow."""
        return self._content is None or self._content.is_complete

    def each(self, *, is_lmtp: bool) -> int:
        """How many recipients get a reply of their own to the content; 0: there is one for all."""
        if is_lmtp or (self.recipients > 1 and "PRDR" in self.parameters):
            return self.recipients
        return 0

    def read_content(self, buffer: bytearray, options: ServerOptions, events: deque[Event]) -> None:
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
            events.append(self.end(is_lmtp=options.is_lmtp))
        elif content.trouble is not None and (content.is_done or content.is_endless):
            reply = _refusal(content.trouble, options.limits)
            raise CommandRefused(reply, _BREACHES[content.trouble], is_fatal=content.is_endless)

    def end(self, *, is_lmtp: bool) -> Event:
        """The event at the end of the content, or of a chunk of it."""
        content = self._content
        assert content is not None
        if self._chunks is not None and not content.is_complete:
            return ChunkEnd(self._chunks.chunk_bytes)
        each = self.each(is_lmtp=is_lmtp)
        return DataEnd(content.size_bytes, content.is_8bit, content.has_long_lines, each)


def _refusal(trouble: ContentTrouble, limits: SmtpLimits) -> Reply:
    match trouble:
        case ContentTrouble.BARE_NEWLINE:
            return replies.CONTENT_BARE_NEWLINE
        case ContentTrouble.LINE_TOO_LONG:
            return replies.CONTENT_LINE_TOO_LONG
        case ContentTrouble.TOO_BIG:
            return replies.size_exceeded(limits.message_size)
