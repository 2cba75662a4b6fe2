"""Messages that come with a command: what stands between their literals.

Implements  RFC 9051 6.3.12 (APPEND), RFC 3502 (MULTIAPPEND), RFC 4469 4 (CATENATE), RFC 3516 4.4 (literal8),
            RFC 6855 4 (UTF8), RFC 8508 3.4 (REPLACE).
Gives       UploadReader; the events MessageStart, CatenateUrl, CatenateText, LiteralChunk, MessageEnd, UploadEnd,
            UploadAborted.

    Received(tag, Append)  { MessageStart  LiteralChunk*  MessageEnd }+                        UploadEnd
                           { MessageStart  { CatenateUrl | CatenateText LiteralChunk* }+  MessageEnd }

A literal is asked for when the event before it was answered. UploadAborted may come instead of anything after
Received: nothing of it counts.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor, as_text
from postel.proto.imap.fault import BadCommand, Unfinished


@dataclass(frozen=True, slots=True)
class MessageStart:
    """A message begins. Answer None to have it, or a NO to end the command here.

    size          octets of its literal; None where it is put together of parts (CATENATE).
    is_binary     it may hold NUL (literal8).
    is_utf8       its header may hold UTF-8 (RFC 6855 4).
    """

    wants_answer: ClassVar[bool] = True
    flags: tuple[bytes, ...]
    date: datetime.datetime | None
    size: int | None
    is_binary: bool = False
    is_utf8: bool = False


@dataclass(frozen=True, slots=True)
class CatenateUrl:
    """The next part of the message is what this IMAP URL names. Answer None, or NO (BADURL)."""

    wants_answer: ClassVar[bool] = True
    url: str


@dataclass(frozen=True, slots=True)
class CatenateText:
    """The next part of the message is a literal of this size. Answer None, or NO."""

    wants_answer: ClassVar[bool] = True
    size: int
    is_binary: bool = False


@dataclass(frozen=True, slots=True)
class LiteralChunk:
    """The next octets of the literal. No answer; `answer(NO)` ends the command here."""

    wants_answer: ClassVar[bool] = False
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MessageEnd:
    """The message is whole. No answer; `answer(NO)` ends the command here."""

    wants_answer: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class UploadEnd:
    """The command is whole: keep the messages and answer it."""

    wants_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class UploadAborted:
    """The command broke off: forget the messages. The peer has been told, or is gone. No answer."""

    wants_answer: ClassVar[bool] = False


UploadEvent: TypeAlias = (
    MessageStart | CatenateUrl | CatenateText | LiteralChunk | MessageEnd | UploadEnd | UploadAborted
)


class _Where(enum.Enum):
    HEAD = enum.auto()  # before the command's arguments
    FIRST = enum.auto()  # before the first message
    NEXT = enum.auto()  # behind a message: another one, or the end
    LITERAL = enum.auto()  # at a message's literal
    UTF8 = enum.auto()  # at the literal within UTF8 (...)
    UTF8_END = enum.auto()  # behind it
    PARTS = enum.auto()  # within CATENATE (...)
    TEXT = enum.auto()  # at the literal of a part


_AFTER_LITERAL = {_Where.LITERAL: _Where.NEXT, _Where.UTF8: _Where.UTF8_END, _Where.TEXT: _Where.PARTS}


class UploadReader:
    """Reads one such command, piece by piece between its literals."""

    def __init__(self, read_head: Callable[[Cursor], Command], *, is_many: bool) -> None:
        self.command: Command | None = None
        self._read_head = read_head
        self._is_many = is_many
        self._where = _Where.HEAD
        self._is_first_part = False

    def read(self, cursor: Cursor) -> list[UploadEvent]:
        """What the text says up to a message's literal or the command's end. Raises BadCommand.

        Raises Unfinished, and has read nothing, where the text ends at a literal that is an argument.
        """
        before = self.command, self._where, self._is_first_part
        try:
            return list(self._read(cursor))
        except Unfinished:
            self.command, self._where, self._is_first_part = before
            raise

    def end_literal(self) -> list[UploadEvent]:
        """The literal is complete."""
        is_whole = self._where is _Where.LITERAL
        self._where = _AFTER_LITERAL[self._where]
        return [MessageEnd()] if is_whole else []

    def _read(self, cursor: Cursor) -> Iterator[UploadEvent]:
        if self._where is _Where.HEAD:
            self.command = self._read_head(cursor)
            self._where = _Where.FIRST
        while True:
            if self._where is _Where.UTF8_END:
                cursor.expect(b")")
                yield self._end_message()
            elif self._where is _Where.PARTS:
                yield from self._read_part(cursor)
            elif self._where is _Where.NEXT and self._is_at_end(cursor):
                yield UploadEnd()
                return
            elif self._where in _AFTER_LITERAL:
                return
            else:
                yield self._read_start(cursor)

    def _is_at_end(self, cursor: Cursor) -> bool:
        cursor.skip_trailing_blanks()
        if not self._is_many and not cursor.at_end:
            raise BadCommand("too many arguments")
        return cursor.at_end

    def _end_message(self) -> MessageEnd:
        self._where = _Where.NEXT
        return MessageEnd()

    def _read_start(self, cursor: Cursor) -> MessageStart:
        cursor.space()
        flags: tuple[bytes, ...] = ()
        date = None
        if cursor.is_at(b"("):
            flags = cursor.flag_list()
            cursor.space()
        if cursor.is_at(b'"'):
            date = cursor.date_time()
            cursor.space()
        if cursor.knows("CATENATE") and cursor.skip_word(b"CATENATE"):
            cursor.expect(b"(")
            self._where, self._is_first_part = _Where.PARTS, True
            return MessageStart(flags, date, None)
        is_utf8 = cursor.knows("UTF8=ACCEPT") and cursor.skip_word(b"UTF8")
        if is_utf8:
            cursor.expect(b"(")
        size, is_binary = cursor.upload_head()
        self._where = _Where.UTF8 if is_utf8 else _Where.LITERAL
        return MessageStart(flags, date, size, is_binary, is_utf8)

    def _read_part(self, cursor: Cursor) -> Iterator[UploadEvent]:
        if not self._is_first_part and cursor.skip(b")"):
            yield self._end_message()
            return
        if not self._is_first_part:
            cursor.space()
        self._is_first_part = False
        kind = cursor.keyword()
        cursor.space()
        if kind == b"URL":
            yield CatenateUrl(as_text(cursor.astring()))
        elif kind == b"TEXT":
            size, is_binary = cursor.upload_head()
            self._where = _Where.TEXT
            yield CatenateText(size, is_binary)
        else:
            raise BadCommand("URL or TEXT is expected")
