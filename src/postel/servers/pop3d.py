"""The services pop3 and pop3s: accept connections, and see their sessions to the end.

Implements  RFC 1939 3 (the service), RFC 8314 3.3 (pop3s: TLS from the first octet).
Gives       Pop3Service.
Not here    What happens within a session: pop3d_session. Opening ports: the application.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from postel.net import ConnectionLost, Stream, TimedOut
from postel.observe import logger
from postel.proto import pop3
from postel.servers.drive import Ended
from postel.servers.pop3d_options import Pop3Parts, Pop3ServiceOptions
from postel.servers.pop3d_session import LoginDelays, Pop3Session
from postel.tls import HandshakeFailed, ServerTls, start_server

log = logger("pop3d")

# Whoever is turned away at the door gets one line, and no more of our time than this.
TURN_AWAY_S: Final = 5.0


class Pop3Service:
    """One service. `handle` is the handler of its listeners; several may share it.

    tls     the certificates; None: no STLS. A service with implicit TLS cannot be without.
    """

    def __init__(self, options: Pop3ServiceOptions, parts: Pop3Parts, tls: ServerTls | None = None) -> None:
        if options.is_tls_implicit and tls is None:
            raise ValueError("pop3s needs a certificate")
        self._delays = LoginDelays(parts.clock)
        self._sessions: set[Pop3Session] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self.reload(options, parts, tls)

    def reload(self, options: Pop3ServiceOptions, parts: Pop3Parts, tls: ServerTls | None) -> None:
        """Use these for sessions from now on; those under way keep what they began with."""
        self._options, self._parts, self._tls = options, parts, tls

    @property
    def sessions(self) -> int:
        """How many connections are being served, those in their TLS handshake among them."""
        return len(self._tasks)

    async def handle(self, stream: Stream) -> None:
        """Serve one connection to its end. Raises only CancelledError."""
        admission, peer = self._parts.admission, stream.peer
        refusal = pop3.SHUTTING_DOWN if self._is_stopping else None
        if refusal is None and admission.enter(peer) is not None:
            refusal = pop3.TOO_MANY_SESSIONS
        if refusal is not None:
            log.event("connection_refused", client=peer.ip, because=refusal.text.name.lower())
            await self._turn_away(stream, refusal)
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
        """Let every session finish its command; after `drain_s` cut off those left. Nothing is removed by it."""
        self._is_stopping = True
        for handshake in self._handshakes:
            handshake.cancel()  # nothing has begun that could be finished
        for session in self._sessions:
            session.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=drain_s)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _turn_away(self, stream: Stream, refusal: pop3.Refused) -> None:
        """Say why, unless the client waits for TLS: it would take the text for a broken handshake."""
        with self._parts.admission.parting() as has_room:
            if self._options.is_tls_implicit or not has_room:
                stream.abort()
                return
            talk = pop3.Pop3Server(pop3.Pop3Options(hostname=self._options.hostname.ascii))
            talk.next_event()
            talk.answer(refusal)
            with suppress(TimedOut, ConnectionLost):
                await stream.write(talk.data_to_send(), timeout_s=TURN_AWAY_S)
            await stream.close()

    async def _serve(self, stream: Stream, task: asyncio.Task[None]) -> None:
        options = self._options
        if options.is_tls_implicit and self._tls is not None:
            self._handshakes.add(task)
            try:
                stream = await start_server(stream, self._tls, timeout_s=options.handshake_s)
            except HandshakeFailed as failed:
                log.event("tls_failed", client=stream.peer.ip, because=failed.reason)
                stream.abort()
                return
            finally:
                self._handshakes.discard(task)
        await self._run(Pop3Session(stream, options, self._parts, self._tls, self._delays))

    async def _run(self, session: Pop3Session) -> None:
        stream = session.stream
        log.event(
            "session_opened",
            session=session.id,
            client=stream.peer.ip,
            port=stream.peer.port or None,
            listener=stream.local,
            service="pop3s" if self._options.is_tls_implicit else "pop3",
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
            log.event("session_closed", session=session.id, ended=ended, **session.counts())
        if ended is not Ended.LOST:
            await session.stream.close()
