"""From an address to a session that is ready for mail: connect, greeting, EHLO, TLS, login.

Implements  RFC 5321 3.1 and 3.2 as a client, RFC 3207 4 (STARTTLS), RFC 7435 (opportunistic security),
            RFC 8314 3.3 (TLS from the first octet), RFC 4954 4 (AUTH), RFC 8689 4.2.1 (REQUIRETLS).
Gives       Target, Opening, open_session.
Not here    Which target comes next when this one fails (delivery.walk).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from postel.delivery.login import LoginRefused, log_in
from postel.delivery.smtp_session import SmtpSession
from postel.delivery.token_file import BadTokenFile, read_token
from postel.delivery.trouble import (
    LOGIN_NEEDED,
    REQUIRETLS_NEEDED,
    TLS_NEEDED,
    HopTrouble,
    lost,
    refused,
    unreachable,
)
from postel.mail import IPAddress, LocalFault, Reply
from postel.net import DialFailed, Endpoint, Network, Stream, Workers
from postel.observe import logger
from postel.proto import sasl
from postel.proto.smtp import (
    ClientEvent,
    ClientOptions,
    Greeting,
    HelloDone,
    HelloRefused,
    LoginDone,
    SessionLost,
    TlsReady,
    TlsRefused,
)
from postel.routing import TlsDemand, TlsPolicy
from postel.tls import ClientTls, HandshakeFailed, PeerDemand, start_client

log = logger("delivery")
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Target:
    """One address of one host. `name` is what its certificate must be for, and what reports call it."""

    name: str
    endpoint: Endpoint

    @property
    def remote(self) -> str:
        """For reports and logs: the host's name, or its address in brackets."""
        return (
            f"[{self.name}]" if self.endpoint.host == self.name and not self.endpoint.is_unix else self.name
        )

    @property
    def server_name(self) -> str | None:
        """For TLS; a unix socket has none."""
        return None if self.endpoint.is_unix else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How sessions with a destination are opened.

    tls             what is demanded; `tls_any` and `tls_verified` do the handshakes.
    domain          the destination; its name may be what certificates are for.
    is_tls_implicit whether TLS comes before the greeting.
    requiretls      whether a host has to offer REQUIRETLS: only such mail comes.
    credentials     None: no login.
    mechanism       the only one for the login; "": the strongest.
    has_certificate whether `tls_any` and `tls_verified` show a certificate that logs us in.
    token_file      holds the token that the credentials lack, and is read for each login; None: they lack none.
    sources         our addresses to connect from; the first of the right family is taken.
    connect_s, handshake_s  how long each may take.
    workers         make the keys that logins need; None: they are made on the loop.
    """

    client: ClientOptions
    tls: TlsDemand
    tls_any: ClientTls
    tls_verified: ClientTls
    domain: str = ""
    is_tls_implicit: bool = False
    requiretls: bool = False
    credentials: sasl.Credentials | None = None
    mechanism: str = ""
    has_certificate: bool = False
    token_file: Path | None = None
    sources: tuple[IPAddress, ...] = ()
    connect_s: float = 30.0
    handshake_s: float = 60.0
    workers: Workers | None = None

    @property
    def context(self) -> ClientTls:
        """The side of TLS that fits the policy."""
        return self.tls_verified if self.tls.policy is TlsPolicy.VERIFIED else self.tls_any

    def peer(self, target: Target) -> PeerDemand:
        """What is demanded of one host."""
        return PeerDemand(self.tls.names_of(target.name, self.domain), self.tls.least)

    def source_for(self, endpoint: Endpoint) -> IPAddress | None:
        """Our address to connect from; None leaves it to the system."""
        ip = endpoint.ip
        return next((own for own in self.sources if ip is not None and own.version == ip.version), None)


class _TlsBroken(Exception):
    """Between STARTTLS and the EHLO that follows it, something went wrong."""


async def open_session(network: Network, target: Target, opening: Opening) -> SmtpSession:
    """A session ready for its first transaction. Raises HopTrouble.

    Where TLS is taken when offered and then does not come about, the same host is called again without: broken TLS is
    no reason to hold mail that would have gone in the clear had the host offered none (RFC 7435 3).
    """
    try:
        return await _open(network, target, opening, with_tls=opening.tls.policy is not TlsPolicy.NEVER)
    except _TlsBroken as broken:
        log.event("hop_tls_failed", remote=target.remote, address=target.endpoint, because=str(broken))
        if opening.tls.policy is TlsPolicy.WHEN_OFFERED and not opening.is_tls_implicit:
            return await _open(network, target, opening, with_tls=False)
        raise _tls_trouble(target, f"TLS could not be started: {broken}") from None


async def _open(network: Network, target: Target, opening: Opening, *, with_tls: bool) -> SmtpSession:
    session = SmtpSession(await _dial(network, target, opening), opening.client)
    try:
        await _prepare(session, target, opening, with_tls)
    except HopTrouble:
        await session.quit()  # RFC 5321 3.1: a client that is turned away still says QUIT
        raise
    except BaseException:
        session.abort()
        raise
    return session


async def _dial(network: Network, target: Target, opening: Opening) -> Stream:
    source = opening.source_for(target.endpoint)
    try:
        stream = await network.dial(target.endpoint, timeout_s=opening.connect_s, source=source)
    except DialFailed as failed:
        raise unreachable(target.remote, failed.reason) from None
    if not opening.is_tls_implicit:
        return stream
    try:
        return await start_client(
            stream,
            opening.context,
            server_name=target.server_name,
            timeout_s=opening.handshake_s,
            demand=opening.peer(target),
        )
    except BaseException as error:
        stream.abort()
        if isinstance(error, HandshakeFailed):
            raise _TlsBroken(error.reason) from None
        raise


async def _prepare(session: SmtpSession, target: Target, opening: Opening, with_tls: bool) -> None:
    _expect(target, Greeting, await session.greeting())
    _expect(target, HelloDone, await session.hello())
    if with_tls and session.stream.tls is None:
        await _start_tls(session, target, opening)
    if opening.tls.insists and session.stream.tls is None:
        raise _tls_trouble(target, "TLS is required, and the host does not do it")
    if opening.requiretls and "REQUIRETLS" not in session.offered:
        raise _requiretls_trouble(target)
    if opening.credentials is not None:
        await _log_in(session, target, opening, opening.credentials)


async def _start_tls(session: SmtpSession, target: Target, opening: Opening) -> None:
    if "STARTTLS" not in session.offered:
        return
    event = await session.start_tls()
    if isinstance(event, TlsReady):
        try:
            await session.secure(
                opening.context, target.server_name, opening.handshake_s, opening.peer(target)
            )
        except HandshakeFailed as failed:
            raise _TlsBroken(failed.reason) from None
        # RFC 3207 4.2: what it offers now counts. A server that did not like our side of a handshake of
        # TLS 1.3 says so only here.
        event = await session.hello()
    if isinstance(event, SessionLost):
        raise _TlsBroken(event.because)
    if not isinstance(event, TlsRefused):
        _expect(target, HelloDone, event)


async def _log_in(session: SmtpSession, target: Target, opening: Opening, login: sasl.Credentials) -> None:
    try:
        if opening.token_file is not None:
            login = replace(login, token=await read_token(opening.token_file, opening.workers))
        if opening.has_certificate and session.stream.tls is not None:
            login = replace(login, has_certificate=True)
        event = await log_in(session, target.name, login, opening.workers, only=opening.mechanism)
    except BadTokenFile as bad:
        log.trouble("login_refused", remote=target.remote, name=login.authcid, because=str(bad))
        raise _login_trouble(target, "there is no token to log in with") from None
    except LoginRefused as refused:
        if refused.reply is None:
            raise _login_trouble(
                target, "the host offers no login that may be used on this connection"
            ) from None
        log.trouble("login_refused", remote=target.remote, name=login.authcid, reply=refused.reply)
        raise _login_trouble(target, f"the login was refused: {refused.reply}") from None
    if event is not None:
        _expect(target, LoginDone, event)


def _expect(target: Target, wanted: type[E], event: ClientEvent) -> E:
    match event:
        case SessionLost(reply, because):
            raise lost(target.remote, because if reply is None else f"{because}: {reply}")
        case Greeting(reply) | HelloRefused(reply) if not reply.is_positive:
            raise refused(target.remote, reply)
        case wanted():
            return event
        case _:
            raise LocalFault(f"{event} where {wanted.__name__} belongs")


def _tls_trouble(target: Target, because: str) -> HopTrouble:
    return HopTrouble(target.remote, Reply(451, TLS_NEEDED, f"{target.remote}: {because}"), because)


def _requiretls_trouble(target: Target) -> HopTrouble:
    because = "REQUIRETLS is needed, and the host does not offer it"
    return HopTrouble(target.remote, Reply(550, REQUIRETLS_NEEDED, f"{target.remote}: {because}"), because)


def _login_trouble(target: Target, because: str) -> HopTrouble:
    return HopTrouble(target.remote, Reply(451, LOGIN_NEEDED, f"{target.remote}: {because}"), because)
