"""Log a client in: join a SASL exchange and the directory, the same way for every protocol.

Implements  RFC 4422 3 (the exchange) and appendix A (whose certificate it is), RFC 4616 2 (authorization identities).
Gives       LoginExchange, LoginFacts, LoginStep, offered_mechanisms, OFFERED_MECHANISMS, TOKEN_MECHANISMS.
Not here    The mechanisms: proto.sasl. Passwords, and slowing down who guesses them: directory. What a protocol
            says to each kind of Denial: its session.

An account that does not exist, a wrong password and a right one without permission are denied alike.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from postel.database import DatabaseTrouble
from postel.directory import Account, BadToken, Directory, Throttled, TokenTrouble
from postel.mail import IPAddress, LocalFault
from postel.net import Stream
from postel.proto.sasl import (
    DEFAULT_MECHANISMS,
    MECHANISMS,
    Challenge,
    CheckCertificate,
    CheckPassword,
    CheckProof,
    CheckSecret,
    CheckToken,
    Denial,
    Denied,
    FindBinding,
    FindVerifier,
    FreshNonce,
    Mechanism,
    Proof,
    ServerExchange,
    ServerIs,
    Verifier,
    WhoIsServer,
    find_mechanism,
)
from postel.tls import mail_addresses, server_end_point

LoginStep: TypeAlias = bytes | Account | Denied
"""A challenge for the client, the account that it has proven to be, or why it is not logged in."""


NONCE_OCTETS: Final = 18
_JUDGED: Final = frozenset({Proof.PASSWORD, Proof.TOKEN, Proof.CERTIFICATE})
_PROOFS: Final = frozenset({Proof.PASSWORD, Proof.CERTIFICATE})
TOKEN_MECHANISMS: Final = tuple(row.name for row in MECHANISMS if row.proof is Proof.TOKEN)
"""What is offered besides where tokens are believed."""

OFFERED_MECHANISMS: Final = tuple(
    row.name for row in MECHANISMS if row.name in DEFAULT_MECHANISMS and row.proof in _PROOFS
)
"""What services offer unless told otherwise."""


@dataclass(frozen=True, slots=True)
class LoginFacts:
    """Where a login takes place.

    server      who we are: service and host name.
    ip          of the peer; None for a unix socket.
    binding     tls-server-end-point, where a -PLUS mechanism is offered; else None.
    certificate of the client, verified, in DER; None where EXTERNAL is not offered.
    """

    server: ServerIs
    ip: IPAddress | None
    binding: bytes | None = None
    certificate: bytes | None = None

    @classmethod
    def of(
        cls, service: str, hostname: str, stream: Stream, ip: IPAddress | None, offered: tuple[str, ...]
    ) -> LoginFacts:
        """The facts of a session as it stands."""
        binds = any(row is not None and row.binds for row in map(find_mechanism, offered))
        own = stream.tls.own_certificate if stream.tls is not None and binds else None
        shown = verified_certificate(stream) if "EXTERNAL" in offered else None
        return cls(ServerIs(service, hostname), ip, None if own is None else server_end_point(own), shown)


def verified_certificate(stream: Stream) -> bytes | None:
    """The certificate that the client has shown and that was found valid, in DER."""
    return stream.tls.peer_certificate if stream.tls is not None and stream.tls.is_verified else None


def offered_mechanisms(
    wanted: tuple[str, ...], *, is_private: bool, is_tls: bool, has_certificate: bool = False
) -> tuple[str, ...]:
    """Which of the configured mechanisms are offered on a connection as it is, strongest first.

    has_certificate     whether the client has shown a valid one, which EXTERNAL goes by.

    RFC 8314 3.2: nobody logs in where others listen, by whatever mechanism: it would be the session that is stolen.
    """
    proofs = _JUDGED if has_certificate else _JUDGED - {Proof.CERTIFICATE}
    rows = (row for row in MECHANISMS if is_private and row.name in wanted and row.proof in proofs)
    return tuple(row.name for row in rows if is_tls or not row.binds)


class LoginExchange:
    """One AUTH command, from its initial response to its verdict.

    mechanism   the row of the table of mechanisms.
    login       the authentication identity that the client has named, for the log; empty until then.
    """

    def __init__(
        self, mechanism: Mechanism, initial: bytes | None, directory: Directory, facts: LoginFacts
    ) -> None:
        self.mechanism = mechanism
        self.login = ""
        self._exchange = ServerExchange(mechanism, initial)
        self._directory = directory
        self._facts = facts
        self._account: Account | None = None

    async def begin(self) -> LoginStep:
        """The first challenge, or how it ended at once."""
        return await self._go_on(self._exchange.start)

    async def respond(self, response: bytes) -> LoginStep:
        """The next challenge after the client's response, or how it ended."""
        return await self._go_on(lambda: self._exchange.answer(response))

    async def _go_on(self, step: Callable[[], Any]) -> LoginStep:
        question = step()
        while (answer := _ANSWERS.get(type(question))) is not None:
            try:
                found = await answer(self, question)
            except (DatabaseTrouble, TokenTrouble) as trouble:
                found = Denied(str(trouble), Denial.LATER)
            question = self._exchange.answer(found)
        match question:
            case Challenge(data):
                return data
            case Denied():
                return question
        if self._account is None:
            raise LocalFault(f"{self.mechanism.name} let in who was not checked")
        return self._account

    # The answers

    async def _check_password(self, question: CheckPassword) -> bool | Denied:
        self.login = question.authcid
        found = await self._directory.verify(question.authcid, question.password, self._facts.ip)
        return self._judge(found, question.authcid, question.authzid)

    async def _check_secret(self, question: CheckSecret) -> bool | Denied:
        self.login = question.authcid
        found = await self._directory.verify_secret(question.authcid, question.proves, self._facts.ip)
        return self._judge(found, question.authcid, question.authzid)

    async def _find_verifier(self, question: FindVerifier) -> Verifier | Denied:
        self.login = question.authcid
        found = await self._directory.find_verifier(question.authcid, question.hash_name, self._facts.ip)
        return Denied(found.because, Denial.LATER) if isinstance(found, Throttled) else found

    async def _check_proof(self, question: CheckProof) -> bool | Denied:
        found = await self._directory.settle(question.authcid, question.is_right, self._facts.ip)
        return self._judge(found, question.authcid, question.authzid)

    async def _check_certificate(self, question: CheckCertificate) -> str | Denied:
        """Who has several addresses says which; who does not is the first of them."""
        named = mail_addresses(self._facts.certificate) if self._facts.certificate else ()
        if not named:
            return Denied("the certificate names no mail address")
        wanted = question.authzid.casefold()
        self.login = next((name for name in named if name.casefold() == wanted), named[0])
        found = await self._directory.settle(self.login, True, self._facts.ip)
        verdict = self._judge(found, self.login, question.authzid)
        if isinstance(verdict, Denied):
            return verdict
        return self.login if verdict else Denied(f"a certificate for {self.login}, who has no account")

    async def _check_token(self, question: CheckToken) -> str | Denied:
        try:
            self.login, found = await self._directory.verify_token(question.token, self._facts.ip)
        except BadToken as bad:
            return Denied(str(bad))
        verdict = self._judge(found, self.login, question.authzid)
        return (
            self.login if verdict is True else verdict or Denied("the token is for nobody who has an account")
        )

    async def _fresh_nonce(self, question: FreshNonce) -> str:
        return secrets.token_urlsafe(NONCE_OCTETS)

    async def _who_is_server(self, question: WhoIsServer) -> ServerIs:
        return self._facts.server

    async def _find_binding(self, question: FindBinding) -> bytes | None:
        return self._facts.binding

    def _judge(self, found: Account | Throttled | None, authcid: str, authzid: str) -> bool | Denied:
        if isinstance(found, Throttled):
            return Denied(found.because, Denial.LATER)
        if found is None:
            return False
        # RFC 4616 2: who may act as whom is ours to say; an account acts as itself.
        if authzid and authzid.casefold() not in (authcid.casefold(), found.mailbox.folded):
            return Denied(f"{found.mailbox} asked to act as somebody else")
        self._account = found
        return True


_ANSWERS: Final[Mapping[type, Callable[[LoginExchange, Any], Awaitable[Any]]]] = {
    CheckPassword: LoginExchange._check_password,
    CheckSecret: LoginExchange._check_secret,
    FindVerifier: LoginExchange._find_verifier,
    CheckProof: LoginExchange._check_proof,
    CheckCertificate: LoginExchange._check_certificate,
    CheckToken: LoginExchange._check_token,
    FreshNonce: LoginExchange._fresh_nonce,
    WhoIsServer: LoginExchange._who_is_server,
    FindBinding: LoginExchange._find_binding,
}
