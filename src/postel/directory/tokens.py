"""Whom an OAuth 2.0 token speaks for.

Gives       Tokens, open_tokens.
Not here    The two ways of finding out: token_keys, introspection. The brake on guessing: directory.
"""

from __future__ import annotations

from typing import Protocol

from postel.directory.introspection import Introspection
from postel.directory.token_claims import TokenOptions
from postel.net import Clock, Workers


class Tokens(Protocol):
    """Knows what tokens are worth."""

    async def login(self, token: str) -> str:
        """The login name that a token stands for. Raises BadToken, TokenTrouble."""


def open_tokens(options: TokenOptions, workers: Workers, clock: Clock) -> Tokens:
    """The way that the options name. Raises ImportError where it takes the extra `oauth`, and that is missing."""
    if options.introspection:
        return Introspection(options, workers, clock)
    from postel.directory.token_keys import SignedTokens

    return SignedTokens(options, workers, clock)
