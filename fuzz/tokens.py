"""Invariant: any text is a token of nobody: SignedTokens says BadToken or TokenTrouble, whatever keys the issuer has
published; and no unsigned or wrongly signed token is ever a login.

Run by itself: python fuzz/tokens.py [SEED [ROUNDS]]. Under atheris: python fuzz/tokens.py --atheris.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

from harness import run

from postel.directory import BadToken, TokenOptions, TokenTrouble
from postel.directory.tokens import open_tokens
from postel.testing import FakeClock, InlineWorkers

_HEADS: Final = (
    {"alg": "none"}, {"alg": "RS256", "kid": "1"}, {"alg": "HS256"}, {"alg": "ES256", "kid": "2"}, {"alg": 5}, {}, [],
    "x", {"alg": "RS256"},
    {"alg": "EdDSA", "crit": ["x"]}, {"alg": "HS256", "kid": ["1"]}, {"alg": "RS256", "jwk": {"kty": "oct",
    "k": "AAAA"}},
)  # fmt: skip
_CLAIMS: Final = (
    {"sub": "bob", "exp": 4e9}, {"email": "bob@example.org", "exp": 1e400}, {"exp": "x"}, [], None, {"sub": ["x"],
    "exp": 4e9}, {"aud": 5},
    {"iss": "i", "aud": ["a"], "email": "bob@example.org", "email_verified": True, "exp": 4000000000},
)  # fmt: skip
_KEYS: Final = {
    "keys": [
        {"kty": "oct", "k": "AAAA", "kid": "1"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "1"},
        {"kty": "EC"},
        5,
    ]
}


def one_input(data: bytes) -> None:
    """As a token."""
    tokens = _tokens()
    text = data.decode("utf-8", "replace")
    try:
        login = asyncio.run(tokens.login(text))
    except (BadToken, TokenTrouble):
        return
    raise AssertionError(f"{text!r} is a login of {login}")


@cache
def _tokens() -> Any:
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump(_KEYS, file)
    options = TokenOptions(issuer="i", audience="a", keys=Path(file.name))
    return open_tokens(options, InlineWorkers(), FakeClock())


def some_input(chance: random.Random) -> bytes:
    """Three parts, each nearly right."""
    parts = [
        _part(chance.choice(_HEADS)),
        _part(chance.choice(_CLAIMS)),
        _part(chance.randbytes(chance.randrange(40))),
    ]
    text = bytearray(chance.choice((b".", b".", b"..")).join(parts[: chance.randrange(1, 4)]))
    if text and chance.random() < 0.3:
        text[chance.randrange(len(text))] = chance.randrange(256)
    return bytes(text)


def _part(what: Any) -> bytes:
    octets = what if isinstance(what, bytes) else json.dumps(what).encode()
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


if __name__ == "__main__":
    run(one_input, some_input, rounds=5_000)
