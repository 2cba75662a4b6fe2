"""Log a client in: join a SASL exchange and the directory, the same way for every protocol.

Implements  RFC 4422 3 (the exchange), RFC 4616 2 (authorization identities).
Gives       LoginExchange, LoginStep.
Not here    The mechanisms: proto.sasl. Passwords, and slowing down who guesses them: directory. What a protocol
            says to each kind of Denial: its session.

An account that does not exist, a wrong password and a right one without permission are denied alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from postel.database import DatabaseTrouble
from postel.directory import Account, Directory, Throttled
from postel.mail import IPAddress, LocalFault
from postel.proto.sasl import Challenge, CheckPassword, Denial, Denied, Mechanism, ServerExchange

LoginStep: TypeAlias = bytes | Account | Denied
"""A challenge for the client, the account that it has proven to be, or why it is not logged in."""


class LoginExchange:
    """One AUTH command, from its initial response to its verdict.

    mechanism   the row of the table of mechanisms.
    login       the authentication identity that the client has named, for the log; empty until then.
    """

    def __init__(
        self, mechanism: Mechanism, initial: bytes | None, directory: Directory, ip: IPAddress | None
    ) -> None:
        self.mechanism = mechanism
        self.login = ""
        self._exchange = ServerExchange(mechanism, initial)
        self._directory = directory
        self._ip = ip
        self._account: Account | None = None

    async def begin(self) -> LoginStep:
        """The first challenge, or how it ended at once."""
        return await self._go_on(self._exchange.start)

    async def respond(self, response: bytes) -> LoginStep:
        """The next challenge after the client's response, or how it ended."""
        return await self._go_on(lambda: self._exchange.answer(response))

    async def _go_on(self, step: Callable[[], Any]) -> LoginStep:
        question = step()
        while isinstance(question, CheckPassword):
            question = self._exchange.answer(await self._check(question))
        match question:
            case Challenge(data):
                return data
            case Denied():
                return question
        if self._account is None:
            raise LocalFault(f"{self.mechanism.name} let in who was not checked")
        return self._account

    async def _check(self, question: CheckPassword) -> bool | Denied:
        self.login = question.authcid
        try:
            found = await self._directory.verify(question.authcid, question.password, self._ip)
        except DatabaseTrouble as trouble:
            return Denied(str(trouble), Denial.LATER)
        if isinstance(found, Throttled):
            return Denied(found.because, Denial.LATER)
        if found is None:
            return False
        # RFC 4616 2: who may act as whom is ours to say; an account acts as itself.
        if question.authzid and question.authzid.casefold() not in (
            question.authcid.casefold(),
            found.mailbox.folded,
        ):
            return Denied(f"{found.mailbox} asked to act as somebody else")
        self._account = found
        return True
