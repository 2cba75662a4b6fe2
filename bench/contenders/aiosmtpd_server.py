"""aiosmtpd, as people use it: a handler that keeps each message in a file of its own, or throws it away.

Run as a program it is that server:  python -m bench.contenders.aiosmtpd_server PORT FOLDER|- SIZE-LIMIT
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import Any

from bench.contenders.contender import Foreground, Purpose, Setting, free_port


class AiosmtpdContender:
    """It only receives."""

    purposes = frozenset({Purpose.DISCARD})
    has_dead_domain = False
    most_sessions = 10_000

    def __init__(self, name: str, *, is_durable: bool) -> None:
        self.name = name
        self._is_durable = is_durable

    def missing(self) -> str:
        return "" if importlib.util.find_spec("aiosmtpd") else "no aiosmtpd: pip install -e .[bench]"

    def start(self, setting: Setting) -> Foreground:
        port = free_port()
        folder = str(setting.folder) if self._is_durable else "-"
        command = [
            sys.executable,
            "-m",
            "bench.contenders.aiosmtpd_server",
            str(port),
            folder,
            str(setting.size_bytes),
        ]
        return Foreground(command, port, setting)


async def _serve(port: int, folder: Path | None, size_limit: int) -> None:
    from aiosmtpd.smtp import SMTP  # type: ignore[import-not-found,unused-ignore]

    count = 0

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - its name for it
            nonlocal count
            if folder is not None:
                count += 1
                handle = os.open(folder / str(count), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
                os.write(handle, envelope.content)
                os.fsync(handle)
                os.close(handle)
            return "250 OK"

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Handler(), data_size_limit=size_limit), "127.0.0.1", port, backlog=2048
    )
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), None if sys.argv[2] == "-" else Path(sys.argv[2]), int(sys.argv[3])))
