"""The fifth player: a transcript acted out to a whole service, over a stream.

Gives       play_service.
Not here    Machines alone on stage: players.

The service answers by its own policy: what `=` lines would see is the business of the machine's players. Here
they say what others do at that moment, which the caller does, or nothing. Time is the loop's: on a fake clock a
`silence` of five minutes takes none.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NoReturn

from postel.net import ConnectionLost, Stream, TimedOut
from postel.testing.transcript.parse import (
    ClientSays,
    Closes,
    Never,
    Sees,
    ServerSays,
    StartsTls,
    Transcript,
)
from postel.testing.transcript.stage import Mismatch
from postel.tls import ClientTls, start_client

PATIENCE_S: Final = 2 * 86400.0  # longer than any timeout of a session
_QUIET_S: Final = 0.001
_WILD: Final = re.compile(r"(\.\.\.|\$\w+)")

Cut = Callable[[list[bytes]], Iterable[bytes]]
Meanwhile = Callable[[str], Awaitable[None]]


async def play_service(
    transcript: Transcript,
    stream: Stream,
    *,
    tls: ClientTls | None = None,
    cut: Cut | None = None,
    meanwhile: Meanwhile | None = None,
) -> dict[str, str]:
    """Speak the client's lines on `stream` and compare what comes back; the $names it bound.

    tls         for `...TLS`.
    cut         how the lines of one turn are written: see players; each by itself without.
    meanwhile   does what an `=` line says.

    Raises Mismatch.
    """
    actor = _Actor(transcript, stream, tls, cut or (lambda turn: turn), meanwhile)
    try:
        await actor.play()
    except ConnectionLost as lost:
        raise Mismatch(f"{transcript.name}: the connection was lost: {lost}") from lost
    finally:
        await actor.stream.close()
    return actor.bound


class _Actor:
    """The client's part."""

    def __init__(
        self,
        transcript: Transcript,
        stream: Stream,
        tls: ClientTls | None,
        cut: Cut,
        meanwhile: Meanwhile | None,
    ) -> None:
        self.stream = stream
        self.bound: dict[str, str] = {}
        self._transcript = transcript
        self._tls = tls
        self._cut = cut
        self._meanwhile = meanwhile
        self._heard = b""
        self._never: list[str] = []

    async def play(self) -> None:
        turn: list[bytes] = []
        for step in self._transcript.steps:
            if isinstance(step, ClientSays):
                turn.append(step.data)
                continue
            await self._say(turn)
            turn = []
            match step:
                case ServerSays():
                    await self._demand_line(step)
                case Never():
                    self._never.append(step.prefix)
                case Sees() if self._meanwhile is not None:
                    await self._meanwhile(step.pattern)
                case StartsTls():
                    await self._start_tls(step.line)
                case Closes(side="client"):
                    await self.stream.close()
                    return
                case Closes():
                    await self._demand_close(step.line)
                    return
        await self._say(turn)
        await self._demand_quiet()

    async def _say(self, turn: list[bytes]) -> None:
        for piece in self._cut(turn):
            await self.stream.write(piece, timeout_s=PATIENCE_S)

    async def _hear(self, timeout_s: float = PATIENCE_S) -> bool:
        """Read more; False at the end of the stream, or when nothing comes."""
        try:
            data = await self.stream.read(timeout_s)
        except TimedOut:
            return False
        self._heard += data
        return bool(data)

    async def _demand_line(self, step: ServerSays) -> None:
        while b"\r\n" not in self._heard:
            if not await self._hear():
                self._fail(
                    step.line, f"expected {step.pattern!r}, the server said {self._heard!r} and no more"
                )
        said, _, self._heard = self._heard.partition(b"\r\n")
        text = said.decode()
        if not self._matches(step.pattern, text):
            self._fail(step.line, f"expected {step.pattern!r}, the server said {text!r}")
        for prefix in self._never:
            if text.startswith(prefix):
                self._fail(step.line, f"{text!r} must not be said any more")

    async def _start_tls(self, line: int) -> None:
        if self._tls is None:
            self._fail(line, "there is no TLS on this stage")
        self.stream = await start_client(self.stream, self._tls, server_name=None, timeout_s=PATIENCE_S)

    async def _demand_close(self, line: int) -> None:
        while await self._hear():
            pass
        if self._heard:
            self._fail(line, f"the server said more: {self._heard!r}")

    async def _demand_quiet(self) -> None:
        await self._hear(_QUIET_S)
        if self._heard:
            self._fail(len(self._transcript.lines) - 1, f"the server said more: {self._heard!r}")

    def _matches(self, pattern: str, text: str) -> bool:
        match = re.fullmatch("".join(self._part(part) for part in _WILD.split(pattern)), text)
        if match is None:
            return False
        self.bound.update(match.groupdict())
        return True

    def _part(self, part: str) -> str:
        if part == "...":
            return ".*"
        if part.startswith("$") and len(part) > 1:
            bound = self.bound.get(part[1:])
            return f"(?P<{part[1:]}>\\S+)" if bound is None else re.escape(bound)
        return re.escape(part)

    def _fail(self, line: int, why: str) -> NoReturn:
        transcript = self._transcript
        raise Mismatch(f"{transcript.name}:{line + 1}: {why}\n    {transcript.lines[line]}")
