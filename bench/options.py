"""What one run of the measurements was asked for.

Gives       Options, contenders_for, take_turns.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.contenders import Contender, Purpose, Running, Setting, chosen
from bench.contenders.accounting import accounted
from bench.results import Results


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line.

    peers           names of contenders; all by default.
    rounds          how often each is measured; they take turns.
    seconds         how long the load lasts.
    directory       on the disk to measure; that of temporary files by default.
    sessions, sizes, new    which cases, where a row has such.
    pipelined       MAIL, RCPT and DATA in one write.
    load            "ours", or "smtp-source".
    load_processes  of the source and of the sink.
    held            idle sessions.
    queued, destinations    messages in the long queue, and for how many domains.
    large_mb        size of the one large message.
    letters         how many lie in the mailbox that is read over IMAP.
    is_quick        a small version of everything: is it all there, not how fast.
    """

    peers: Sequence[str] = ()
    rounds: int = 3
    seconds: float = 4.0
    directory: Path | None = None
    sessions: Sequence[int] = (10, 50, 200)
    sizes: Sequence[int] = ()
    new: Sequence[bool] = (False, True)
    pipelined: bool = False
    load: str = "ours"
    load_processes: int = 1
    held: int = 10_000
    queued: int = 1_000_000
    destinations: int = 20_000
    large_mb: int = 1024
    letters: Sequence[int] = (1000, 10_000)
    is_quick: bool = False

    @contextmanager
    def served(
        self, contender: Contender, purpose: Purpose, sink_port: int = 0, size_bytes: int = 10_000_000
    ) -> Iterator[Running]:
        """A server in a new folder and with an account of its own. Raises what `Contender.start` raises."""
        with self.folder() as folder, accounted() as account:
            server = contender.start(Setting(folder, purpose, account, sink_port, size_bytes))
            try:
                yield server
            finally:
                server.stop()

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A new one on the disk to measure."""
        with tempfile.TemporaryDirectory(dir=self.directory, prefix="postel-bench-") as name:
            yield Path(name)


def contenders_for(purpose: Purpose, options: Options, results: Results) -> list[Contender]:
    """Those that were asked for and can do it; who is not installed is named below the table."""
    here = []
    for one in chosen(list(options.peers)):
        if purpose not in one.purposes:
            continue
        if why := one.missing():
            results.remark(f"{one.name} was not measured: {why}")
        else:
            here.append(one)
    return here


def take_turns(
    results: Results,
    case: str,
    contenders: Sequence[Contender],
    rounds: int,
    measure: Callable[[Contender], Mapping[str, float]],
) -> None:
    """A B C, A B C: so that all suffer alike from other programs. Who fails is named, and the others go on."""
    for _ in range(rounds):
        for one in contenders:
            try:
                results.add(case, one.name, measure(one))
            except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as fault:
                results.remark(f"{case}, {one.name}: {fault}")
