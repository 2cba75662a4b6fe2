"""What a token says, and whether that is enough: who issued it, for whom, until when, for which account.

Implements  RFC 7519 4.1 (registered claims), RFC 7662 2.2 (the same names in an answer about a token).
Gives       TokenOptions, BadToken, TokenTrouble, login_of.
Not here    Whether the claims are genuine: token_keys (signed), introspection (asked for).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

LEEWAY_S: Final = 30.0  # RFC 7519 4.1.4: clocks differ a little


class BadToken(Exception):
    """This token is good for nothing here. Its text is for the log."""


class TokenTrouble(Exception):
    """Whether a token is good cannot be told now. Its text is for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOptions:
    """Whose tokens are believed. One of `keys` and `introspection` is given, not both.

    issuer          what `iss` must be; "" does not look, which only an introspection endpoint allows.
    audience        what `aud` must contain; "" likewise.
    keys            the issuer's public keys (JWKS): a file or an https URL.
    introspection   the URL that is asked about each token.
    client, secret  what we log in with there.
    claim           the claim that names the account.
    remember_for_s  how long an answer of the endpoint is remembered.
    remembered      how many are.
    """

    issuer: str = ""
    audience: str = ""
    keys: Path | str = ""
    introspection: str = ""
    client: str = ""
    secret: str = field(default="", repr=False)
    claim: str = "email"
    remember_for_s: float = 60.0
    remembered: int = 1000


def login_of(claims: Mapping[str, Any], options: TokenOptions, now: float) -> str:
    """The login name that genuine claims stand for. Raises BadToken."""
    if options.issuer and claims.get("iss") != options.issuer:
        raise BadToken("the token is of another issuer")
    audience = claims.get("aud")  # RFC 7519 4.1.3: one text, or a list of them
    if options.audience and options.audience not in (audience if isinstance(audience, list) else [audience]):
        raise BadToken("the token is for somebody else")
    if "exp" in claims and not now < _seconds(claims, "exp") + LEEWAY_S:
        raise BadToken("the token has expired")
    if "nbf" in claims and not now >= _seconds(claims, "nbf") - LEEWAY_S:
        raise BadToken("the token is not valid yet")
    if options.claim == "email" and claims.get("email_verified") in (False, "false"):
        raise BadToken("the issuer has not verified the address")
    login = claims.get(options.claim)
    if not isinstance(login, str) or not login:
        raise BadToken(f"the token has no claim {options.claim}")
    return login


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    """RFC 7519 2: a NumericDate, seconds since the Unix epoch."""
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadToken(f"{name} is no date")
    return value
