"""A server's shell made of facts, and a client played against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from postel.proto.sasl import (
    Anonymous,
    Authenticated,
    Challenge,
    CheckCertificate,
    CheckPassword,
    CheckProof,
    CheckSecret,
    CheckToken,
    ClientExchange,
    Credentials,
    Denied,
    FindBinding,
    FindVerifier,
    FreshNonce,
    Mechanism,
    SaltPassword,
    ServerExchange,
    ServerIs,
    Verdict,
    Verifier,
    WhoIsServer,
    find_mechanism,
    make_verifier,
    prepare,
    salted,
)

FRITO = "frito@drag.net"
BINDING = b"\x5a" * 32
ITERATIONS = 4096


def named(name: str) -> Mechanism:
    mechanism = find_mechanism(name)
    assert mechanism is not None
    return mechanism


@lru_cache(maxsize=64)
def verifier(hash_name: str, password: str) -> Verifier:
    return make_verifier(hash_name, password, b"salt of the earth", ITERATIONS)


@dataclass
class Shell:
    """Answers a server's questions; `asked` keeps them."""

    passwords: Mapping[str, str] = field(default_factory=lambda: {FRITO: "sauron"})
    tokens: Mapping[str, str] = field(default_factory=lambda: {"good.token": FRITO})
    certificate: str | None = None
    binding: bytes | None = None
    nonce: str = "server+nonce/0"
    server: ServerIs = field(default_factory=lambda: ServerIs("smtp", "mx.drag.net"))
    asked: list[Any] = field(default_factory=list)

    def answer(self, question: Any) -> Any:
        self.asked.append(question)
        match question:
            case CheckPassword(authcid, password, authzid):
                return self.passwords.get(authcid) == password and authzid in ("", authcid)
            case CheckSecret(authcid, proves, authzid):
                return proves(self.passwords.get(authcid, "?")) and authzid in ("", authcid)
            case FindVerifier(authcid, hash_name):
                return verifier(hash_name, self.passwords.get(authcid, "?"))
            case CheckProof(authcid, is_right, authzid):
                return is_right and authcid in self.passwords and authzid in ("", authcid)
            case CheckToken(token, authzid):
                name = self.tokens.get(token)
                return name if name and authzid in ("", name) else Denied("no such token")
            case CheckCertificate(authzid):
                name = self.certificate
                return name if name and authzid in ("", name) else Denied("no certificate")
            case FreshNonce():
                return self.nonce
            case WhoIsServer():
                return self.server
            case FindBinding():
                return self.binding
        raise AssertionError(question)


def next_step(exchange: ServerExchange, shell: Shell, step: Any) -> Challenge | Verdict:
    """On to what concerns the client."""
    while not isinstance(step, Challenge | Authenticated | Anonymous | Denied):
        step = exchange.answer(shell.answer(step))
    return step


def play(name: str, shell: Shell, *responses: bytes | None) -> tuple[Verdict, list[bytes]]:
    """A script of responses, the first one initial. Gives the verdict and the challenges."""
    exchange = ServerExchange(named(name), responses[0])
    rest, challenges = list(responses[1:]), []
    step = next_step(exchange, shell, exchange.start())
    while isinstance(step, Challenge):
        challenges.append(step.data)
        step = next_step(exchange, shell, exchange.answer(rest.pop(0)))
    return step, challenges


def meet(name: str, credentials: Credentials, shell: Shell) -> Verdict:
    """Our client against our server. A yes is believed by the client."""
    client = ClientExchange(named(name), credentials)
    server = ServerExchange(client.mechanism, client.start())
    step = next_step(server, shell, server.start())
    while isinstance(step, Challenge):
        said = client.respond(step.data)
        if isinstance(said, SaltPassword):
            said = client.take_key(salted(said.hash_name, said.password, said.salt, said.iterations))
        assert isinstance(said, bytes)
        step = next_step(server, shell, server.answer(said))
    if not isinstance(step, Denied):
        client.finish()
    return step


def as_prepared(name: str) -> Authenticated:
    return Authenticated(prepare(name), prepare(name))
