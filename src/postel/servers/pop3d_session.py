"""One POP3 session: act on what the machine sees, and answer it.

Implements  RFC 1939 4 to 6 (login and lock, retrieving, the UPDATE state), RFC 2595 4 (STLS), RFC 5034 4 (AUTH),
            RFC 2449 6.5 (LOGIN-DELAY), RFC 8314 4.1 (no password in plaintext).
Gives       Pop3Session.
Not here    The order and syntax of commands, limits of the protocol: proto.pop3. Accepting connections: pop3d.

However a session ends, its maildrop is free after it; messages are removed by QUIT and by nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, Final, TypeAlias

from postel.contents import ContentMissing
from postel.database import DatabaseTrouble
from postel.directory import Account, Throttled
from postel.net import Clock, ConnectionLost, Stream
from postel.observe import logger
from postel.proto import pop3
from postel.proto.sasl import Denial, Denied, find_mechanism
from postel.servers.admission import is_within
from postel.servers.drive import Drive, Ended
from postel.servers.login import LoginExchange, LoginFacts, LoginStep, offered_mechanisms
from postel.servers.pop3d_maildrop import InUse, OpenMaildrop, open_maildrop
from postel.servers.pop3d_options import Pop3Parts, Pop3ServiceOptions
from postel.store import LockLost, NoSuchMessage
from postel.tls import HandshakeFailed, ServerTls, start_server

log = logger("pop3d")

# What the machine has not got now: a disk, room on it, file handles, memory. It may have it later.
_TROUBLES: Final = (DatabaseTrouble, OSError, MemoryError)

# RFC 3206: what the client is told of each kind of no.
_DENIED: Final = {
    Denial.CREDENTIALS: pop3.LOGIN_FAILED,
    Denial.MALFORMED: pop3.Refused(pop3.Text.BAD_ARGUMENTS),
    Denial.LATER: pop3.TRY_LATER,
}


class LoginDelays:
    """When each account logged in last, as long as that matters (RFC 2449 6.5)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_at: dict[int, float] = {}

    def is_too_soon(self, account_id: int, delay_s: int) -> bool:
        """Whether the account must wait before this login."""
        last_at = self._last_at.get(account_id)
        return last_at is not None and self._clock.now() < last_at + delay_s

    def note(self, account_id: int, delay_s: int) -> None:
        """The account has logged in."""
        if delay_s <= 0:
            return
        now = self._clock.now()
        self._last_at.pop(account_id, None)
        self._last_at[account_id] = now
        # In order of time, so what no longer matters stands first.
        while self._last_at[first := next(iter(self._last_at))] + delay_s <= now:
            del self._last_at[first]


class Pop3Session:
    """Runs one session on one stream, TLS already on it where that comes first."""

    def __init__(
        self,
        stream: Stream,
        options: Pop3ServiceOptions,
        parts: Pop3Parts,
        tls: ServerTls | None,
        delays: LoginDelays,
    ) -> None:
        self.id = parts.new_session_id()
        self.stream = stream
        self._options = options
        self._parts = parts
        self._tls = tls
        self._delays = delays
        self._timestamp = (
            f"<{secrets.token_hex(12)}@{options.hostname.ascii}>" if options.offers_apop else None
        )
        self._talk = pop3.Pop3Server(self._machine_options())
        self._drive = Drive(self._talk, stream, options.session_s)
        self._login: LoginExchange | None = None
        self._drop: OpenMaildrop | None = None
        self._retrieved = 0

    async def run(self) -> Ended:
        """The session, to its end. Raises CancelledError; faults of our own are logged, and close it."""
        try:
            return await self._drive.run(self)
        except Exception as fault:
            log.fault("session_failed", fault, session=self.id, client=self.stream.peer.ip)
            return Ended.OVER
        finally:
            if self._drop is not None:
                await self._drop.close()

    def stop(self) -> None:
        """End at the next place between two commands."""
        self._drive.stop(self)

    def counts(self) -> dict[str, object]:
        """What the session came to, for the log."""
        drop = self._drop
        if drop is None:
            return {}
        because = self._talk.ended_because or None
        return {
            "account": drop.account,
            "retrieved": self._retrieved,
            "removed": drop.removed,
            "because": because,
        }

    # What the loop asks

    async def handle(self, event: Any) -> None:
        """Act on one event."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            await handler(self, event)

    @property
    def is_between_commands(self) -> bool:
        """Not within a login."""
        return self._login is None

    @property
    def patience_s(self) -> float:
        """Beside the machine's own timer, how long a stranger may stay."""
        return float("inf") if self._drop is not None else self._drive.left_s(self._options.login_s)

    def part(self, why: Ended) -> None:
        """RFC 1939 3: nothing is said to a client that has not asked."""
        if why is Ended.TIMED_OUT:
            self._talk.timed_out()
        else:
            self._talk.shut_down()

    # Before the login

    async def _connected(self, event: pop3.Connected) -> None:
        self._talk.answer(pop3.Ok())

    async def _start_tls(self, event: pop3.StartTls) -> None:
        if self._tls is None:
            self._talk.answer(pop3.BROKEN)
            return
        self._talk.answer(pop3.Ok())
        await self._drive.flush()
        try:
            self.stream = await start_server(self.stream, self._tls, timeout_s=self._options.handshake_s)
        except HandshakeFailed as failed:
            log.event("tls_failed", session=self.id, client=self.stream.peer.ip, because=failed.reason)
            raise ConnectionLost("no TLS handshake") from None
        self._drive.stream = self.stream
        self._talk.tls_started(self._machine_options())

    async def _user_and_pass(self, event: pop3.Login) -> None:
        check = self._parts.directory.verify(event.name, event.password, self.stream.peer.ip)
        await self._answer_login(event.name, "USER", check)

    async def _apop(self, event: pop3.Apop) -> None:
        timestamp = self._timestamp or ""

        def proves(secret: str) -> bool:
            # RFC 1939 7: MD5 of timestamp and secret, in lower-case hex. Its weakness is why APOP is off.
            wanted = hashlib.md5((timestamp + secret).encode(), usedforsecurity=False).hexdigest()
            return hmac.compare_digest(wanted.encode(), event.digest.encode())

        check = self._parts.directory.verify_secret(event.name, proves, self.stream.peer.ip)
        await self._answer_login(event.name, "APOP", check)

    async def _auth(self, event: pop3.Auth) -> None:
        mechanism = find_mechanism(event.mechanism)
        if mechanism is None:
            self._talk.answer(pop3.Refused(pop3.Text.NO_SUCH_MECHANISM))
            return
        hostname, offered = self._options.hostname.ascii, self._machine_options().mechanisms
        facts = LoginFacts.of("pop", hostname, self.stream, self.stream.peer.ip, offered)
        self._login = LoginExchange(mechanism, event.initial, self._parts.directory, facts)
        await self._go_on_with_login(self._login.begin())

    async def _auth_response(self, event: pop3.AuthResponse) -> None:
        if self._login is not None:
            await self._go_on_with_login(self._login.respond(event.data))

    async def _auth_cancelled(self, event: pop3.AuthCancelled) -> None:
        self._login = None

    async def _go_on_with_login(self, step: Awaitable[LoginStep]) -> None:
        found = await step
        if isinstance(found, bytes):
            self._talk.answer(pop3.Challenge(found))
            return
        exchange, self._login = self._login, None
        assert exchange is not None
        if isinstance(found, Denied):
            self._fail(exchange.login, exchange.mechanism.name, _DENIED[found.kind], found.because)
        else:
            await self._enter(found, exchange.mechanism.name)

    async def _answer_login(
        self, name: str, mechanism: str, check: Awaitable[Account | Throttled | None]
    ) -> None:
        try:
            found = await check
        except _TROUBLES as trouble:
            self._fail(name, mechanism, pop3.TRY_LATER, str(trouble))
            return
        if isinstance(found, Account):
            await self._enter(found, mechanism)
        elif found is None:
            self._fail(name, mechanism, pop3.LOGIN_FAILED)
        else:
            self._fail(name, mechanism, pop3.TRY_LATER, found.because)

    async def _enter(self, account: Account, mechanism: str) -> None:
        """Lock and open the maildrop of an account that has proven itself."""
        name, delay_s = str(account.mailbox), self._options.login_delay_s
        if self._delays.is_too_soon(account.id, delay_s):
            self._fail(name, mechanism, pop3.LOGIN_TOO_SOON)
            return
        try:
            self._drop = await open_maildrop(self._parts, account, self._options.lock_wait_s)
        except InUse:
            self._fail(name, mechanism, pop3.MAILDROP_IN_USE)
            return
        except _TROUBLES as trouble:
            self._fail(name, mechanism, pop3.TRY_LATER, str(trouble))
            return
        self._delays.note(account.id, delay_s)
        client, tls = self.stream.peer.ip, self.stream.tls
        log.event(
            "login_ok",
            session=self.id,
            account=name,
            client=client,
            mechanism=mechanism,
            tls=tls.version if tls else None,
        )
        self._talk.answer(pop3.LoggedIn(self._drop.listing()))

    def _fail(self, name: str, mechanism: str, refusal: pop3.Refused, because: str = "") -> None:
        log.event(
            "login_failed",
            session=self.id,
            login=name,
            client=self.stream.peer.ip,
            mechanism=mechanism,
            because=because or refusal.text.name.lower(),
            code=refusal.code,
        )
        self._talk.answer(refusal)

    # After the login

    async def _retrieve(self, event: pop3.Retrieve) -> None:
        assert self._drop is not None
        async with aclosing(self._drop.read(event.number)) as chunks:
            try:
                first = await anext(chunks, b"")
            except NoSuchMessage:
                self._talk.answer(pop3.Refused(pop3.Text.NO_SUCH_MESSAGE))
                return
            except (ContentMissing, *_TROUBLES) as trouble:
                self._unreadable(event, trouble)
                is_lost = isinstance(trouble, ContentMissing)
                self._talk.answer(pop3.BROKEN if is_lost else pop3.TRY_LATER)
                return
            self._talk.answer(pop3.Ok())
            self._talk.content(first)
            try:
                await self._pass_on(chunks)
            except (ContentMissing, *_TROUBLES) as trouble:
                self._unreadable(event, trouble)
                self._talk.abandon()
                return
        self._talk.end_content()
        self._retrieved += event.lines is None

    async def _pass_on(self, chunks: Any) -> None:
        """Chunk by chunk, none read before the peer has made room for the one before."""
        while self._talk.wants_content:
            if self._talk.is_full:
                await self._drive.flush()
            chunk = await anext(chunks, b"")
            if not chunk:
                return
            self._talk.content(chunk)

    def _unreadable(self, event: pop3.Retrieve, trouble: Exception) -> None:
        log.trouble(
            "message_unreadable",
            session=self.id,
            number=event.number,
            because=str(trouble) or type(trouble).__name__,
        )

    async def _update(self, event: pop3.Update) -> None:
        assert self._drop is not None
        try:
            await self._drop.update(event.numbers)
        except (*_TROUBLES, LockLost) as trouble:
            log.trouble(
                "maildrop_not_updated", session=self.id, because=str(trouble) or type(trouble).__name__
            )
            self._talk.answer(pop3.NOT_REMOVED if event.numbers else pop3.Ok())
        else:
            self._talk.answer(pop3.Ok())

    async def _flush(self, event: pop3.Flush) -> None:
        await self._drive.flush()

    async def _misbehaved(self, event: pop3.Misbehaved) -> None:
        log.detail("client_misbehaved", session=self.id, client=self.stream.peer.ip, breach=str(event.fault))

    def _machine_options(self) -> pop3.Pop3Options:
        options, stream = self._options, self.stream
        # RFC 8314 4.1: a password in plaintext only where the configuration trusts the network.
        is_private = stream.tls is not None or is_within(stream.peer.ip, options.plaintext_login)
        return pop3.Pop3Options(
            hostname=options.hostname.ascii,
            timestamp=self._timestamp,
            offers_stls=self._tls is not None and stream.tls is None,
            offers_plaintext=is_private,
            mechanisms=offered_mechanisms(
                options.mechanisms, is_private=is_private, is_tls=stream.tls is not None
            ),
            login_delay_s=options.login_delay_s,
            limits=options.limits,
        )


_Handle: TypeAlias = Callable[[Pop3Session, Any], Awaitable[None]]

_HANDLERS: Final[Mapping[type, _Handle]] = {
    pop3.Connected: Pop3Session._connected,
    pop3.StartTls: Pop3Session._start_tls,
    pop3.Login: Pop3Session._user_and_pass,
    pop3.Apop: Pop3Session._apop,
    pop3.Auth: Pop3Session._auth,
    pop3.AuthResponse: Pop3Session._auth_response,
    pop3.AuthCancelled: Pop3Session._auth_cancelled,
    pop3.Retrieve: Pop3Session._retrieve,
    pop3.Update: Pop3Session._update,
    pop3.Flush: Pop3Session._flush,
    pop3.Misbehaved: Pop3Session._misbehaved,
}
