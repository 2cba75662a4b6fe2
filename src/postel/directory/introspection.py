"""Ask the server that issued a token what it is worth.

Implements  RFC 7662 2.1 (the request), 2.2 (the answer), RFC 6749 2.3.1 (how we log in there).
Gives       Introspection.
Not here    What the claims must say: token_claims.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import OrderedDict
from functools import partial
from typing import Any, Final
from urllib.parse import quote_plus, urlencode
from urllib.request import Request

from postel.directory.token_claims import BadToken, TokenOptions, TokenTrouble, login_of
from postel.directory.token_http import fetch_json
from postel.net import Clock, Workers

AT_ONCE: Final = 2  # a slow endpoint must not take all threads
WAITING: Final = 100


class Introspection:
    """The endpoint of one issuer, and what it answered lately (RFC 7662 4 speaks of such a memory)."""

    def __init__(self, options: TokenOptions, workers: Workers, clock: Clock) -> None:
        self._options = options
        self._workers = workers
        self._clock = clock
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._known: OrderedDict[bytes, tuple[float, dict[str, Any]]] = OrderedDict()

    async def login(self, token: str) -> str:
        """The login name that a token stands for. Raises BadToken, TokenTrouble."""
        digest = hashlib.sha256(token.encode()).digest()  # who reads our memory finds no token
        claims = self._remembered(digest)
        if claims is None:
            claims = await self._ask(token)
            self._remember(digest, claims)
        # RFC 7662 2.2: of a token that is not active, nothing more is said
        if claims.get("active") is not True:
            raise BadToken("the token is not active")
        return login_of(claims, self._options, self._clock.now())

    async def _ask(self, token: str) -> dict[str, Any]:
        if self._waiting >= WAITING:
            raise TokenTrouble("too many tokens are being asked about")
        self._waiting += 1
        try:
            async with self._turn:
                answer = await self._workers.run(partial(fetch_json, self._request(token)))
        finally:
            self._waiting -= 1
        named = ("active", "iss", "aud", "exp", "nbf", "email_verified", self._options.claim)
        return {name: answer[name] for name in named if name in answer}

    def _request(self, token: str) -> Request:
        body = urlencode({"token": token, "token_type_hint": "access_token"}).encode()
        request = Request(self._options.introspection, body, {"Accept": "application/json"})
        if self._options.client:
            # RFC 6749 2.3.1: both are form-encoded before they go into Basic
            both = f"{quote_plus(self._options.client)}:{quote_plus(self._options.secret)}"
            request.add_unredirected_header(
                "Authorization", f"Basic {base64.b64encode(both.encode()).decode()}"
            )
        return request

    def _remembered(self, digest: bytes) -> dict[str, Any] | None:
        asked_at, claims = self._known.get(digest, (0.0, None))
        return claims if 0 <= self._clock.now() - asked_at <= self._options.remember_for_s else None

    def _remember(self, digest: bytes, claims: dict[str, Any]) -> None:
        self._known[digest] = (self._clock.now(), claims)
        self._known.move_to_end(digest)
        while len(self._known) > self._options.remembered:
            self._known.popitem(last=False)
