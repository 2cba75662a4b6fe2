"""What the log says of exceptions that nobody took, and how many files the process may have open."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from served import PATIENCE_S, SINK, Serve, configuration, send_letter

from postel.app.descriptors import descriptors_wanted
from postel.app.edges import new_loop
from postel.app.faults import faults_logged, log_faults_of
from postel.config import Config
from postel.observe import LogFormat, start_logging, stop_logging


@contextmanager
def heard() -> Iterator[list[dict[str, Any]]]:
    """The events that are logged within; complete at the end."""
    out = io.StringIO()
    events: list[dict[str, Any]] = []
    listener = start_logging(LogFormat.JSON, stream=out)
    try:
        yield events
    finally:
        stop_logging(listener)
        events += map(json.loads, out.getvalue().splitlines())


@pytest.mark.parametrize("make_loop", [new_loop, asyncio.new_event_loop])
def test_a_task_that_nobody_awaits_is_an_event(make_loop: Any) -> None:
    async def fail() -> None:
        raise ValueError("nobody waits")

    async def main() -> None:
        log_faults_of(asyncio.get_running_loop())
        task = asyncio.create_task(fail(), name="the task")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    with heard() as events, asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(main())
    (event,) = events
    assert (event["event"], event["level"]) == ("task_failed", "error")
    assert "ValueError: nobody waits" in event["traceback"]
    assert "the task" in event["source"]


def test_a_callback_that_raises_is_an_event() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 // 0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    with heard() as events, asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
    assert "ZeroDivisionError" in events[0]["traceback"]


def test_a_thread_that_ends_by_an_exception_is_an_event() -> None:
    with heard() as events, faults_logged():
        thread = threading.Thread(target=lambda: 1 // 0, name="worker 7")
        thread.start()
        thread.join()
    assert events[0]["source"] == "worker 7"
    assert "ZeroDivisionError" in events[0]["traceback"]
    assert threading.excepthook is not None


class Clumsy:
    def __del__(self) -> None:
        raise ValueError("while it was finalized")


def test_what_cannot_be_raised_is_an_event() -> None:
    with heard() as events, faults_logged():
        Clumsy()
        gc.collect()
    assert "while it was finalized" in events[0]["traceback"]


def test_what_a_hook_leaves_behind_is_an_event_and_never_a_raw_traceback(serve: Serve, folder: Path) -> None:
    (folder / "hooks.py").write_text(
        "import asyncio, logging\n"
        "async def _fail():\n    raise ValueError('left behind')\n"
        "async def rcpt(facts):\n"
        "    asyncio.create_task(_fail())\n"
        "    logging.getLogger('somebody').warning('by\\nhand')\n"
    )
    served = serve(configuration("smtp", rules=SINK + '[hooks]\nfiles = ["hooks.py"]\n')).ready()
    assert send_letter(served.port("smtp"), "ann@sink.example").startswith("250")
    assert served.wait_for("library_message")["message"] == "by\nhand"
    assert "left behind" in served.wait_for("task_failed")["traceback"]
    assert all(line.startswith("{") for line in served.lines)
    served.kill()


# Descriptors
def limits_of(pid: int) -> tuple[str, str]:
    """The soft and the hard limit of open files."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    words = next(line for line in lines if line.startswith("Max open files")).split()
    return words[3], words[4]


def test_the_soft_limit_is_raised_to_the_hard_one(serve: Serve) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    served = serve(
        configuration("smtp"), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    )
    served.ready()
    soft, hard_now = limits_of(served.process.pid)
    assert soft == hard_now or int(soft) >= 1 << 20
    served.end()


_LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 300))
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
from postel.app.descriptors import allow_descriptors
from postel.config import Config, Limits
from postel.observe import start_logging, stop_logging
log = start_logging()
allow_descriptors(Config(limits=Limits(connections=20_000)))
stop_logging(log)
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_where_it_does_not_reach_the_log_says_what_to_do() -> None:
    program = "import postel.app, postel.config.settings\n" + _LIMITED.replace(
        "from postel.config import Config, Limits", "from postel.config.settings import Config, Limits"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.stdout.strip() == "(300, 300)", done.stderr
    assert "event=descriptors_too_few" in done.stderr
    assert "limits.connections = 20000 needs more open files than the 300" in done.stderr
    assert "LimitNOFILE=" in done.stderr


def test_what_is_wanted_grows_with_the_limits() -> None:
    assert descriptors_wanted(Config()) > 10_000 + 2 * 400
