"""A configured data directory in a temporary folder, and commands run on it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from click.testing import CliRunner, Result

from postel.app import Bench, open_bench, real_edges, run_loop
from postel.cli import main
from postel.config import Loaded, load
from postel.mail import (
    NO_PARAMETERS,
    Envelope,
    ForwardPath,
    Parameters,
    Recipient,
    parse_mailbox,
    parse_reverse_path,
)
from postel.queue import NewMessage, Origin, QueueId

T = TypeVar("T")

CONFIG = """\
hostname = "mail.drag.net"
data = "data"
[[listen]]
protocol = "smtp"
address = "127.0.0.1:1"
[[domain]]
name = "drag.net"
aliases = { "sales" = ["frito", "kitt@free.org"] }
[dns]
servers = ["127.0.0.1:1"]
"""

LETTER = b"From: ann@free.org\r\nSubject: hello\r\n\r\nHello!\r\n"


@dataclass(frozen=True)
class Site:
    folder: Path

    @classmethod
    def make(cls, folder: Path, config: str = CONFIG) -> Site:
        (folder / "postel.toml").write_text(config)
        return cls(folder)

    @property
    def config(self) -> Path:
        return self.folder / "postel.toml"

    @property
    def loaded(self) -> Loaded:
        return load(self.config, {})

    def run(self, *arguments: str, stdin: str | bytes | None = None) -> Result:
        """`postel --config … ARGUMENTS`."""
        return CliRunner().invoke(main, ["--config", str(self.config), *arguments], input=stdin)

    def ok(self, *arguments: str, stdin: str | bytes | None = None) -> str:
        """The same; it must succeed. What it printed on standard output."""
        result = self.run(*arguments, stdin=stdin)
        assert result.exit_code == 0, result.output
        assert result.exception is None
        return result.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))

    def refused(self, *arguments: str, status: int = 1, stdin: str | bytes | None = None) -> str:
        """The same; it must end with this status. What it said on standard error."""
        result = self.run(*arguments, stdin=stdin)
        assert result.exit_code == status, result.output
        assert "Traceback" not in result.output
        assert isinstance(result.exception, SystemExit)
        return result.stderr

    def on_bench(self, work: Callable[[Bench], Awaitable[T]]) -> T:
        async def run() -> T:
            bench = await open_bench(self.loaded, real_edges())
            try:
                return await work(bench)
            finally:
                await bench.close()

        return run_loop(run())

    def add_account(self, address: str) -> str:
        return self.ok("account", "add", address, "--generate").strip()

    def queue(
        self,
        *recipients: str,
        reverse_path: str = "ann@free.org",
        content: bytes = LETTER,
        parameters: Parameters = NO_PARAMETERS,
    ) -> QueueId:
        """Queue a message, as a server would that took it."""

        async def work(bench: Bench) -> QueueId:
            draft = bench.rooms.contents.draft()
            await draft.write(content)
            queue_id = bench.queue.next_id()
            message = NewMessage(
                queue_id=queue_id,
                envelope=Envelope(
                    parse_reverse_path(f"<{reverse_path}>"),
                    tuple(Recipient(ForwardPath.of(parse_mailbox(text))) for text in recipients),
                    parameters,
                ),
                content=await draft.seal(),
                received_at=bench.edges.clock.now(),
                origin=Origin(protocol="ESMTP", client_ip="192.0.2.1", client_name="mx.free.org"),
            )
            await bench.queue.accept(message)
            return queue_id

        return self.on_bench(work)
