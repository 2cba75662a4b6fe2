"""Log a client in: join a SASL exchange, the directory and the machine.

Implements  RFC 4954 4 and 6 (AUTH and its replies), RFC 4616 2 (authorization identities), RFC 3463 3.8.
Gives       LoginExchange, LoginOver.
Not here    The mechanisms: proto.sasl. Passwords, and slowing down who guesses them: directory.

An account that does not exist, a wrong password and a right one without permission all get the same reply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from postel.directory import Account, Directory, Throttled
from postel.mail import IPAddress, Reply, Status
from postel.mail.replies import SYSTEM_TROUBLE
from postel.proto.sasl import (
    Challenge,
    CheckPassword,
    Denial,
    Denied,
    Mechanism,
    ServerExchange,
)

LOGIN_FAILED: Final = Reply(535, Status(5, 7, 8), "Authentication credentials invalid")
LOGIN_MALFORMED: Final = Reply(501, Status(5, 5, 2), "The authentication response cannot be read")
LOGIN_LATER: Final = Reply(454, Status(4, 7, 0), "Temporary authentication failure; try again later")

_REPLIES: Final = {
    Denial.CREDENTIALS: LOGIN_FAILED,
    Denial.MALFORMED: LOGIN_MALFORMED,
    Denial.LATER: LOGIN_LATER,
}


@dataclass(frozen=True, slots=True)
class LoginOver:
    """How an exchange ended. Without an account, `reply` says so to the client and `because` to the log."""

    account: Account | None
    reply: Reply = SYSTEM_TROUBLE
    because: str = ""


class LoginExchange:
    """One AUTH command, from its initial response to its verdict."""

    def __init__(
        self, mechanism: Mechanism, initial: bytes | None, directory: Directory, ip: IPAddress | None
    ) -> None:
        self.mechanism = mechanism
        self.login = ""
        self._exchange = ServerExchange(mechanism, initial)
        self._directory = directory
        self._ip = ip
        self._account: Account | None = None

    async def begin(self) -> bytes | LoginOver:
        """The first challenge, or how it ended at once."""
        return await self._go_on(self._exchange.start)

    async def respond(self, response: bytes) -> bytes | LoginOver:
        """The next challenge after the client's response, or how it ended."""
        return await self._go_on(lambda: self._exchange.answer(response))

    async def _go_on(self, step: Callable[[], Any]) -> bytes | LoginOver:
        question = step()
        while True:
            match question:
                case Challenge(data):
                    return data
                case CheckPassword():
                    question = self._exchange.answer(await self._check(question))
                case Denied(because, kind):
                    return LoginOver(None, _REPLIES[kind], because)
                case _:
                    return LoginOver(self._account)

    async def _check(self, question: CheckPassword) -> bool | Denied:
        self.login = question.authcid
        found = await self._directory.verify(question.authcid, question.password, self._ip)
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
