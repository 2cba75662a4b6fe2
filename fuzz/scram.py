"""Invariant: any octets are a SCRAM message or BadSyntax; a parsed first message is made of exactly the octets that
were
given; a client never says yes to a server that has not proven itself.

Run by itself: python fuzz/scram.py [SEED [ROUNDS]]. Under atheris: python fuzz/scram.py --atheris.
"""

from __future__ import annotations

import random
from typing import Final

from harness import run

from postel.mail import BadSyntax
from postel.proto import sasl
from postel.proto.sasl import ClientExchange, Credentials, ExchangeFault, SaltPassword, salted
from postel.proto.sasl.scram_messages import (
    parse_client_final,
    parse_client_first,
    parse_name,
    parse_server_final,
    parse_server_first,
    quote_name,
)

_PIECES: Final = (
    b"n,,", b"y,,", b"p=tls-unique,,", b"n,a=bob,", b"n=user", b"n=", b",r=", b"r=abc", b"abcdef", b",s=QUJD",
    b",i=4096", b",i=1",
    b",i=999999999999", b"c=biws", b",p=QUJD", b"v=QUJD", b"e=other-error", b"=2C", b"=3D", b"=2c", b"m=x,", b",x=y",
    b",", b"=",
    b"\0", b"\xff", b"\xc2\xad", b"QUJD", b"====", b"x" * 1100,
)  # fmt: skip
_MECHANISM: Final = sasl.find_mechanism("SCRAM-SHA-256")


def one_input(data: bytes) -> None:
    """As each message, and as the answers of a server to a client."""
    try:
        first = parse_client_first(data)
    except BadSyntax:
        pass
    else:
        assert first.header + first.bare == data
        assert parse_name(quote_name(first.authcid)) == first.authcid
    for parse in (
        lambda: parse_server_first(data, "abc"),
        lambda: parse_client_final(data, 32),
        lambda: parse_server_final(data),
    ):
        try:
            parse()
        except BadSyntax:
            continue
    _client(data.split(b"\n"))


def _client(challenges: list[bytes]) -> None:
    """No octets prove that the server knows the password."""
    assert _MECHANISM is not None
    responses = _MECHANISM.client(Credentials("user", "pass"))
    try:
        step = next(responses)
        for challenge in [*challenges, b""]:
            while isinstance(step, SaltPassword):
                if step.iterations > 5000:
                    return  # it takes its time, and is bounded
                step = responses.send(salted(step.hash_name, step.password, step.salt, step.iterations))
            assert not step.completes, step
            step = responses.send(challenge)
    except (StopIteration, ExchangeFault, BadSyntax):
        return


def some_input(chance: random.Random) -> bytes:
    """Attributes in any order."""
    return b"".join(chance.choices([*_PIECES, b"\n"], k=chance.randrange(1, 10)))


assert ClientExchange


if __name__ == "__main__":
    run(one_input, some_input, rounds=20_000)
