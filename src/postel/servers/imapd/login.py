"""Who is there: STARTTLS, LOGIN, AUTHENTICATE, UNAUTHENTICATE.

Implements  RFC 9051 6.2, RFC 4959 (initial response), RFC 5530 3 (why a login failed), RFC 8314 4.1,
            RFC 8437 (UNAUTHENTICATE).
Gives       Logins, HANDLERS.
Not here    The exchange itself: servers.login. Slowing down who guesses: directory.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Final

from postel.database import DatabaseTrouble
from postel.directory import Account, Throttled
from postel.observe import logger
from postel.proto.imap import (
    NO,
    OK,
    Authenticate,
    AuthResponse,
    Login,
    Result,
    StartTls,
    Unauthenticate,
    codes,
)
from postel.proto.sasl import Denial, Denied, find_mechanism
from postel.servers.login import LoginExchange, LoginFacts, LoginStep

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession

log = logger("imapd")

_WRONG: Final = NO.saying("Wrong name or password", codes.AUTHENTICATIONFAILED)
_LATER: Final = NO.saying("You cannot log in now; try again later", codes.UNAVAILABLE)
_DENIED: Final[Mapping[Denial, Result]] = {
    Denial.CREDENTIALS: _WRONG,
    Denial.MALFORMED: NO.saying("The response cannot be understood", codes.AUTHENTICATIONFAILED),
    Denial.LATER: _LATER,
}


class Logins:
    """The logins of one session."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session
        self._exchange: LoginExchange | None = None

    async def login(self, command: Login) -> None:
        """RFC 9051 6.2.3."""
        session = self._session
        directory, ip = session.parts.directory, session.stream.peer.ip
        try:
            found = await directory.verify(command.name, command.password, ip)
        except DatabaseTrouble as trouble:
            self._fail(command.name, "LOGIN", _LATER, str(trouble))
            return
        if isinstance(found, Account):
            await self._enter(found, "LOGIN")
        elif isinstance(found, Throttled):
            self._fail(command.name, "LOGIN", _LATER, found.because)
        else:
            self._fail(command.name, "LOGIN", _WRONG)

    async def authenticate(self, command: Authenticate) -> None:
        """RFC 9051 6.2.2. The machine has seen to it that the mechanism is offered."""
        session = self._session
        mechanism = find_mechanism(command.mechanism)
        assert mechanism is not None, "only known mechanisms are offered"
        offered, hostname = session.talk.options.mechanisms, session.options.hostname.ascii
        facts = LoginFacts.of("imap", hostname, session.stream, session.stream.peer.ip, offered)
        self._exchange = LoginExchange(mechanism, command.initial, session.parts.directory, facts)
        await self._go_on(self._exchange.begin())

    async def respond(self, event: AuthResponse) -> None:
        """The client's response to a challenge."""
        assert self._exchange is not None, "the machine takes responses to challenges only"
        await self._go_on(self._exchange.respond(event.data))

    def cancel(self) -> None:
        """The client does not go on."""
        self._exchange = None

    async def _go_on(self, step: Awaitable[LoginStep]) -> None:
        found = await step
        if isinstance(found, bytes):
            self._session.talk.challenge(found)
            return
        exchange, self._exchange = self._exchange, None
        assert exchange is not None
        if isinstance(found, Denied):
            self._fail(exchange.login, exchange.mechanism.name, _DENIED[found.kind], found.because)
        else:
            await self._enter(found, exchange.mechanism.name)

    async def _enter(self, account: Account, mechanism: str) -> None:
        session = self._session
        store = session.parts.store
        try:
            await session.parts.database.write(lambda tx: store.tree.make_defaults(tx, account.id))
        except DatabaseTrouble as trouble:
            self._fail(str(account.mailbox), mechanism, _LATER, str(trouble))
            return
        session.enter(account)
        tls = session.stream.tls
        log.event(
            "login_ok",
            session=session.id,
            account=str(account.mailbox),
            client=session.stream.peer.ip,
            mechanism=mechanism,
            tls=tls.version if tls else None,
        )
        session.talk.answer(OK.saying("Logged in"))

    def _fail(self, name: str, mechanism: str, result: Result, because: str = "") -> None:
        session = self._session
        code = result.code.name.decode() if result.code else None
        log.event(
            "login_failed",
            session=session.id,
            login=name,
            client=session.stream.peer.ip,
            mechanism=mechanism,
            because=because or result.text.lower(),
            code=code,
        )
        session.talk.answer(result)


async def _start_tls(session: ImapSession, command: StartTls) -> None:
    session.talk.answer(OK.saying("Begin TLS now"))
    await session.start_tls()


async def _login(session: ImapSession, command: Login) -> None:
    await session.logins.login(command)


async def _authenticate(session: ImapSession, command: Authenticate) -> None:
    await session.logins.authenticate(command)


async def _unauthenticate(session: ImapSession, command: Unauthenticate) -> None:
    """RFC 8437 3: the connection stays, and nothing of the account is left on it."""
    log.event("logged_out", session=session.id, account=str(session.account))
    session.leave()
    session.account = None
    session.talk.answer(OK)


HANDLERS: Final[Mapping[type, Handler]] = {
    StartTls: _start_tls,
    Login: _login,
    Authenticate: _authenticate,
    Unauthenticate: _unauthenticate,
}
