"""How much work a message is, in counts that no other program on the machine can change.

    python -m bench.work            what each kind of message costs now, beside what it may cost
    python -m bench.work --write    make that the budget, with a little room

Counted in one process on a fake clock, of sessions that send at the same time, and divided by their messages
(bench.counting says what is counted). None of it is time; two runs give the same. Instructions, calls and turns
depend on the version of Python, so a budget for them holds for the version it was made with.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Final

from bench.counting import Counter, Work
from postel.net import Endpoint, Stream
from postel.testing import MailNetwork, MemoryHost, simulate

BUDGET: Final = Path(__file__).with_name("work_budget.toml")
_ROOM: Final = 1.03  # what changes may cost before somebody has to look at it
_SESSIONS: Final = 10
_MESSAGES: Final = 5  # of each session
_TIMEOUT_S: Final = 60.0
_SINK: Final = Endpoint("192.0.2.9", 25)
_LETTER: Final = (
    b"From: Kitt <kitt@free.example>\r\nTo: Ann <ann@example.org>\r\nSubject: work\r\n"
    b"Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <work@free.example>\r\n\r\n"
    + (b"x" * 76 + b"\r\n") * 50
    + b".\r\n"
)
_CONVERSATION: Final = (
    b"MAIL FROM:<kitt@free.example>\r\n",
    b"RCPT TO:<ann@example.org>\r\n",
    b"DATA\r\n",
    _LETTER,
)
_DISCARD: Final = '[relay]\ndomains = ["example.org"]\n[route]\n"example.org" = "discard"\n'
_NEW: Final = "accept on a new connection"
_RULES: Final = {
    "accept": _DISCARD,
    _NEW: _DISCARD,
    "relay": '[relay]\ndomains = ["example.org"]\n[route]\n"example.org" = "smtp:[192.0.2.9]:25"\n',
    "mailbox": '[[domain]]\nname = "example.org"\n',
}
KINDS: Final = tuple(_RULES)


def measure(kind: str) -> Work:
    """What one message of this kind costs: one of KINDS."""
    counter = Counter()
    with counter.hearing_statements():
        simulate(lambda: _play(kind, counter))
    each = _SESSIONS * _MESSAGES
    return Work(**{name: round(count / each, 1) for name, count in asdict(counter.work).items()})


async def _play(kind: str, counter: Counter) -> None:
    async with MailNetwork() as net:
        await net.host("sink.example", _SINK.host).listen(_SINK, _take)
        server = await net.start("mx.example.org", _RULES[kind], accounts=["ann@example.org"])
        there = Endpoint(str(min(server.host.ips, key=str)), 25)
        client = net.host("client.example")
        send = _send_anew if kind == _NEW else _send
        sessions = [await _connected(client, there) for _ in range(_SESSIONS)]
        for is_counted in (False, True):  # what is made once is not counted
            with counter.counting() if is_counted else nullcontext():
                await asyncio.gather(*(send(client, there, stream) for stream in sessions))
                await asyncio.sleep(1)  # what was accepted goes on
        await asyncio.gather(*(_say(stream, b"QUIT\r\n") for stream in sessions))


async def _connected(client: MemoryHost, there: Endpoint) -> Stream:
    stream = await client.dial(there, timeout_s=_TIMEOUT_S)
    await _say(stream, b"", b"EHLO client.example\r\n")
    return stream


async def _send(client: MemoryHost, there: Endpoint, stream: Stream) -> None:
    await _say(stream, *_CONVERSATION * _MESSAGES)


async def _send_anew(client: MemoryHost, there: Endpoint, stream: Stream) -> None:
    for _ in range(_MESSAGES):
        await _say(await _connected(client, there), *_CONVERSATION, b"QUIT\r\n")


async def _say(stream: Stream, *commands: bytes) -> None:
    for command in commands:
        if command:
            await stream.write(command, _TIMEOUT_S)
        reply = await stream.read(_TIMEOUT_S)
        while reply.splitlines()[-1][3:4] == b"-":
            reply += await stream.read(_TIMEOUT_S)
        assert reply[:1] in b"23", reply


async def _take(stream: Stream) -> None:
    """A sink, without pipelining."""
    await stream.write(b"220 sink.example\r\n", _TIMEOUT_S)
    awaited = b"\r\n"
    heard = b""
    while more := await stream.read(_TIMEOUT_S):
        heard += more
        if not heard.endswith(awaited):
            continue
        is_data = heard == b"DATA\r\n"
        awaited = b"\r\n.\r\n" if is_data else b"\r\n"
        await stream.write(b"354 go on\r\n" if is_data else b"250 2.0.0 ok\r\n", _TIMEOUT_S)
        heard = b""


# The budget


def over_budget(kind: str, work: Work) -> Iterator[str]:
    """What of it is more than it may be, in words. Counts that depend on Python are only compared on its version."""
    budget = read_budget()
    is_comparable = budget["python"] == _python()
    for name, count in asdict(work).items():
        allowed = float(budget[kind][name])  # type: ignore[index]
        if count > allowed and (is_comparable or name == "statements"):
            yield (
                f"{kind}: a message costs {count:g} {name}, and {allowed:g} are allowed: "
                "make it cheaper, or say why in the commit and run `python -m bench.work --write`"
            )


def read_budget() -> Mapping[str, object]:
    """As it was written."""
    return tomllib.loads(BUDGET.read_text())


def _python() -> str:
    return "{}.{}".format(*sys.version_info)


def _write(works: Mapping[str, Work]) -> None:
    lines = [
        "# What one message may cost. Written by: python -m bench.work --write",
        f'python = "{_python()}"',
    ]
    for kind, work in works.items():
        lines += ["", f'["{kind}"]']
        lines += [f"{name} = {math.ceil(count * _ROOM * 10) / 10:g}" for name, count in asdict(work).items()]
    BUDGET.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.work",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--write", action="store_true")
    works = {kind: measure(kind) for kind in KINDS}
    if parser.parse_args().write:
        _write(works)
    print(f"{'':26}" + "".join(f"{name:>16}" for name in asdict(Work())))
    for kind, work in works.items():
        print(f"{kind:26}" + "".join(f"{count:16g}" for count in asdict(work).values()))
        print("".join(f"{line}\n" for line in over_budget(kind, work)), end="")


if __name__ == "__main__":
    main()
