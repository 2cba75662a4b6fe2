"""Invariant: whatever a client answers, every mechanism of the server asks a bounded number of questions and gives a
verdict; nobody is let in whom the shell did not let in, and nothing escapes.

Run by itself: python fuzz/sasl_server.py [SEED [ROUNDS]]. Under atheris: python fuzz/sasl_server.py --atheris.
"""

from __future__ import annotations

import random
from typing import Any, Final

from harness import run

from postel.proto import sasl
from postel.proto.sasl import (
    Anonymous,
    Authenticated,
    Challenge,
    CheckCertificate,
    CheckPassword,
    CheckProof,
    CheckSecret,
    CheckToken,
    Denied,
    FindBinding,
    FindVerifier,
    FreshNonce,
    ServerExchange,
    ServerIs,
    Verifier,
    WhoIsServer,
)

_VERIFIER: Final = Verifier(b"salt" * 4, 4096, b"k" * 32, b"s" * 32)
_PIECES: Final = (
    b"n,,n=user,r=abc", b"y,,n=user,r=abc", b"p=tls-server-end-point,,n=u,r=x", b"c=biws,r=abcnonce,p=", b"c=biws,r=",
    b",p=AAAA",
    b"n,a=other,", b"\0user\0pass", b"\0", b"user", b"=2C", b"=3D", b"=4", b",", b"=", b"r=", b"m=ext,", b"\xff",
    b"\xc3\xbc",
    b"n,a=x,\x01auth=Bearer abc\x01\x01", b"\x01", b"auth=Bearer ", b"user=x\x01", b"{}", b"username=\"x\",",
    b"realm=\"\",",
    b"nonce=\"nonce\",", b"cnonce=\"y\",nc=00000001,", b"qop=auth,", b"digest-uri=\"smtp/x\",", b"response=",
    b"0" * 32, b"\"",
    b"user 0123456789abcdef0123456789abcdef", b" ", b"x" * 300, b"A" * 44,
)  # fmt: skip


def one_input(data: bytes) -> None:
    """The first octet chooses the mechanism; each line after it is a response."""
    mechanism = sasl.MECHANISMS[(data[0] if data else 0) % len(sasl.MECHANISMS)]
    lines = data[1:].split(b"\n")
    has_initial = len(data) > 1 and data[1] % 2 == 0
    exchange = ServerExchange(mechanism, lines.pop(0) if has_initial else None)
    shell = _Shell(lines)
    step = exchange.start()
    for _ in range(20):
        if isinstance(step, Authenticated | Anonymous | Denied):
            break
        step = exchange.answer(shell.answer(step))
    else:
        raise AssertionError(f"{mechanism.name} asks without end")
    if isinstance(step, Authenticated):
        assert shell.has_let_in, (mechanism.name, step)


class _Shell:
    """Answers what a server would; it lets in by chance, and knows that it did."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines
        self.has_let_in = False

    def answer(self, question: Any) -> Any:
        match question:
            case Challenge():
                return self._lines.pop(0) if self._lines else b""
            case FreshNonce():
                return "nonce"
            case WhoIsServer():
                return ServerIs("smtp", "x.example")
            case FindBinding():
                return b"binding"
            case FindVerifier():
                return _VERIFIER
            case CheckProof(_, is_right, _):
                return self._yes(is_right)
            case CheckSecret(_, proves, _):
                return self._yes(proves("secret"))
            case CheckPassword():
                return self._yes(len(self._lines) % 2 == 0)
            case CheckToken() | CheckCertificate():
                return "user" if self._yes(len(self._lines) % 2 == 0) else Denied("no")
            case _:
                raise AssertionError(question)

    def _yes(self, said: bool) -> bool:
        self.has_let_in = self.has_let_in or said
        return said


def some_input(chance: random.Random) -> bytes:
    """A mechanism and some plausible responses."""
    lines = [
        b"".join(chance.choices(_PIECES, k=chance.randrange(1, 8))) for _ in range(chance.randrange(1, 4))
    ]
    data = bytearray(bytes([chance.randrange(256)]) + b"\n".join(lines))
    if chance.random() < 0.3:
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


if __name__ == "__main__":
    run(one_input, some_input, rounds=100_000)
