"""Servers that say what a script tells them, for playing a peer that no real server would be.

Gives       Script, ScriptFault.

    S 220 mx.example.net ESMTP      send this line
    C EHLO ...                      read a line and compare it; `...` stands for any text
    C* .                            read lines up to and including one that is "."
    pause 30                        say nothing for 30 seconds
    silence                         read on, and answer nothing, until the peer gives up
    close                           close (so does the end of the script, once the peer has closed)
    cut                             reset the connection
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable

from postel.net import ConnectionLost, Stream


class ScriptFault(AssertionError):
    """The peer did not say what the script expects, or the script is not understood."""


class Script:
    """One scripted server. Connection n plays the nth part; the last part repeats.

    heard   the lines that each connection received, in the order of their connecting.
    """

    def __init__(self, parts: Iterable[Iterable[str]]) -> None:
        self._parts = [[line.strip() for line in part if line.strip()] for part in parts]
        self.heard: list[list[str]] = []

    async def serve(self, stream: Stream) -> None:
        """Play the part of the next connection."""
        part = self._parts[min(len(self.heard), len(self._parts) - 1)]
        self.heard.append([])
        try:
            await _Player(stream, self.heard[-1]).play(part)
        except ConnectionLost:
            return  # the peer went away in the middle: its test looks at `heard`


class _Player:
    def __init__(self, stream: Stream, heard: list[str]) -> None:
        self._stream = stream
        self._heard = heard
        self._buffer = b""

    async def play(self, part: list[str]) -> None:
        for line in part:
            if not await self._act(line):
                return
        await self._listen()
        await self._stream.close()

    async def _act(self, line: str) -> bool:
        verb, _, text = line.partition(" ")
        match verb:
            case "S":
                await self._stream.write(text.encode() + b"\r\n")
            case "C":
                self._compare(text, await self._line())
            case "C*":
                while await self._line() not in (text, None):
                    pass
            case "pause":
                await asyncio.sleep(float(text))
            case "silence":
                await self._listen()
            case "close":
                await self._stream.close()
            case "cut":
                self._stream.abort()
            case _:
                raise ScriptFault(f"a script line starts with S, C, C*, pause, silence, close or cut: {line}")
        return verb not in ("close", "cut")

    def _compare(self, expected: str, said: str | None) -> None:
        pattern = ".*".join(re.escape(piece) for piece in expected.split("...")) or ".*"
        if said is None or not re.fullmatch(pattern, said):
            self._stream.abort()
            raise ScriptFault(f"expected {expected!r}, heard {said!r}")

    async def _line(self) -> str | None:
        """The next line without its CRLF; None at the end of the stream."""
        while b"\n" not in self._buffer:
            data = await self._stream.read()
            if not data:
                return None
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        self._heard.append(line.rstrip(b"\r").decode("utf-8", "backslashreplace"))
        return self._heard[-1]

    async def _listen(self) -> None:
        while await self._line() is not None:
            pass
