"""A stored mailbox as a file or a folder.

Gives       write_mbox, write_maildir, STANDARD_OUTPUT.
Not here    The formats: cli.mbox, cli.maildir.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import IO, Final

from postel.app import Bench
from postel.cli.maildir import MaildirWriter
from postel.cli.mbox import MboxWriter
from postel.cli.progress import progress
from postel.contents import ContentMissing
from postel.message import HeaderBlock
from postel.store import StoredMailbox, StoredMessage

STANDARD_OUTPUT: Final = Path("-")


async def write_mbox(bench: Bench, box: StoredMailbox, path: Path) -> int:
    """To a file that appears when it is complete, or to STANDARD_OUTPUT; the number of messages. Raises OSError."""
    if path == STANDARD_OUTPUT:
        with _named("standard output"):
            number = await _write_mbox(bench, box, sys.stdout.buffer, "standard output")
            sys.stdout.buffer.flush()
        return number
    partial = path.with_name(path.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with _named(str(path)), os.fdopen(descriptor, "wb") as file:
        number = await _write_mbox(bench, box, file, str(path))
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    return number


@contextmanager
def _named(where: str) -> Iterator[None]:
    """A write that fails does not say where: then it was here."""
    try:
        yield
    except OSError as trouble:
        raise OSError(trouble.errno, trouble.strerror, trouble.filename or where) from None


async def _write_mbox(bench: Bench, box: StoredMailbox, file: IO[bytes], where: str) -> int:
    number = 0
    with progress(f"to {where}", box.message_count) as advance:
        writer = MboxWriter(file)
        async for message, pieces in _messages(bench, box):
            first = await anext(pieces, b"")
            writer.begin(_reverse_path(first), message.internal_date_at)
            writer.write(first)
            async for piece in pieces:
                writer.write(piece)
            writer.end()
            number += 1
            advance(number)
    return number


async def write_maildir(bench: Bench, box: StoredMailbox, path: Path) -> int:
    """To a new folder; the number of messages. Raises OSError."""
    writer = MaildirWriter(path)
    number = 0
    with progress(f"to {path}", box.message_count) as advance:
        async for message, pieces in _messages(bench, box):
            with writer.message(message.internal_date_at, message.flags) as file:
                async for piece in pieces:
                    file.write(piece)
            number += 1
            advance(number)
    return number


async def _messages(
    bench: Bench, box: StoredMailbox
) -> AsyncGenerator[tuple[StoredMessage, AsyncGenerator[bytes, None]], None]:
    """The messages with their octets. One that is expunged meanwhile is passed over."""
    async with aclosing(bench.rooms.store.messages(box.id)) as messages:
        async for message in messages:
            try:
                pieces = await _begun(bench.rooms.store.read(message))
            except ContentMissing:
                continue
            async with aclosing(pieces), aclosing(_unix_lines(pieces)) as lines:
                yield message, lines


async def _begun(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The same pieces, the first one read already. Raises ContentMissing."""
    first = await anext(pieces, b"")

    async def rest() -> AsyncGenerator[bytes, None]:
        yield first
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    return rest()


async def _unix_lines(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The same octets with CRLF as LF, which is what files have here."""
    held = b""
    async for piece in pieces:
        data = held + piece
        held = b"\r" if data.endswith(b"\r") else b""
        yield data[: len(data) - len(held)].replace(b"\r\n", b"\n")
    if held:
        yield held


def _reverse_path(head: bytes) -> str:
    """The reverse path of a message, as delivery noted it; empty for the null one and where there is none."""
    return (HeaderBlock.parse(head).get("Return-Path") or "").strip("<> ")
