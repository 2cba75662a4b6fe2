"""What all services share: accept connections, and see their sessions to the end.

Implements  RFC 8314 3.3 (TLS from the first octet where the service has it), RFC 5321 3.8 (a server that stops says
            so), 7.8 (flooding).
Gives       Service, ServiceSession.
Not here    What happens within a session: smtpd_session, pop3d_session, imapd. Opening ports: the application.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any, Final, Generic, Protocol, TypeVar

from postel.net import ConnectionLost, Stream, TimedOut
from postel.observe import logger
from postel.servers.admission import Admission, Away
from postel.servers.drive import Ended
from postel.tls import HandshakeFailed, ServerTls, start_server

# Whoever is turned away at the door gets one line, and no more of our time than this.
TURN_AWAY_S: Final = 5.0


class ServiceSession(Protocol):
    """What a service asks of its sessions."""

    id: str

    @property
    def stream(self) -> Stream:
        """The stream as it is now: under TLS, once that has started."""

    async def run(self) -> Ended:
        """The session, to its end. Raises CancelledError."""

    def stop(self) -> None:
        """End at the next place between two commands."""

    def counts(self) -> dict[str, Any]:
        """What the session came to, for the log."""


class DoorOptions(Protocol):
    """What every such service is told."""

    @property
    def is_tls_implicit(self) -> bool:
        """Whether a TLS handshake comes before the greeting."""

    @property
    def handshake_s(self) -> float:
        """How long a TLS handshake may take."""


class DoorParts(Protocol):
    """What every such service works with."""

    @property
    def admission(self) -> Admission:
        """Who may come in."""


AnyOptions = TypeVar("AnyOptions", bound=DoorOptions)
AnyParts = TypeVar("AnyParts", bound=DoorParts)
AnySession = TypeVar("AnySession", bound=ServiceSession)


class Service(ABC, Generic[AnyOptions, AnyParts, AnySession]):
    """One service. `handle` is the handler of its listeners; several may share it.

    room    names the room in the log.
    tls     the certificates; None: no STARTTLS. A service with implicit TLS cannot be without.
    """

    room: str

    def __init__(self, options: AnyOptions, parts: AnyParts, tls: ServerTls | None = None) -> None:
        if options.is_tls_implicit and tls is None:
            raise ValueError(f"{self.room} with TLS from the first octet needs a certificate")
        self._log = logger(self.room)
        self._sessions: set[AnySession] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self.reload(options, parts, tls)

    # What a protocol brings

    @property
    @abstractmethod
    def name(self) -> str:
        """Of the service, as the log has it."""

    @abstractmethod
    def session(self, stream: Stream) -> AnySession:
        """A session on a stream whose implicit handshake is over."""

    @abstractmethod
    def parting_words(self, why: Away) -> bytes:
        """What a client reads that is turned away."""

    def closed(self, session: AnySession) -> None:
        """A session has ended: for who keeps count."""

    # What all share

    def reload(self, options: AnyOptions, parts: AnyParts, tls: ServerTls | None) -> None:
        """Use these for sessions from now on; those under way keep what they began with."""
        self._options, self._parts, self._tls = options, parts, tls

    @property
    def sessions(self) -> int:
        """How many connections are being served, those in their TLS handshake among them."""
        return len(self._tasks)

    async def handle(self, stream: Stream) -> None:
        """Serve one connection to its end. Raises only CancelledError."""
        admission, peer = self._parts.admission, stream.peer
        away = Away.SHUTTING_DOWN if self._is_stopping else admission.enter(peer)
        if away is not None:
            self._log.event("connection_refused", client=peer.ip, service=self.name, because=away)
            await self._turn_away(stream, away)
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(stream, task)
        finally:
            self._tasks.discard(task)
            admission.leave(peer)

    async def stop(self, drain_s: float) -> None:
        """Let every session finish its command; after `drain_s` cut off those left."""
        self._is_stopping = True
        for handshake in self._handshakes:
            handshake.cancel()  # nothing has begun that could be finished
        for session in tuple(self._sessions):
            session.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=drain_s)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _turn_away(self, stream: Stream, why: Away) -> None:
        """Say why, unless the client waits for TLS: it would take the text for a broken handshake."""
        with self._parts.admission.parting() as has_room:
            if self._options.is_tls_implicit or not has_room:
                stream.abort()
                return
            with suppress(TimedOut, ConnectionLost):
                await stream.write(self.parting_words(why), timeout_s=TURN_AWAY_S)
            await stream.close()

    async def _serve(self, stream: Stream, task: asyncio.Task[None]) -> None:
        options = self._options
        if options.is_tls_implicit and self._tls is not None:
            self._handshakes.add(task)
            try:
                stream = await start_server(stream, self._tls, timeout_s=options.handshake_s)
            except HandshakeFailed as failed:
                self._log.event("tls_failed", client=stream.peer.ip, because=failed.reason)
                stream.abort()
                return
            finally:
                self._handshakes.discard(task)
        await self._run(self.session(stream))

    async def _run(self, session: AnySession) -> None:
        stream = session.stream
        self._log.event(
            "session_opened",
            session=session.id,
            client=stream.peer.ip,
            port=stream.peer.port or None,
            listener=stream.local,
            service=self.name,
            tls=stream.tls.version if stream.tls else None,
        )
        self._sessions.add(session)
        if self._is_stopping:
            session.stop()
        ended: str = "cut off"
        try:
            ended = await session.run()
        except asyncio.CancelledError:
            session.stream.abort()
            raise
        finally:
            self._sessions.discard(session)
            self.closed(session)
            self._log.event("session_closed", session=session.id, ended=ended, **session.counts())
        if ended is not Ended.LOST:
            await session.stream.close()
