"""Hooks in a thread of their own: what blocks there stops nobody else for long."""

import asyncio
import contextlib
import logging
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import uvloop

from postel.hooks import (
    AddHeader,
    Client,
    Content,
    Decision,
    Delivered,
    Facts,
    HookFiles,
    HookOptions,
    Hooks,
    Phase,
    Rcpt,
    ThreadOptions,
    ThreadRunner,
)
from postel.mail import NO_PARAMETERS, ReversePath, parse_mailbox
from postel.mail.replies import POLICY_TROUBLE

pytestmark = pytest.mark.real_time

CLIENT = Client(ip_address("192.0.2.1"), 4711, "smtp")
ANN = parse_mailbox("ann@example.org")
FACTS = Rcpt(CLIENT, "0abc", ReversePath.NULL, ANN, NO_PARAMETERS, 0)
BLOCKED = replace(FACTS, queue_id="block")
PATIENT = HookOptions(timeout_s=5.0)
QUICK = HookOptions(timeout_s=0.03)

# Blocks for the queue id "block", until the test opens the gate; answers everybody else.
BLOCKING = """
gate = threading.Event()
begun, ended = [], []
async def rcpt(facts):
    begun.append(facts.queue_id)
    if facts.queue_id == "block":
        gate.wait(20)
        ended.append(facts.queue_id)
    return refuse("550 5.7.1 judged")
"""


class Bed:
    """Hooks of one file, with and without patience, on one runner."""

    def __init__(self, folder: Path, text: str, runner: ThreadRunner) -> None:
        path = folder / "policy.py"
        path.write_text(
            "import asyncio, sys, threading\nfrom postel.hooks import *\n" + textwrap.dedent(text)
        )
        self.files = HookFiles.load([path])
        self.runner = runner
        self.patient = Hooks(self.files, options=PATIENT, runner=runner)
        self.quick = Hooks(self.files, options=QUICK, runner=runner)

    @property
    def names(self) -> dict[str, Any]:
        functions = [one for listed in self.files.functions.values() for one in listed]
        return functions[0].call.__globals__

    async def ask(self, facts: Facts = FACTS) -> Decision:
        return await self.patient.ask(Phase.RCPT, facts)

    async def get_stuck(self) -> Decision:
        """Block the thread, and wait until it has been left behind."""
        return await self.quick.ask(Phase.RCPT, BLOCKED)


@asynccontextmanager
async def bed(
    folder: Path,
    text: str,
    *,
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    **options: Any,
) -> AsyncIterator[Bed]:
    runner = ThreadRunner(ThreadOptions(**{"ping_s": 0.02, **options}), new_loop)
    made = Bed(folder, text, runner)
    try:
        yield made
    finally:
        made.names.get("gate", threading.Event()).set()
        await runner.close()


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that another thread does."""
    while not condition():
        await asyncio.sleep(0.001)


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.event for record in caplog.records if record.name == "postel.hooks"]  # type: ignore[attr-defined]


def because(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.fields.get("because", "") for record in caplog.records if record.name == "postel.hooks"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
async def test_a_hook_runs_in_the_thread_of_hooks(
    tmp_path: Path, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    text = """
        async def rcpt(facts):
            await asyncio.sleep(0)
            return add_header("X-Thread", threading.current_thread().name)
        """
    async with bed(tmp_path, text, new_loop=new_loop) as b:
        for _ in range(2):
            assert (await b.ask()).added == (AddHeader("X-Thread", "postel-hooks"),)


async def test_hooks_that_wait_do_so_at_the_same_time(tmp_path: Path) -> None:
    text = """
        together = asyncio.Barrier(50)
        async def rcpt(facts):
            await together.wait()
            return refuse()
        """
    async with bed(tmp_path, text) as b:
        decisions = await asyncio.gather(*(b.ask() for _ in range(50)))
        assert all(decision.source for decision in decisions)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
async def test_a_hook_that_blocks_is_left_behind_and_later_mail_is_judged(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with caplog.at_level(logging.INFO, "postel.hooks"):
        async with bed(tmp_path, BLOCKING, new_loop=new_loop) as b:
            deferred = await b.get_stuck()
            assert not b.names["ended"], "the hook was not waited for"
            assert deferred.refusal is not None
            assert deferred.refusal.reply == POLICY_TROUBLE
            assert (await b.ask()).source == "policy.py:rcpt"  # asked in time, though the thread is stuck
    assert events(caplog) == ["hook_failed", "hook_thread_stuck"]
    [where] = [record.fields["where"] for record in caplog.records if "where" in record.fields]  # type: ignore[attr-defined]
    assert where.startswith("policy.py:9 rcpt > threading.py:")


async def test_the_loop_of_the_server_goes_on_while_a_hook_blocks(tmp_path: Path) -> None:
    async with bed(tmp_path, BLOCKING) as b:
        stuck = asyncio.create_task(b.ask(BLOCKED))
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not stuck.done()
        b.names["gate"].set()
        assert (await stuck).source == "policy.py:rcpt"


async def test_a_short_block_makes_others_wait_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "postel.hooks"):
        async with bed(tmp_path, BLOCKING, ping_s=5.0) as b:
            first = asyncio.create_task(b.quick.ask(Phase.RCPT, BLOCKED))
            second = asyncio.create_task(b.ask())
            assert (await first).verdict is not None
            b.names["gate"].set()
            assert (await second).source == "policy.py:rcpt"
            thread = b.runner._thread
            await b.ask()
            assert b.runner._thread is thread
    assert events(caplog) == ["hook_failed"]


async def test_who_waited_in_vain_behind_a_block_is_not_asked_later(tmp_path: Path) -> None:
    async with bed(tmp_path, BLOCKING, ping_s=5.0) as b:
        blocked = asyncio.create_task(b.ask(BLOCKED))
        await until(lambda: b.names["begun"])
        await b.quick.ask(Phase.RCPT, FACTS)
        b.names["gate"].set()
        await blocked
        await b.ask(replace(FACTS, queue_id="last"))
        assert b.names["begun"] == ["block", "last"]


async def test_beyond_the_limit_of_stuck_threads_mail_is_deferred_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "postel.hooks"):
        async with bed(tmp_path, BLOCKING, stuck_limit=2) as b:
            for _ in range(2):
                await b.get_stuck()
                await asyncio.sleep(0.06)
            assert (await b.ask()).verdict is not None
            assert because(caplog)[-1] == "2 threads are stuck in hooks already"
            stuck = [thread for thread, _ in b.runner._stuck]
            b.names["gate"].set()
            await until(lambda: not any(thread.is_alive for thread in stuck))
            assert (await b.ask()).source == "policy.py:rcpt"


async def test_what_waits_is_deferred_when_the_last_thread_gets_stuck(tmp_path: Path) -> None:
    async with bed(tmp_path, BLOCKING, stuck_limit=1) as b:
        stuck = asyncio.create_task(b.get_stuck())
        await until(lambda: b.names["begun"])
        decision = await b.ask()
        assert decision.refusal is not None
        assert decision.refusal.reply == POLICY_TROUBLE
        assert not b.names["ended"], "the hook was not waited for"
        await stuck


async def test_a_stuck_thread_is_forgotten_after_a_while(tmp_path: Path) -> None:
    async with bed(tmp_path, BLOCKING, stuck_limit=1, forget_s=0.0) as b:
        await b.get_stuck()
        await asyncio.sleep(0.06)
        assert (await b.ask()).source == "policy.py:rcpt"


@pytest.mark.parametrize(
    ("body", "logged"),
    [
        ("raise ValueError", "it raised"),
        ("raise SystemExit(3)", "it raised"),
        ("raise KeyboardInterrupt", "it raised"),
        ("raise BaseException", "it raised"),
        ("answer = True; return answer", "rcpt cannot answer bool: True"),
        ("asyncio.current_task().cancel(); await asyncio.sleep(0)", "it cancelled itself"),
        ("raise asyncio.CancelledError", "it cancelled itself"),
        ("await asyncio.sleep(60)", "no answer within 0.03 s"),
    ],
)
async def test_a_hook_that_goes_wrong_defers_and_its_thread_lives_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, body: str, logged: str
) -> None:
    text = f"async def rcpt(facts): {body}\nasync def mail(facts): ..."
    with caplog.at_level(logging.INFO, "postel.hooks"):
        async with bed(tmp_path, text, ping_s=0.5) as b:
            hooks = b.quick if "sleep(60)" in body else b.patient
            decision = await hooks.ask(Phase.RCPT, FACTS)
            thread = b.runner._thread
            assert thread is not None
            await until(lambda: thread.has_answered)
            await hooks.ask(Phase.RCPT, FACTS)
            assert b.runner._thread is thread
    assert decision.refusal is not None
    assert decision.refusal.reply == POLICY_TROUBLE
    assert because(caplog) == [logged, logged]


async def test_a_session_that_is_cancelled_cancels_its_hook(tmp_path: Path) -> None:
    text = """
        begun, ended = threading.Event(), threading.Event()
        async def rcpt(facts):
            begun.set()
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()
        """
    async with bed(tmp_path, text) as b:
        for _ in range(2):  # before it has begun, and after
            task = asyncio.create_task(b.ask())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        task = asyncio.create_task(b.ask())
        await asyncio.to_thread(b.names["begun"].wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(b.names["ended"].wait, 5)


async def test_a_thread_that_a_hook_has_ended_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = """
        async def rcpt(facts):
            if facts.queue_id == "block":
                asyncio.get_running_loop().call_soon(sys.exit)
                await asyncio.sleep(60)
            return refuse("550 5.7.1 judged")
        """
    async with bed(tmp_path, text) as b:
        assert (await b.ask(BLOCKED)).verdict is not None
        assert (await b.ask()).source == "policy.py:rcpt"
    assert because(caplog) == ["it ended the thread of all hooks", "it cancelled itself"]


async def test_telling_does_not_wait_and_closing_does(tmp_path: Path) -> None:
    text = """
        told = []
        async def delivered(facts):
            await asyncio.sleep(0.01)
            told.append(str(facts.recipient))
        """
    async with bed(tmp_path, text) as b:
        b.patient.tell(Phase.DELIVERED, Delivered("0abc", ANN, None, None))
        assert b.names["told"] == []
        await b.patient.close()
        assert b.names["told"] == ["ann@example.org"]


async def test_closing_cancels_what_runs(tmp_path: Path) -> None:
    text = """
        begun, ended = [], []
        async def rcpt(facts):
            begun.append(1)
            try:
                await asyncio.sleep(60)
            finally:
                ended.append(1)
        """
    async with bed(tmp_path, text, close_s=10.0) as b:
        waiting = asyncio.create_task(b.ask())
        await until(lambda: b.names["begun"])
        await b.runner.close()
        assert b.names["ended"]
        assert (await waiting).verdict is not None


async def test_closing_does_not_wait_long_for_what_is_stuck(tmp_path: Path) -> None:
    async with bed(tmp_path, BLOCKING, close_s=0.02) as b:
        stuck = asyncio.create_task(b.ask(BLOCKED))
        await until(lambda: b.names["begun"])
        await b.runner.close()
        assert not stuck.done()
        assert (await b.ask()).source == "policy.py:rcpt"  # it can be used again
        stuck.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await stuck
    await b.runner.close()


# Content is read on the loop that has it


class Source:
    """Content as the server has it: good on its own loop only."""

    def __init__(self, pieces: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.pieces = pieces
        self.closed = asyncio.Event()

    async def read(self) -> AsyncIterator[bytes]:
        try:
            for number in range(self.pieces):
                assert asyncio.get_running_loop() is self.loop
                await asyncio.sleep(0)
                yield b"%d\r\n" % number
        finally:
            self.closed.set()

    def facts(self) -> Content:
        return Content(CLIENT, "0abc", ReversePath.NULL, (ANN,), b"Subject: hi\r\n\r\n", 100, self.read)


async def test_content_is_read_on_the_loop_that_has_it(tmp_path: Path) -> None:
    text = """
        async def content(facts):
            pieces = [piece async for piece in facts.read()]
            again = [piece async for piece in facts.read()]
            assert again == pieces
            return add_header("X-Read", f"{len(pieces)} {facts.header.get('Subject')}")
        """
    async with bed(tmp_path, text) as b:
        decision = await b.patient.ask(Phase.CONTENT, Source(5).facts())
        assert decision.added == (AddHeader("X-Read", "5 hi"),)


async def test_reading_may_break_off(tmp_path: Path) -> None:
    text = """
        async def content(facts):
            async for piece in facts.read():
                return add_header("X-First", piece.decode().strip())
        """
    source = Source(5)
    async with bed(tmp_path, text) as b:
        decision = await b.patient.ask(Phase.CONTENT, source.facts())
        assert decision.added == (AddHeader("X-First", "0"),)
        await asyncio.wait_for(source.closed.wait(), 5)


async def test_what_the_server_raises_while_it_reads_reaches_the_hook(tmp_path: Path) -> None:
    text = """
        async def content(facts):
            try:
                async for piece in facts.read():
                    pass
            except OSError as error:
                return add_header("X-Raised", str(error))
        """

    async def read() -> AsyncIterator[bytes]:
        yield b"1"
        raise OSError("broken disk")

    async with bed(tmp_path, text) as b:
        decision = await b.patient.ask(Phase.CONTENT, replace(Source(0).facts(), read=read))
        assert decision.added == (AddHeader("X-Raised", "broken disk"),)


async def test_who_is_late_reads_nothing_more(tmp_path: Path) -> None:
    text = """
        outcome = []
        async def content(facts):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass
            try:
                async for piece in facts.read():
                    outcome.append(piece)
            except asyncio.CancelledError:
                outcome.append("cancelled")
        """
    async with bed(tmp_path, text) as b:
        assert (await b.quick.ask(Phase.CONTENT, Source(5).facts())).refusal
        await until(lambda: b.names["outcome"])
        assert b.names["outcome"] == ["cancelled"]


@pytest.mark.slow
def test_a_stuck_hook_does_not_keep_the_process_from_ending(tmp_path: Path) -> None:
    program = f"""
        import asyncio, logging
        from pathlib import Path
        from postel.hooks import *

        logging.disable()
        Path({str(tmp_path)!r}, "policy.py").write_text(
            "import time\\nasync def connect(facts): time.sleep(60)"
        )

        async def main():
            files = HookFiles.load([Path({str(tmp_path)!r}, "policy.py")])
            runner = ThreadRunner(ThreadOptions(ping_s=0.05, close_s=0.05))
            hooks = Hooks(files, options=HookOptions(timeout_s=0.05), runner=runner)
            for _ in range(3):  # some are left behind, and the last cannot be closed
                print((await hooks.ask(Phase.CONNECT, None)).refusal.reply.code)
            await runner.close()

        asyncio.run(main())
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=50,  # the hooks sleep for 60 s
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "451\n" * 3, "")
