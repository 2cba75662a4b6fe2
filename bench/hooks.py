"""What it costs to ask a hook that does nothing: on the server's loop, and in the thread of hooks.

    python bench/hooks.py [--asks 20000] [--together 1 10 100] [--asyncio]

The numbers of one run are comparable with each other only: read the ratios. `wait` is what one ask takes, `CPU`
what it costs all threads of the process; with many at once the threads are woken once for several.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from ipaddress import ip_address
from pathlib import Path

import uvloop

from postel.hooks import Client, HookFiles, Hooks, LoopRunner, Phase, Rcpt, Runner, ThreadRunner
from postel.mail import NO_PARAMETERS, ReversePath, parse_mailbox

NOTHING = "async def rcpt(facts): return None"
FACTS = Rcpt(
    Client(ip_address("192.0.2.1"), 4711, "smtp"),
    "0abc",
    ReversePath.NULL,
    parse_mailbox("ann@example.org"),
    NO_PARAMETERS,
    0,
)


async def measure(hooks: Hooks, asks: int, together: int) -> tuple[float, float]:
    """Microseconds of waiting and of CPU for one ask."""

    async def ask(times: int) -> None:
        for _ in range(times):
            await hooks.ask(Phase.RCPT, FACTS)

    await ask(100)
    began_s, cpu_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(ask(asks // together) for _ in range(together)))
    spent_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    return spent_s * together / asks * 1e6, cpu_s / asks * 1e6


async def compare(options: argparse.Namespace, files: HookFiles) -> None:
    new_loop = asyncio.new_event_loop if options.asyncio else uvloop.new_event_loop
    runners: dict[str, Runner] = {"loop": LoopRunner(), "thread": ThreadRunner(new_loop=new_loop)}
    print(
        f"{'at once':>8}{'':>4}{'wait: loop':>12}{'thread':>10}{'ratio':>8}{'CPU: loop':>14}{'thread':>10}{'ratio':>8}"
    )
    for together in options.together:
        loop, thread = [
            await measure(Hooks(files, runner=runner), options.asks, together) for runner in runners.values()
        ]
        waits = f"{loop[0]:12.1f}{thread[0]:10.1f}{thread[0] / loop[0]:8.1f}"
        print(f"{together:8}{'us':>4}{waits}{loop[1]:14.1f}{thread[1]:10.1f}{thread[1] / loop[1]:8.1f}")
    for runner in runners.values():
        await runner.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--asks", type=int, default=20_000)
    parser.add_argument("--together", type=int, nargs="*", default=[1, 10, 100])
    parser.add_argument("--asyncio", action="store_true", help="not uvloop")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "nothing.py")
        path.write_text(NOTHING)
        files = HookFiles.load([path])
        factory = asyncio.new_event_loop if options.asyncio else uvloop.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(compare(options, files))


if __name__ == "__main__":
    main()
