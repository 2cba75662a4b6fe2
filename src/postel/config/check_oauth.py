"""The table [oauth] and the `token` of routes: what must stand together, and what must be installed.

Gives       check_oauth(loaded), check_login(path, route).
Used by     config.check.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from ipaddress import ip_address
from urllib.parse import urlsplit

from postel.config.load import Loaded
from postel.config.settings import RouteSettings

_Found = Iterator[tuple[tuple[str | int, ...], str]]

_ONE_OF = "keys and introspection are two ways of finding out the same; take one of them out"
_NOT_INSTALLED = 'signed tokens need joserfc, which is not installed; run: pip install "postel[oauth]"'


def check_oauth(loaded: Loaded) -> _Found:
    """Whose tokens are believed."""
    oauth = loaded.config.oauth
    has_more = oauth.issuer or oauth.audience or oauth.client or oauth.secret
    if oauth.keys and oauth.introspection:
        yield ("oauth", "introspection"), _ONE_OF
    elif oauth.keys:
        yield from _signed(loaded)
    elif oauth.introspection and not _is_safe(oauth.introspection):
        yield ("oauth", "introspection"), "tokens are asked about at https://... or at a loopback address"
    elif has_more and not oauth.introspection:
        yield ("oauth",), 'keys is missing; add keys = "https://...", or introspection = "https://..."'
    if (oauth.client is None) != (oauth.secret is None):
        yield ("oauth",), "client and secret belong together; give both or neither"
    elif oauth.client is not None and not oauth.introspection:
        yield ("oauth", "client"), "client and secret are for introspection only; take them out"


def _signed(loaded: Loaded) -> _Found:
    oauth = loaded.config.oauth
    for name in ("issuer", "audience"):
        if not getattr(oauth, name):
            yield (
                ("oauth",),
                f"{name} is missing; with keys it must be said whose tokens, and for whom, are believed",
            )
    if is_url(oauth.keys or "") and not _is_safe(oauth.keys or ""):
        yield ("oauth", "keys"), "keys are a file, or come from https://... or from a loopback address"
    elif not is_url(oauth.keys or "") and not loaded.resolve(oauth.keys or "").is_file():
        yield ("oauth", "keys"), f"there is no file {loaded.resolve(oauth.keys or '')}"
    if find_spec("joserfc") is None:
        yield ("oauth", "keys"), _NOT_INSTALLED


def is_url(text: str) -> bool:
    """Whether this is a URL and no file."""
    return "://" in text


def _is_safe(url: str) -> bool:
    """https, or http that stays on this machine: keys and tokens that others can change or read are worth nothing."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or not url.isascii() or any(sign <= " " for sign in url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_login(path: tuple[str | int, ...], route: RouteSettings) -> _Found:
    """What a route logs in with: nothing, a password, a token, a certificate."""
    if route.token is not None and route.password is not None:
        yield path, "password and token are two ways to log in; take one of them out"
    if (route.certificate is None) != (route.key is None):
        yield path, "certificate and key belong together; give both or neither"
    proof = (route.password, route.token, route.certificate)
    if (route.user is None) != (proof == (None, None, None)):
        yield (
            path,
            "user and password belong together, or user and token, or user and certificate; give both or neither",
        )
