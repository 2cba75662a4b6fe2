"""One session with any server, a step at a time; whoever watches is told of each.

Gives       Talk, TalkOver, Patience.
Not here    What is said, and when: guide, terminal.

Unlike our client proper (proto.smtp.SmtpClient) this one goes on where a server talks nonsense: finding that out is
what it is for. It says what it is told to, also in the wrong order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from postel.cli.debug.certificates import tls_complaints, tls_facts
from postel.cli.debug.happenings import Audience, ContentSaid, Ended, Noted, Replied, Said, Secured
from postel.cli.debug.secrets import Secrets, hidden_line
from postel.net import Clock, ConnectionLost, Stream, TimedOut
from postel.proto.smtp import (
    CONNECTED,
    CONTENT,
    HELLOS,
    RESPONSE,
    SEQUENCES,
    BadReply,
    Complaint,
    Heard,
    HeardReader,
    Scene,
    critique,
    keyword_of,
)
from postel.tls import ClientTls, HandshakeFailed, certificate_facts_of, start_client

_VERBOSE: Final = 50  # what sendmail tells before a reply, to whoever has said VERB
_LATE_S: Final = 0.02  # how long we listen for words that nobody asked for


class TalkOver(Exception):
    """The session has ended, and not by our QUIT."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long steps may take, in seconds."""

    reply: float = 300.0  # RFC 5321 4.5.3.2
    content: float = 600.0  # RFC 5321 4.5.3.2.6
    handshake: float = 60.0


class Talk:
    """One session on a stream.

    name    what the server's certificate should be for; None where it has no name.
    """

    def __init__(
        self,
        stream: Stream,
        audience: Audience,
        *,
        name: str | None,
        clock: Clock,
        patience: Patience,
        is_lmtp: bool,
    ) -> None:
        self.stream = stream
        self.secrets = Secrets()
        self.scene = Scene(is_tls=stream.tls is not None, is_lmtp=is_lmtp, is_local=_is_local(stream))
        self.parameters: dict[str, list[str]] = {}  # of the keywords offered
        self.was_refused = False
        self.complaints = 0
        self._reader = HeardReader()
        self._audience = audience
        self.name = name
        self._clock = clock
        self._patience = patience
        self._is_over = False

    # Hearing.

    async def hear(self, verb: str) -> Heard:
        """The reply to a verb. Raises TalkOver when none comes."""
        limit_s = self._patience.content if verb == CONTENT else self._patience.reply
        began_s = asyncio.get_running_loop().time()
        while (reply := self._next_reply()) is None:
            await self._receive(verb, limit_s)
        took_s = asyncio.get_running_loop().time() - began_s
        reply = self._without_secrets(reply)
        if reply.code == _VERBOSE:
            self._tell_reply(verb, reply, took_s, ())
            return await self.hear(verb)
        self._learn(verb, reply)
        self.was_refused |= reply.code is not None and not reply.is_positive
        self._tell_reply(verb, reply, took_s, ())
        if reply.code == 421:
            raise self._over("server", None)
        return reply

    def _next_reply(self) -> Heard | None:
        try:
            return self._reader.next_reply()
        except BadReply as bad:
            raise self._over("client", Complaint(str(bad), "5321 4.5.3.1.5")) from None

    async def _receive(self, verb: str, limit_s: float) -> None:
        try:
            data = await self.stream.read(limit_s)
        except TimedOut:
            raise self._over(
                "client", Complaint(f"no reply to {verb} within {limit_s:g} s", "5321 4.5.3.2")
            ) from None
        except ConnectionLost as lost:
            raise self._over("server", Complaint(f"the connection was lost: {lost}", "5321 3.8")) from None
        if not data:
            raise self._over("server", Complaint(f"closed without a reply to {verb}", "5321 3.8"))
        self._reader.receive(data)

    def _learn(self, verb: str, reply: Heard) -> None:
        if verb in HELLOS and reply.is_positive:
            self.parameters = dict(map(keyword_of, reply.texts[1:]))
        elif verb == "HELO" and reply.is_positive:
            self.parameters = {}

    def _tell_reply(self, verb: str, reply: Heard, took_s: float, more: Iterable[Complaint]) -> None:
        found = (*reply.complaints, *critique(verb, reply, self.scene), *more)
        self.scene = replace(self.scene, offered=frozenset(self.parameters))
        self.complaints += len(found)
        self._audience(Replied(verb, reply, took_s, found))

    def _without_secrets(self, reply: Heard) -> Heard:
        hide = self.secrets.hide
        lines = tuple(map(hide, reply.lines))
        return replace(reply, lines=lines, texts=tuple(hide(text.encode()).decode() for text in reply.texts))

    async def unasked(self) -> None:
        """Tell of what the server has said without being asked. Raises TalkOver where it has closed."""
        await self._listen()
        while (reply := self._next_reply()) is not None:
            unasked = Complaint("a reply to nothing that was said", "5321 4.2")
            self._tell_reply(
                "nothing", self._without_secrets(reply), 0.0, () if reply.code == 421 else (unasked,)
            )

    async def _listen(self) -> None:
        try:
            data = await self.stream.read(_LATE_S)
        except TimedOut:
            return
        except ConnectionLost as lost:
            raise self._over("server", Complaint(f"the connection was lost: {lost}", "5321 3.8")) from None
        if data:
            self._reader.receive(data)
        else:
            while (reply := self._next_reply()) is not None:
                self._tell_reply("nothing", self._without_secrets(reply), 0.0, ())
            raise self._over("server", Complaint("closed in the middle of the session", "5321 4.1.1.10"))

    # Saying.

    async def ask(self, line: str, *, is_response: bool = False) -> Heard:
        """Say a line, and hear the reply."""
        await self.say(line, is_response=is_response)
        return await self.hear(RESPONSE if is_response else verb_of(line))

    async def say(self, line: str, *, is_response: bool = False) -> None:
        """Say a line, whatever it is."""
        row = SEQUENCES.get(RESPONSE if is_response else verb_of(line))
        shown, recorded = hidden_line(line, is_response=is_response)
        hide = self.secrets.hide
        shown, recorded = (hide(text.encode()).decode("utf-8", "replace") for text in (shown, recorded))
        means, rfc = (
            (row.means, row.rfc) if row else ("a command that no standard of ours knows", "5321 4.1.1")
        )
        self._audience(Said(shown, recorded, means, rfc))
        await self._write(line.encode("utf-8", "surrogateescape") + b"\r\n")

    async def say_content(self, data: bytes, *, is_chunk: bool = False) -> None:
        """Send octets of content as they are."""
        self._audience(ContentSaid(self.secrets.hide(data), is_chunk))
        await self._write(data)

    async def _write(self, data: bytes) -> None:
        try:
            await self.stream.write(data, self._patience.reply)
        except (TimedOut, ConnectionLost) as lost:
            raise self._over("server", Complaint(f"the connection was lost: {lost}", "5321 3.8")) from None

    def note(self, text: str) -> None:
        """Tell the person something."""
        self._audience(Noted(text))

    # TLS.

    async def secure(self, context: ClientTls) -> None:
        """Do the handshake. Raises TalkOver where it fails."""
        early = self._reader.waiting
        self._reader.forget()
        began_s = asyncio.get_running_loop().time()
        try:
            self.stream = await start_client(
                self.stream, context, server_name=self.name, timeout_s=self._patience.handshake
            )
        except HandshakeFailed as failed:
            raise self._over("client", Complaint(f"TLS could not be started: {failed}", "3207 4.1")) from None
        took_s = asyncio.get_running_loop().time() - began_s
        self.parameters = {}
        self.scene = replace(self.scene, is_tls=True, offered=frozenset())
        self._tell_tls(took_s, early)

    def _tell_tls(self, took_s: float, early: bytes) -> None:
        info = self.stream.tls
        assert info is not None
        facts = certificate_facts_of(info.peer_certificate) if info.peer_certificate else None
        now_at = self._clock.now()
        found = list(tls_complaints(info, facts, self.name, now_at))
        if early:
            found.append(
                Complaint("plaintext after the 220 to STARTTLS: an attacker could add words", "3207 6")
            )
        self.complaints += len(found)
        self._audience(Secured(tuple(tls_facts(info, facts, now_at)), took_s, tuple(found)))

    # The end.

    async def quit(self) -> None:
        """Say QUIT, and see that the server closes and not we."""
        if self._is_over:
            return
        await self.ask("QUIT")
        try:
            rest = await self.stream.read(self._patience.reply)
        except (TimedOut, ConnectionLost):
            rest = b""
        found = Complaint("more words after the 221", "5321 4.1.1.10") if rest else None
        self._over("server", found)

    async def close(self) -> None:
        """Hang up."""
        if not self._is_over:
            self._over("client", None)
        await self.stream.close()

    def _over(self, by: str, complaint: Complaint | None) -> TalkOver:
        self._is_over = True
        self.complaints += complaint is not None
        self._audience(Ended(by, complaint))
        return TalkOver(by)

    async def greeting(self) -> Heard:
        """What the server says first."""
        return await self.hear(CONNECTED)


def verb_of(line: str) -> str:
    """The verb of a command line, in upper case."""
    return (line.split() or [""])[0].upper()


def _is_local(stream: Stream) -> bool:
    ip = stream.peer.ip
    return ip is None or ip.is_loopback
