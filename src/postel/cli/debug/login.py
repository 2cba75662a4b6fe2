"""A login in a guided session, or when the person asks for one.

Implements  RFC 4954 4 (AUTH).
Gives       Login, log_in.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from postel.cli.debug.talk import Talk
from postel.mail import BadSyntax, LocalFault, RemoteFault
from postel.proto import sasl
from postel.proto.smtp import Heard

_NONCE_OCTETS = 18


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in, and how.

    secret      the password; for OAUTHBEARER and XOAUTH2 the token.
    mechanism   None: the strongest that is offered and takes a password.
    """

    name: str
    secret: str = field(repr=False)
    mechanism: str | None = None


async def log_in(talk: Talk, login: Login) -> bool:
    """AUTH; whether the server is convinced, and, where the mechanism can tell, we of it."""
    mechanism = _mechanism(talk, login)
    if mechanism is None:
        return False
    talk.secrets.add(login.secret.encode())
    try:
        exchange = sasl.ClientExchange(mechanism, _credentials(talk, login, mechanism))
        answer = await _exchange(talk, exchange)
        if answer.code == 235:
            exchange.finish()
    except (BadSyntax, LocalFault, RemoteFault) as fault:
        talk.note(f"the login went wrong: {fault}")
        return False
    return answer.code == 235


def _credentials(talk: Talk, login: Login, mechanism: sasl.Mechanism) -> sasl.Credentials:
    is_token = mechanism.proof is sasl.Proof.TOKEN
    return sasl.Credentials(
        login.name,
        "" if is_token else login.secret,
        token=login.secret if is_token else "",
        nonce=secrets.token_urlsafe(_NONCE_OCTETS),
        host=talk.name or "localhost",
        port=talk.stream.peer.port,
    )


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
            response = _response(exchange, sasl.decode(answer.texts[0].encode()))
        except (BadSyntax, RemoteFault):
            await talk.ask(sasl.CANCEL.decode(), is_response=True)  # RFC 4954 4
            raise
        answer = await talk.ask(sasl.encode(response).decode(), is_response=True)
    return answer


def _response(exchange: sasl.ClientExchange, challenge: bytes) -> bytes:
    step = exchange.respond(challenge)
    while isinstance(step, sasl.SaltPassword):
        # Nobody else waits for this loop, so the work is done here.
        step = exchange.take_key(sasl.salted(step.hash_name, step.password, step.salt, step.iterations))
    return step
