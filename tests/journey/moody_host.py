"""A server that is no Postel: any answer may be 4yz or 5yz, late or nonsense, and any moment the end."""

from __future__ import annotations

import asyncio
import contextlib
import random

from postel.net import ConnectionLost, Endpoint, Stream, TimedOut
from postel.testing import MemoryHost

FINE = {
    "EHLO": "250-moody.example\r\n250 8BITMIME",
    "HELO": "250 moody.example",
    "MAIL": "250 2.1.0 fine",
    "RCPT": "250 2.1.5 fine",
    "DATA": "354 go on",
    "RSET": "250 2.0.0 fine",
    "QUIT": "221 2.0.0 bye",
}
LATER = "451 4.3.0 not in the mood"
NEVER = "554 5.7.1 never in the mood"
REFUSABLE = {"MAIL", "RCPT", "DATA"}


class MoodyHost:
    """arrived     contents that it took, one for each recipient, whether or not its 250 came through.
    unheard     how often it took content and did not say so.
    """

    def __init__(self, name: str, rng: random.Random) -> None:
        self.name = name
        self._rng = rng
        self.arrived: list[tuple[str, bytes]] = []
        self.unheard = 0
        self.is_moody = True

    async def listen(self, host: MemoryHost) -> None:
        for address in ("0.0.0.0", "::"):
            await host.listen(Endpoint(address, 25), self._serve)

    async def _serve(self, stream: Stream) -> None:
        with contextlib.suppress(ConnectionLost, TimedOut):
            await _Session(self, stream, self._rng).talk()


class _Session:
    def __init__(self, host: MoodyHost, stream: Stream, rng: random.Random) -> None:
        self._host = host
        self._stream = stream
        self._rng = rng
        self._rest = b""
        self._recipients: list[str] = []

    async def talk(self) -> None:
        if not await self._say("220 moody.example ESMTP", refuses=("421 4.3.2 closed", "554 5.3.2 go away")):
            return
        while line := await self._until(b"\r\n"):
            verb = line[:4].upper().decode("ascii", "replace")
            if not await self._command(verb, line):
                return

    async def _command(self, verb: str, line: bytes) -> bool:
        """False: that was the end."""
        if verb in ("MAIL", "RSET", "EHLO", "HELO"):
            self._recipients = []
        refuses = (LATER, NEVER) if verb in REFUSABLE else ("502 5.5.1 what?",) if verb == "EHLO" else ()
        said = await self._say(FINE.get(verb, "500 5.5.2 what?"), refuses)
        if said is None:
            return False
        if verb == "RCPT" and said.startswith("2"):
            self._recipients.append(line.partition(b"<")[2].partition(b">")[0].decode())
        if verb == "DATA" and said.startswith("3"):
            return await self._take()
        return verb != "QUIT"

    async def _take(self) -> bool:
        content = await self._until(b"\r\n.\r\n")
        if not content:
            return False
        mood = self._mood()
        if mood < 0.08:
            return await self._say("452 4.3.1 no room") is not None
        if mood < 0.12:
            return await self._say(NEVER) is not None
        self._host.arrived += [(one, content) for one in self._recipients]
        if mood < 0.2:  # RFC 1047: taken, and nobody will know
            self._host.unheard += 1
            self._stream.abort()
            return False
        self._host.unheard += 1  # until it is said for certain
        if await self._say("250 2.0.0 taken") is None:
            return False
        self._host.unheard -= 1
        return True

    async def _say(self, fine: str, refuses: tuple[str, ...] = ()) -> str | None:
        """What was said; None: the connection is gone."""
        mood = self._mood()
        if mood < 0.03:
            self._stream.abort()
            return None
        if mood < 0.06:
            await asyncio.sleep(self._rng.choice((1.0, 100.0, 700.0)))
        words = self._rng.choice(refuses) if refuses and mood > 0.88 else fine
        if mood < 0.005:
            words = "huh"
        await self._stream.write(words.encode() + b"\r\n")
        return words

    def _mood(self) -> float:
        """1.0 to 0.0; in no mood at all it is 0.5."""
        return self._rng.random() if self._host.is_moody else 0.5

    async def _until(self, end: bytes) -> bytes:
        """What came up to an end, with it; b"" when the peer has gone."""
        while end not in self._rest:
            data = await self._stream.read()
            if not data:
                return b""
            self._rest += data
        line, _, self._rest = self._rest.partition(end)
        return line + end
