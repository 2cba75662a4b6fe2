"""One upload as the server sees it: the limits on what stands between its literals, and on the literals.

Implements  RFC 7889 4 (TOOBIG), RFC 3502 (no empty message), RFC 9051 9 (NUL).
Gives       ServerUpload.
Not here    The grammar: upload. Answers: server.
"""

from __future__ import annotations

from typing import Final

from postel.proto.imap.codes import NO, TOOBIG
from postel.proto.imap.commands import Command, Row
from postel.proto.imap.cursor import Cursor, Reading
from postel.proto.imap.fault import BadCommand, Refused, Unfinished
from postel.proto.imap.framing import LiteralHead
from postel.proto.imap.upload import LiteralChunk, MessageStart, UploadEvent, UploadReader

_ARGUMENTS: Final = 64  # literals among the arguments; the text before each is read again


class ServerUpload:
    """From the command's name to its end."""

    def __init__(self, row: Row, reading: Reading) -> None:
        is_many = row.name == "APPEND" and "MULTIAPPEND" in reading.capabilities
        self._reader = UploadReader(row.read, is_many=is_many)
        self._arguments = 0
        self._allows_nul = False
        self.is_whole = False
        """Whether its last line was read."""

    @property
    def command(self) -> Command | None:
        """The head of the command, once it was read."""
        return self._reader.command

    def read(self, cursor: Cursor, head: LiteralHead | None) -> list[UploadEvent] | None:
        """What the text says that ends at this literal, or (None) ends the command. Raises Refused.

        None: the literal is an argument, and the text is to be read again with it.
        """
        try:
            events = self._reader.read(cursor)
        except Unfinished:
            self._arguments += 1
            if head is None or self._arguments > _ARGUMENTS:
                raise BadCommand("too many literals" if head else "a literal is expected") from None
            return None
        self.is_whole = head is None
        if head is not None:
            self._allows_nul = head.is_binary
            _check_size(head, events, cursor.reading.limits.append)
        return events

    def take(self, data: bytes, *, is_last: bool) -> list[UploadEvent]:
        """The next octets of the literal. Raises BadCommand for a NUL out of place."""
        if b"\0" in data and not self._allows_nul:
            raise BadCommand("NUL is allowed in a literal8 only")
        chunk: list[UploadEvent] = [LiteralChunk(data)] if data else []
        return chunk + self._reader.end_literal() if is_last else chunk


def _check_size(head: LiteralHead, events: list[UploadEvent], most: int) -> None:
    """Refuse what is too large, or nothing at all, before the shell hears of it."""
    if head.size > most:  # RFC 7889 4
        raise Refused(NO.saying("The message is too large", TOOBIG))
    if any(isinstance(event, MessageStart) and event.size == 0 for event in events):
        raise Refused(NO.saying("A message is not empty"))
