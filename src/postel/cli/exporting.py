"""A stored mailbox as a file or a folder.

Gives       write_mbox, write_maildir.
Not here    The formats: cli.mbox, cli.maildir.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from postel.app import Bench
from postel.cli.maildir import MaildirWriter
from postel.cli.mbox import MboxWriter
from postel.cli.progress import progress
from postel.contents import ContentMissing
from postel.message import HeaderBlock
from postel.store import StoredMailbox, StoredMessage


async def write_mbox(bench: Bench, box: StoredMailbox, path: Path) -> int:
    """To a file that appears when it is complete; the number of messages. Raises OSError."""
    partial = path.with_name(path.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    number = 0
    with os.fdopen(descriptor, "wb") as file, progress(f"to {path}", box.message_count) as advance:
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
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
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
