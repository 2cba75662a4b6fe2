"""When we are in trouble ourselves: no message is lost, and none is promised that is not durable."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from smtp_world import HELLO, PLAIN_ANN, SECURE_HELLO, SMTP, SUBMISSION, World, world

from postel.contents import Contents, Draft
from postel.database import DatabaseTrouble
from postel.mail import IPAddress
from postel.net import ConnectionLost
from postel.queue import NewMessage, Queue
from postel.servers.smtpd import SmtpService
from postel.servers.smtpd_options import ServiceOptions

BODY = "0123456789abcdef0123456789abcdef"


def files(folder: Path) -> int:
    return sum(path.is_file() for path in (folder / "contents").rglob("*"))


def a_mail(reply: str) -> str:
    return (
        HELLO
        + "C MAIL FROM:<>\nS 250 ...\nC RCPT TO:<ann@example.org>\nS 250 ...\nC DATA\nS 354 ...\n"
        + f"C\nC| {{{BODY}\\r\\n*100}}.\\r\\nS {reply}\n"
    ).replace(".\\r\\nS", ".\\r\\n\nS")


class QueueInTrouble:
    """A queue in front of the real one: raises, or waits, before or after it has accepted."""

    def __init__(
        self, queue: Queue, trouble: BaseException | None = None, wait_s: float = 0, after: bool = False
    ):
        self._queue = queue
        self._trouble = trouble
        self._wait_s = wait_s
        self._after = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    async def accept(self, message: NewMessage, *beside: Any) -> None:
        if self._after:
            await self._queue.accept(message, *beside)
        await asyncio.sleep(self._wait_s)
        if self._trouble:
            raise self._trouble
        if not self._after:
            await self._queue.accept(message, *beside)


class ContentsInTrouble:
    """Contents whose drafts fail at their n-th octet."""

    def __init__(self, contents: Contents, limit: int, trouble: DatabaseTrouble) -> None:
        self._contents, self._limit, self._trouble = contents, limit, trouble

    def draft(self) -> Draft:
        draft = self._contents.draft()
        return FullDraft(draft, self._limit, self._trouble)  # type: ignore[return-value]


class FullDraft:
    def __init__(self, draft: Draft, limit: int, trouble: DatabaseTrouble) -> None:
        self._draft, self._limit, self._trouble = draft, limit, trouble

    def __getattr__(self, name: str) -> Any:
        return getattr(self._draft, name)

    async def write(self, chunk: bytes) -> None:
        await self._draft.write(chunk)
        if self._draft.size_bytes > self._limit:
            raise self._trouble


def with_parts(w: World, options: ServiceOptions = SMTP, **parts: Any) -> None:
    """Have the service work with other parts from its next session on."""
    service: SmtpService = w.service
    service.reload(options, replace(w.parts, **parts), None)


TROUBLES = [
    (DatabaseTrouble("disk full", is_full=True), "452 4.3.1 ..."),
    (DatabaseTrouble("input/output error"), "451 4.3.0 ..."),
]


@pytest.mark.parametrize(("trouble", "reply"), TROUBLES)
async def test_a_queue_in_trouble_defers(tmp_path: Path, trouble: DatabaseTrouble, reply: str) -> None:
    async with world(folder=tmp_path) as w:
        with_parts(w, queue=QueueInTrouble(w.parts.queue, trouble))
        await w.play(a_mail(reply) + "C MAIL FROM:<>\nS 250 ...")
        assert files(tmp_path) == 0
        assert w.log.only("message_not_stored")["because"] == str(trouble)
        assert w.log["message_accepted"] == []


@pytest.mark.parametrize(("trouble", "reply"), TROUBLES)
@pytest.mark.parametrize("limit", [0, 2000, 3000])
async def test_content_that_cannot_be_written_defers_at_its_end(
    tmp_path: Path, trouble: DatabaseTrouble, reply: str, limit: int
) -> None:
    async with world(folder=tmp_path) as w:
        with_parts(w, contents=ContentsInTrouble(w.parts.contents, limit, trouble))
        await w.play(a_mail(reply) + "C NOOP\nS 250 ...")
        assert files(tmp_path) == 0


async def test_a_directory_in_trouble_defers_recipients() -> None:
    async def answer(question: Any) -> Any:
        raise DatabaseTrouble("busy")

    async with world() as w:
        with_parts(w, answer=answer)
        await w.play(HELLO + "C MAIL FROM:<>\nS 250 ...\nC RCPT TO:<ann@example.org>\nS 451 4.3.0 ...")
        assert w.log.only("mail_refused")["because"] == "busy"


async def test_a_directory_in_trouble_defers_logins() -> None:
    class InTrouble:
        async def verify(self, login: str, password: str, peer_ip: IPAddress | None) -> None:
            raise DatabaseTrouble("busy")

    options = replace(SUBMISSION, plaintext_login=(ip_network("192.0.2.0/24"),))
    async with world(options) as w:
        with_parts(w, options, directory=InTrouble())
        await w.play(
            "S 220 ...\n" + SECURE_HELLO + f"C AUTH PLAIN {PLAIN_ANN}\nS 454 4.7.0 ...\nC NOOP\nS 250 ..."
        )


async def test_a_mistake_of_ours_ends_the_session_and_is_logged(tmp_path: Path) -> None:
    async with world(folder=tmp_path) as w:
        with_parts(w, queue=QueueInTrouble(w.parts.queue, RuntimeError("a bug")))
        await w.play(a_mail("421 4.3.0 ...") + "close server")
        assert files(tmp_path) == 0
        w.expected_faults = w.log["session_failed"]
        assert len(w.expected_faults) == 1


async def test_a_session_cut_off_before_the_commit_has_queued_nothing(tmp_path: Path) -> None:
    async with world(folder=tmp_path) as w:
        with_parts(w, queue=QueueInTrouble(w.parts.queue, wait_s=100))
        playing = asyncio.create_task(w.play(a_mail("250 ...")))
        await asyncio.sleep(1)
        assert files(tmp_path) == 1
        await w.service.stop(1)
        with pytest.raises(AssertionError):
            await playing
        assert await w.queued() == []
        assert files(tmp_path) == 0


async def test_a_session_cut_off_behind_the_commit_leaves_the_message_whole(tmp_path: Path) -> None:
    async with world(folder=tmp_path) as w:
        with_parts(w, queue=QueueInTrouble(w.parts.queue, wait_s=100, after=True))
        playing = asyncio.create_task(w.play(a_mail("250 ...")))
        await asyncio.sleep(1)
        await w.service.stop(1)
        with pytest.raises(AssertionError):
            await playing
        assert len(await w.queued()) == 1
        assert (await w.content()).endswith(f"{BODY}\r\n".encode() * 100)


@pytest.mark.parametrize("step", range(40))
async def test_a_session_cut_off_at_any_step_leaves_all_or_nothing(tmp_path: Path, step: int) -> None:
    """The 250 is never said without the message, and no file is without its row."""
    async with world(folder=tmp_path) as w:
        stream = await w.dial()
        await stream.read(1)
        await stream.write(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n")
        heard = b""
        while b"354" not in heard:
            heard += await stream.read(1)
        await stream.write(b"\r\n" + f"{BODY}\r\n".encode() * 100 + b".\r\n")
        for _ in range(step):
            await asyncio.sleep(0)
        await w.service.stop(0.0)
        await asyncio.sleep(1)
        queued = len(await w.queued())
        assert files(tmp_path) == queued <= 1
        said = b""
        with suppress(ConnectionLost):
            said = await stream.read(1)
        assert queued or b"250" not in said
