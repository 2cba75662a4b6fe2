"""The services smtp, submission and submissions: accept connections, and see their sessions to the end.

Implements  RFC 5321 3.8 (a server that stops says 421), RFC 8314 3.3 (implicit TLS).
Gives       SmtpService.
Not here    What happens within a session: smtpd_session. Opening ports: the application.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from postel.hooks import Hooks
from postel.mail import Reply
from postel.net import ConnectionLost, Stream, TimedOut
from postel.observe import logger
from postel.proto.smtp import replies
from postel.servers.drive import Ended
from postel.servers.smtpd_handlers import HANDLERS
from postel.servers.smtpd_options import ServiceOptions, SmtpParts
from postel.servers.smtpd_policy import own_policy
from postel.servers.smtpd_session import SmtpSession
from postel.servers.smtpd_standing import Counter
from postel.tls import HandshakeFailed, ServerTls, start_server

log = logger("smtpd")

# Whoever is turned away at the door gets one line, and no more of our time than this.
TURN_AWAY_S: Final = 5.0


class SmtpService:
    """One service. `handle` is the handler of its listeners; several may share it.

    accepted    how many messages got their 250, in sessions that have ended.
    tls     the certificates; None: no STARTTLS. A service with implicit TLS cannot be without.
    """

    def __init__(self, options: ServiceOptions, parts: SmtpParts, tls: ServerTls | None = None) -> None:
        if options.service.is_tls_implicit and tls is None:
            raise ValueError(f"{options.service} needs a certificate")
        self._parts = parts
        self._tls = tls
        self._sessions: set[SmtpSession] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self.accepted = 0
        self.reload(options, parts, tls)

    def reload(self, options: ServiceOptions, parts: SmtpParts, tls: ServerTls | None) -> None:
        """Use these for sessions from now on; those under way keep what they began with."""
        self._options, self._parts, self._tls = options, parts, tls
        self._counter = Counter(options, parts, tls)
        self._hooks = Hooks(parts.hooks, own_policy(options, parts), parts.hook_options, parts.hook_runner)

    @property
    def sessions(self) -> int:
        """How many connections are being served, those in their TLS handshake among them."""
        return len(self._tasks)

    async def handle(self, stream: Stream) -> None:
        """Serve one connection to its end. Raises only CancelledError."""
        admission, peer = self._parts.admission, stream.peer
        turned_away = replies.SHUTTING_DOWN if self._is_stopping else admission.enter(peer)
        if turned_away is not None:
            log.event("connection_refused", client=peer.ip, service=self._options.service, reply=turned_away)
            await self._turn_away(stream, turned_away)
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
        """Let every session finish its command and say 421; after `drain_s` cut off those left."""
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
        await self._hooks.close()

    async def _turn_away(self, stream: Stream, reply: Reply) -> None:
        """Say why, unless the client waits for TLS: it would take the text for a broken handshake."""
        with self._parts.admission.parting() as has_room:
            if self._options.service.is_tls_implicit or not has_room:
                stream.abort()
                return
            line = f"{self._options.hostname.ascii} {reply.text}"
            with suppress(TimedOut, ConnectionLost):
                await stream.write(Reply(reply.code, reply.status, line).format(), timeout_s=TURN_AWAY_S)
            await stream.close()

    async def _serve(self, stream: Stream, task: asyncio.Task[None]) -> None:
        options = self._options
        if options.service.is_tls_implicit and self._tls is not None:
            self._handshakes.add(task)
            try:
                stream = await start_server(stream, self._tls, timeout_s=options.handshake_s)
            except HandshakeFailed as failed:
                log.event("tls_failed", client=stream.peer.ip, because=failed.reason)
                stream.abort()
                return
            finally:
                self._handshakes.discard(task)
        session = SmtpSession(stream, self._counter, self._hooks, HANDLERS)
        await self._run(session, stream)

    async def _run(self, session: SmtpSession, stream: Stream) -> None:
        client = session.client
        log.event(
            "session_opened",
            session=session.id,
            client=client.ip,
            port=client.port or None,
            listener=stream.local,
            service=client.service,
            tls=client.tls,
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
            self.accepted += session.accepted
            log.event(
                "session_closed",
                session=session.id,
                ended=ended,
                accepted=session.accepted,
                unlogged=session.unlogged or None,
            )
        if ended is not Ended.LOST:
            await session.stream.close()
