"""A login in a guided session, or when the person asks for one.

Implements  RFC 4954 4 (AUTH).
Gives       Login, log_in.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.cli.debug.talk import Talk
from postel.mail import BadSyntax, LocalFault, RemoteFault
from postel.proto import sasl
from postel.proto.smtp import Heard


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in, and how; None: by the strongest mechanism offered."""

    credentials: sasl.Credentials
    mechanism: str | None


async def log_in(talk: Talk, login: Login) -> bool:
    """AUTH; whether the server is convinced, and, where the mechanism can tell, we of it."""
    mechanism = _mechanism(talk, login)
    if mechanism is None:
        return False
    talk.secrets.add(login.credentials.password.encode())
    try:
        exchange = sasl.ClientExchange(mechanism, login.credentials)
        answer = await _exchange(talk, exchange)
        if answer.code == 235:
            exchange.finish()
    except (BadSyntax, LocalFault, RemoteFault) as fault:
        talk.note(f"the login went wrong: {fault}")
        return False
    return answer.code == 235


def _mechanism(talk: Talk, login: Login) -> sasl.Mechanism | None:
    offered = [name.upper() for name in talk.parameters.get("AUTH", [])]
    is_private = talk.scene.is_tls or talk.scene.is_local
    if login.mechanism is None:
        found = sasl.choose_mechanism(offered, is_private=is_private)
    else:
        found = sasl.find_mechanism(login.mechanism)
    if found is None:
        talk.note(f"no login: of {' '.join(offered) or 'no mechanism at all'} none can be used here")
    elif found.needs_tls and not is_private:
        talk.note(f"no login: {found.name} would show the password to whoever listens")
        return None
    return found


async def _exchange(talk: Talk, exchange: sasl.ClientExchange) -> Heard:
    initial = exchange.start()
    line = f"AUTH {exchange.mechanism.name}"
    answer = await talk.ask(line if initial is None else f"{line} {sasl.encode_initial(initial).decode()}")
    while answer.code == 334:
        try:
            challenge = sasl.decode(answer.texts[0].encode())
            response = sasl.encode(exchange.respond(challenge)).decode()
        except (BadSyntax, RemoteFault):
            await talk.ask(sasl.CANCEL.decode(), is_response=True)  # RFC 4954 4
            raise
        answer = await talk.ask(response, is_response=True)
    return answer
