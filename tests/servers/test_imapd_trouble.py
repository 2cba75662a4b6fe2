"""IMAP when the machine has no room, no handles or no memory: that command fails in words, and nothing else does."""

import asyncio
import errno
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from imap_world import LETTER, Client, World, world

from postel.contents import Draft
from postel.database import DatabaseTrouble
from postel.servers.imapd.fetch_sections import Sections
from postel.servers.letter_sections import LetterOctets

BIG = LETTER + b"x" * 300_000 + b"\r\n"


def _literal(letter: bytes) -> bytes:
    return b"{%d+}\r\n" % len(letter) + letter


WRITING = (
    b"APPEND INBOX " + _literal(LETTER),
    b"APPEND INBOX " + _literal(BIG),
    b"APPEND INBOX " + _literal(LETTER) + b" " + _literal(BIG) + b" " + _literal(LETTER),
    b'APPEND INBOX CATENATE (URL "/INBOX/;UID=1" TEXT {4+}\r\nabcd)',
    b"REPLACE 1 INBOX " + _literal(LETTER),
    b"COPY 1 Sent",
    b"MOVE 1 Sent",
    b"STORE 1 +FLAGS (word)",
    b"EXPUNGE",
    b"CREATE New",
    b"DELETE Sent",
    b"RENAME Sent Gone",
    b"SUBSCRIBE New",
    b"UNSUBSCRIBE INBOX",
    b'SETMETADATA INBOX (/private/comment "x")',
    b"SETACL INBOX anyone l",
    b"RESETKEY INBOX INTERNAL",
    b"SELECT INBOX",
    b"UID FETCH 1 BODY[]",
)
READING = (
    b"FETCH 1 (UID FLAGS BODY.PEEK[])",
    b"FETCH 1 (ENVELOPE BODYSTRUCTURE)",
    b"SEARCH TEXT you",
    b"SORT (SUBJECT) UTF-8 ALL",
    b"THREAD REFERENCES UTF-8 ALL",
    b'LIST "" * RETURN (STATUS (MESSAGES))',
    b"STATUS INBOX (MESSAGES)",
    b"GETMETADATA INBOX /private/comment",
    b"GETACL INBOX",
    b"ESEARCH IN (personal) RETURN (COUNT) ALL",
    b"NOTIFY SET STATUS (personal (MessageNew MessageExpunge))",
    b"SELECT Sent",
)
TROUBLES = (
    DatabaseTrouble("the disk is full", is_full=True),
    DatabaseTrouble("database is locked"),
    OSError(errno.EIO, "input/output error"),
    OSError(errno.EMFILE, "too many open files"),
    MemoryError(),
)
ids = [type(one).__name__ + str(number) for number, one in enumerate(TROUBLES)]


@contextmanager
def broken(where: Any, names: str, trouble: Exception) -> Iterator[None]:
    """Where methods raise instead of working."""

    async def fail(*_: Any, **__: Any) -> Any:
        raise trouble

    real = {name: getattr(where, name) for name in names.split()}
    for name in real:
        setattr(where, name, fail)
    try:
        yield
    finally:
        for name, method in real.items():
            setattr(where, name, method)


async def seen(w: World) -> list[str]:
    """All that a client can see of an account."""
    client = await w.login()
    found = (await client.ok("FETCH 1:* (UID FLAGS RFC822.SIZE)")).lines
    return found + (await client.ok('LIST "" * RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT))')).lines


def no_faults(caplog: pytest.LogCaptureFixture) -> None:
    """The log holds nothing of a mistake of our own."""
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


async def prepared(w: World) -> Client:
    await w.put(LETTER, BIG)
    client = await w.login()
    await client.ok(r"STORE 2 +FLAGS (\Deleted)")
    return client


@pytest.mark.parametrize("trouble", TROUBLES, ids=ids)
@pytest.mark.parametrize("command", WRITING, ids=lambda command: command[:24].decode())
async def test_what_cannot_be_written_is_refused_in_words_and_nothing_of_it_is_left(
    command: bytes, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async with world() as w:
        client = await prepared(w)
        before = await seen(w)
        with broken(w.parts.database, "write write_apart share", trouble):
            reply = await client.cmd(command)
            await client.ok("NOOP")
        if b"SELECT" not in command:  # which writes only where there is something recent
            assert reply.tagged.startswith("NO [UNAVAILABLE] "), reply
        assert await seen(w) == before
        await client.ok("SELECT INBOX")
        await client.ok(command)
        no_faults(caplog)


@pytest.mark.parametrize("trouble", TROUBLES, ids=ids)
@pytest.mark.parametrize(
    "command", [*READING, WRITING[0], WRITING[5]], ids=lambda command: command[:24].decode()
)
async def test_what_cannot_be_read_is_refused_or_cut_and_the_next_one_is_served(
    command: bytes, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async with world() as w:
        client = await prepared(w)
        with broken(w.parts.database, "read", trouble):
            reply = await client.cmd(command)
            assert reply.tagged.startswith(("NO [UNAVAILABLE] ", "OK")), reply
            await client.ok("NOOP")
        await client.ok("SELECT INBOX")
        await client.ok(command)
        no_faults(caplog)


@pytest.mark.parametrize("trouble", TROUBLES, ids=ids)
@pytest.mark.parametrize("step", ["write", "seal"])
@pytest.mark.parametrize("command", WRITING[:5], ids=range(5))
async def test_a_draft_that_fails_is_discarded_and_the_session_goes_on(
    command: bytes,
    step: str,
    trouble: Exception,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    discarded: list[Draft] = []
    real = Draft.discard

    async def discard(draft: Draft) -> None:
        discarded.append(draft)
        await real(draft)

    monkeypatch.setattr(Draft, "discard", discard)
    async with world() as w:
        client = await prepared(w)
        before = await seen(w)
        discarded.clear()
        with broken(Draft, step, trouble):
            assert (await client.cmd(command)).tagged.startswith("NO [UNAVAILABLE] ")
        assert len(discarded) == 1
        await client.ok("NOOP")
        assert await seen(w) == before
        await client.ok(command)
        no_faults(caplog)


@pytest.mark.parametrize(
    "command",
    [
        b"APPEND INBOX " + _literal(LETTER) + b" (\\Nonsense) " + _literal(LETTER),
        b'APPEND INBOX CATENATE (TEXT {2+}\r\nhi URL "/INBOX/;UID=77")',
        b"APPEND INBOX " + _literal(LETTER) + b" {99999999999}",
        b"APPEND INBOX " + _literal(LETTER) + b" nonsense",
    ],
    ids=range(4),
)
async def test_an_upload_that_is_refused_half_way_keeps_no_draft(
    command: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: set[int] = set()
    made, real = Draft.__init__, Draft.discard

    def make(draft: Draft, *args: Any, **more: Any) -> None:
        alive.add(id(draft))
        made(draft, *args, **more)

    async def discard(draft: Draft) -> None:
        alive.discard(id(draft))
        await real(draft)

    async with world() as w:
        client = await prepared(w)
        before = await seen(w)
        monkeypatch.setattr(Draft, "__init__", make)
        monkeypatch.setattr(Draft, "discard", discard)
        assert (await client.cmd(command)).tagged.startswith(("NO", "BAD"))
        await client.ok("NOOP")
        assert not alive
        assert await seen(w) == before


async def test_news_that_cannot_be_had_now_come_later(caplog: pytest.LogCaptureFixture) -> None:
    async with world() as w:
        client = await w.login()
        await client.send(b"i IDLE\r\n")
        assert (await client.line()).startswith("+")
        with broken(w.parts.store.snapshots, "current", MemoryError()):
            await w.put(LETTER)
            for _ in range(50):
                await asyncio.sleep(0)
        await w.put(LETTER)
        assert await client.line() == "* 2 EXISTS"
        no_faults(caplog)


async def test_a_message_that_cannot_be_read_to_its_end_ends_the_session_and_not_the_octets(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut(*_: Any) -> AsyncGenerator[bytes, None]:
        yield b"From: "
        raise OSError(errno.EIO, "input/output error")

    async with world() as w:
        client = await prepared(w)
        monkeypatch.setattr(LetterOctets, "pieces", cut)
        monkeypatch.setattr(Sections, "at_hand", lambda *_: None)
        await client.send(b"f FETCH 1 BODY.PEEK[]\r\n")
        heard = b""
        while data := await client.stream.read(1000):
            heard += data
        assert b"f NO" not in heard, "a result within a literal"
        no_faults(caplog)
