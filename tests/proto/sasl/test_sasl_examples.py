"""The examples of the RFCs, octet for octet, and scramp as a second opinion."""

from __future__ import annotations

import pytest
from sasl_kit import FRITO, Shell, named, play, verifier
from scramp import ScramClient, ScramMechanism  # type: ignore[import-untyped]
from scramp.core import ScramException  # type: ignore[import-untyped]

from postel.proto.sasl import (
    Authenticated,
    ClientExchange,
    Credentials,
    Denied,
    FindVerifier,
    SaltPassword,
    ServerExchange,
    ServerIs,
    make_verifier,
    salted,
)


def respond(exchange: ClientExchange, challenge: bytes) -> bytes:
    said = exchange.respond(challenge)
    if isinstance(said, SaltPassword):
        said = exchange.take_key(salted(said.hash_name, said.password, said.salt, said.iterations))
    assert isinstance(said, bytes)
    return said


# RFC 5802 5 and RFC 7677 3
SCRAM_SHA_1 = (
    b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
)
SCRAM_SHA_256 = (
    b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
)
EXAMPLES = [("SCRAM-SHA-1", SCRAM_SHA_1), ("SCRAM-SHA-256", SCRAM_SHA_256)]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_our_client_says_what_the_scram_example_says(name: str, example: tuple[bytes, ...]) -> None:
    nonce = example[0].rpartition(b"r=")[2].decode()
    client = ClientExchange(named(name), Credentials("user", "pencil", nonce=nonce))
    assert client.start() == example[0]
    assert respond(client, example[1]) == example[2]
    assert respond(client, example[3]) == b""
    client.finish()


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_our_server_says_what_the_scram_example_says(name: str, example: tuple[bytes, ...]) -> None:
    attributes = dict(part.split(b"=", 1) for part in example[1].split(b","))
    ours = attributes[b"r"].decode().removeprefix(example[0].rpartition(b"r=")[2].decode())
    hash_name = "sha1" if name == "SCRAM-SHA-1" else "sha256"
    import base64

    made = make_verifier(hash_name, "pencil", base64.b64decode(attributes[b"s"]), 4096)

    class Exemplary(Shell):
        def answer(self, question: object) -> object:
            return made if isinstance(question, FindVerifier) else super().answer(question)

    shell = Exemplary(passwords={"user": "pencil"}, nonce=ours)
    verdict, challenges = play(name, shell, example[0], example[2], b"")
    assert challenges == [example[1], example[3]]
    assert verdict == Authenticated("user", "user")


def test_cram_md5_as_in_its_example() -> None:
    # RFC 2195 2
    challenge = b"<1896.697170952@postoffice.reston.mci.net>"
    client = ClientExchange(named("CRAM-MD5"), Credentials("tim", "tanstaaftanstaaf"))
    assert client.start() is None
    assert client.respond(challenge) == b"tim b913a602c7eda7a495b4e6e7334d3890"
    shell = Shell(
        passwords={"tim": "tanstaaftanstaaf"},
        nonce="1896.697170952",
        server=ServerIs("smtp", "postoffice.reston.mci.net"),
    )
    verdict, challenges = play("CRAM-MD5", shell, None, b"tim b913a602c7eda7a495b4e6e7334d3890")
    assert challenges == [challenge]
    assert verdict == Authenticated("tim", "tim")


def test_digest_md5_as_in_its_example() -> None:
    # RFC 2831 4, with the directives in our order
    shell = Shell(
        passwords={"chris": "secret"},
        nonce="OA6MG9tEQGm2hh",
        server=ServerIs("imap", "elwood.innosoft.com"),
    )
    response = (
        b'charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,'
        b'cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",'
        b"response=d388dad90d4bbd760a152321f2143af7,qop=auth"
    )
    verdict, challenges = play("DIGEST-MD5", shell, None, response, b"")
    assert challenges[0] == (
        b'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",charset=utf-8,algorithm=md5-sess'
    )
    assert challenges[1] == b"rspauth=ea40f60335c427b5527b84dbabcdfffd"
    assert verdict == Authenticated("chris", "chris")


def test_our_client_of_digest_md5_gives_the_digest_of_the_example() -> None:
    client = ClientExchange(
        named("DIGEST-MD5"),
        Credentials("chris", "secret", nonce="OA6MHXh6VqTrRk", service="imap", host="elwood.innosoft.com"),
    )
    assert client.start() is None
    said = client.respond(
        b'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8'
    )
    assert isinstance(said, bytes)
    assert b"response=d388dad90d4bbd760a152321f2143af7" in said
    assert client.respond(b"rspauth=ea40f60335c427b5527b84dbabcdfffd") == b""
    client.finish()


def test_oauthbearer_refuses_as_in_its_example() -> None:
    # RFC 7628 4.3: the refusal in a challenge, then the no
    said = b"n,a=user@example.com,\x01host=server.example.com\x01port=587\x01auth=Bearer vF9dft4qmT\x01\x01"
    verdict, challenges = play("OAUTHBEARER", Shell(), said, b"\x01")
    assert isinstance(verdict, Denied)
    assert challenges == [b'{"status":"invalid_token"}']


# -- scramp ------------------------------------------------------------------------------------------------

SCRAMP = ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"]


def channel(name: str) -> tuple[str, bytes] | None:
    return ("tls-server-end-point", b"\x17" * 32) if name.endswith("-PLUS") else None


@pytest.mark.parametrize("name", SCRAMP)
@pytest.mark.parametrize("password", ["sauron", "wrong"])
def test_scramp_as_client_and_our_server_agree(name: str, password: str) -> None:
    binding = channel(name)
    client = ScramClient([name], FRITO, password, channel_binding=binding)
    shell = Shell(binding=binding[1] if binding else None)
    exchange = ServerExchange(named(name), client.get_client_first().encode())
    from sasl_kit import next_step

    step = next_step(exchange, shell, exchange.start())
    client.set_server_first(step.data.decode())  # type: ignore[union-attr]
    step = next_step(exchange, shell, exchange.answer(client.get_client_final().encode()))
    if password == "sauron":
        client.set_server_final(step.data.decode())  # type: ignore[union-attr]
        assert next_step(exchange, shell, exchange.answer(b"")) == Authenticated(FRITO, FRITO)
    else:
        assert isinstance(step, Denied)


@pytest.mark.parametrize("name", SCRAMP)
@pytest.mark.parametrize("password", ["sauron", "wrong"])
def test_our_client_and_scramp_as_server_agree(name: str, password: str) -> None:
    mechanism, binding = ScramMechanism(mechanism=name), channel(name)
    kept = mechanism.make_auth_info("sauron", iteration_count=4096)
    server = mechanism.make_server(lambda _: kept, channel_binding=binding)
    ours = Credentials("frito", password, nonce="abcdefgh", binding=binding[1] if binding else None)
    client = ClientExchange(named(name), ours)
    server.set_client_first((client.start() or b"").decode())
    try:
        server.set_client_final(respond(client, server.get_server_first().encode()).decode())
    except ScramException:
        assert password == "wrong"
        return
    assert respond(client, server.get_server_final().encode()) == b""
    client.finish()


def test_scramp_keeps_what_we_keep() -> None:
    ours = verifier("sha256", "sauron")
    mechanism = ScramMechanism(mechanism="SCRAM-SHA-256")
    salt, stored_key, server_key, iterations = mechanism.make_auth_info(
        "sauron", salt=ours.salt, iteration_count=ours.iterations
    )
    assert (salt, stored_key, server_key, iterations) == (
        ours.salt,
        ours.stored_key,
        ours.server_key,
        ours.iterations,
    )
