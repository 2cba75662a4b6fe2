"""The stranger's end of a session: says octets as they are, hears what comes back."""

from __future__ import annotations

import base64
from contextlib import suppress

from postel.mail import Reply
from postel.net import ConnectionLost, Endpoint, Stream, TimedOut
from postel.testing import MailNetwork, MailServer

QUIET_S = 3.0  # so long nothing comes: then nothing more will (longer than a server waits before it refuses)


class Stranger:
    """One connection. Time is fake, so waiting for silence costs nothing."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    @classmethod
    async def call(
        cls, net: MailNetwork, server: MailServer, port: int = 25, *, name: str = "evil.example"
    ) -> Stranger:
        """Connect from a host of that name, and hear the greeting."""
        ip = next(str(ip) for ip in server.host.ips if ip.version == 4)
        stranger = cls(await net.internet.host(name).dial(Endpoint(ip, port), timeout_s=10))
        await stranger.hear()
        return stranger

    async def say(self, octets: bytes, *, at_once: int = 1 << 30) -> bytes:
        """Send, in pieces of so many octets; what comes back until it is quiet."""
        with suppress(ConnectionLost):
            for start in range(0, len(octets), at_once):
                await self.stream.write(octets[start : start + at_once])
        return await self.hear()

    async def hear(self) -> bytes:
        """What comes until it is quiet."""
        heard = b""
        with suppress(TimedOut, ConnectionLost):
            while piece := await self.stream.read(QUIET_S):
                heard += piece
        return heard

    async def command(self, line: bytes) -> int:
        """One command; the code of its reply, 0 when the session is gone."""
        return int((await self.say(line + b"\r\n") or b"0")[:3])

    async def login(self, account: str, password: str = "password") -> None:
        """EHLO and AUTH."""
        secret = base64.b64encode(f"\0{account}\0{password}".encode())
        assert await self.command(b"EHLO evil.example") == 250
        assert await self.command(b"AUTH PLAIN " + secret) == 235

    async def is_gone(self) -> bool:
        """Whether the other side has hung up."""
        with suppress(TimedOut):
            try:
                return not await self.stream.read(0.1)
            except ConnectionLost:
                return True
        return False


class Sink:
    """A server that takes everything, and remembers the octets of each session as they came.

    refuses     what it answers to RCPT instead, the line with its end.
    """

    def __init__(self, net: MailNetwork, name: str, *offers: str, refuses: str = "") -> None:
        self.host = net.host(name)
        self.sessions: list[bytes] = []
        self._name = name
        self._offers = [name, *offers]
        self._refusal = refuses.encode()

    async def open(self) -> Sink:
        """Listen at port 25."""
        await self.host.listen(Endpoint("0.0.0.0", 25), self._serve)
        return self

    async def _serve(self, stream: Stream) -> None:
        await stream.write(Reply(220, None, f"{self._name} ESMTP").format())
        number, line, is_content = len(self.sessions), b"", False
        self.sessions.append(b"")
        with suppress(ConnectionLost, TimedOut):
            while data := await stream.read(60):
                self.sessions[number] += data
                line += data
                line, is_content = await self._answer(stream, line, is_content)

    async def _answer(self, stream: Stream, buffer: bytes, is_content: bool) -> tuple[bytes, bool]:
        while True:
            end = b"\r\n.\r\n" if is_content else b"\r\n"
            line, found, rest = buffer.partition(end)
            if not found:
                return buffer, is_content
            buffer = rest
            verb = b"" if is_content else line[:4].upper()
            is_content = verb == b"DATA"
            if verb == b"DATA":
                buffer = b"\r\n" + buffer
            await stream.write(self._reply(verb))

    def _reply(self, verb: bytes) -> bytes:
        if verb == b"RCPT" and self._refusal:
            return self._refusal
        text = "\n".join(self._offers) if verb == b"EHLO" else "OK"
        return Reply(354 if verb == b"DATA" else 250, None, text).format()

    @property
    def contents(self) -> list[bytes]:
        """The mail data of every message, as it came over the wire, its end included."""
        found = []
        for session in self.sessions:
            rest = session
            while b"\r\nDATA\r\n" in rest:
                rest = rest.partition(b"\r\nDATA\r\n")[2]
                content, end, rest = (b"\r\n" + rest).partition(b"\r\n.\r\n")
                found.append(content[2:] + end)
        return found
