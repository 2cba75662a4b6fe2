"""Tokens that carry their own proof: JWTs, checked with the public keys of their issuer.

Implements  RFC 7519 7.2 (validating a JWT), RFC 7517 5 (a set of keys), RFC 8725 3.1 (algorithms are ours to choose).
Gives       SignedTokens.
Needs       joserfc, the extra `oauth`: this file is imported only where keys are configured.
Not here    What the claims must say: token_claims.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.request import Request

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol, OKPKey, RSAKey

from postel.directory.token_claims import BadToken, TokenOptions, TokenTrouble, login_of
from postel.directory.token_http import ANSWER_LIMIT, fetch_json, read_object
from postel.net import Clock, Workers

# RFC 8725 3.1: signatures only; a shared secret, or none at all, proves nothing here.
ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
)
KEYS_LIMIT: Final = 100
FRESH_S: Final = 600.0  # how long keys are used before they are read again
AGAIN_S: Final = 30.0  # how soon an unknown key, or trouble, has them read again
LAST_S: Final = 86400.0  # how long the last ones do while they cannot be read

_Key: TypeAlias = RSAKey | ECKey | OKPKey
_KINDS: Final[dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}


class SignedTokens:
    """The keys of one issuer, read when they are first needed, and again from time to time."""

    def __init__(self, options: TokenOptions, workers: Workers, clock: Clock) -> None:
        self._options = options
        self._workers = workers
        self._clock = clock
        self._reading = asyncio.Lock()
        self._keys: list[_Key] = []
        self._read_at = self._tried_at = float("-inf")

    async def login(self, token: str) -> str:
        """The login name that a token stands for. Raises BadToken, TokenTrouble."""
        await self._keep_fresh(FRESH_S)
        try:
            claims = self._claims(token)
        except _KeyUnknown:
            await self._keep_fresh(AGAIN_S)  # the issuer has changed its keys
            claims = self._claims(token)
        if "exp" not in claims:
            raise BadToken("the token never expires")
        return login_of(claims, self._options, self._clock.now())

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(token, self._choose, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError, TypeError, RecursionError) as bad:
            raise BadToken(f"no token of this issuer: {bad}") from None

    def _choose(self, token: GuestProtocol) -> _Key:
        """RFC 7515 4.1.4: the key that the token names; where it names none, the only one."""
        kid = token.headers().get("kid")
        fitting = [key for key in self._keys if kid is None or key.kid == kid]
        if len(fitting) != 1:
            raise _KeyUnknown("the token names no key of this issuer")
        return fitting[0]

    async def _keep_fresh(self, age_s: float) -> None:
        """Read the keys again when they are older than this, but not all the time."""
        async with self._reading:
            now = self._clock.now()
            if abs(now - self._read_at) > age_s and abs(now - self._tried_at) > AGAIN_S:
                self._tried_at = now
                try:
                    self._keys = await self._workers.run(partial(_read_keys, self._options.keys))
                    self._read_at = now
                except TokenTrouble:
                    if abs(now - self._read_at) > LAST_S:
                        raise
            if abs(now - self._read_at) > LAST_S:
                raise TokenTrouble("the keys of the issuer cannot be read")


class _KeyUnknown(BadToken):
    """The token is signed with a key that we do not have."""


def _read_keys(where: Path | str) -> list[_Key]:
    """The keys of a JWKS that we understand. Blocks. Raises TokenTrouble."""
    if isinstance(where, str):
        found = fetch_json(Request(where, headers={"Accept": "application/json"}))
    else:
        try:
            with where.open("rb") as file:
                found = read_object(file.read(ANSWER_LIMIT + 1), str(where))
        except OSError as trouble:
            raise TokenTrouble(f"{where}: {trouble.strerror or trouble}") from None
    rows = found.get("keys")
    if not isinstance(rows, list):
        raise TokenTrouble(f"{where}: no set of keys")
    return [key for key in map(_key, rows[:KEYS_LIMIT]) if key is not None]


def _key(row: Any) -> _Key | None:
    """RFC 7517 5: a key of a kind that we do not know is passed over."""
    kind = _KINDS.get(str(row.get("kty"))) if isinstance(row, dict) else None
    if kind is None or row.get("use", "sig") != "sig":
        return None
    try:
        return kind.import_key(row)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
