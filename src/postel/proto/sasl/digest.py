"""DIGEST-MD5: a digest of a shared secret, both nonces and the service, by both sides.

Implements  RFC 2831 2.1 (initial authentication; quality of protection "auth": no security layer).
Asks        Challenge, FreshNonce, WhoIsServer, CheckSecret.
Not here    RFC 2831 2.2 (subsequent authentication): nobody's programs use it. The grammar: digest_directives.

Historic (RFC 6331): MD5, no channel binding, and the server must keep the secret readable. For old programs only.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from postel.asks import Asks
from postel.mail import BadSyntax
from postel.proto.sasl.client import ExchangeFault
from postel.proto.sasl.contract import Challenge, ClientResponses, Denial, Denied, Response, Verdict
from postel.proto.sasl.credentials import Credentials
from postel.proto.sasl.digest_directives import format_directives, parse_directives, quoted
from postel.proto.sasl.password import verdict_of
from postel.proto.sasl.prepare import prepare
from postel.proto.sasl.questions import CheckSecret, FreshNonce, ServerIs, WhoIsServer

FIRST_USE: Final = "00000001"  # nc: we take a nonce once
_NEEDED: Final = frozenset({"username", "nonce", "cnonce", "nc", "digest-uri", "response"})


def _md5(*parts: bytes) -> bytes:
    return hashlib.md5(b":".join(parts), usedforsecurity=False).digest()


def _latin(text: str) -> bytes:
    """RFC 2831 2.1.2.1: what ISO 8859-1 can say is hashed in it, so that old stored hashes are good."""
    try:
        return text.encode("iso-8859-1")
    except UnicodeEncodeError:
        return text.encode()


@dataclass(frozen=True, slots=True)
class _Facts:
    """What both sides digest beside the secret."""

    username: str
    realm: str
    nonce: str
    cnonce: str
    uri: str
    authzid: str = ""

    def response(self, secret: str, method: bytes) -> str:
        """RFC 2831 2.1.2.1; `method` is AUTHENTICATE for the client, nothing for the server (2.1.3)."""
        inner = _md5(_latin(self.username), _latin(self.realm), _latin(secret))
        acting_as = (self.authzid.encode(),) if self.authzid else ()
        a1 = _md5(inner, self.nonce.encode(), self.cnonce.encode(), *acting_as)
        a2 = _md5(method, self.uri.encode())
        said = (self.nonce, FIRST_USE, self.cnonce, "auth", a2.hex())
        return _md5(a1.hex().encode(), *(text.encode() for text in said)).hex()


# The server's side


def digest_server(initial: bytes | None) -> Asks[Verdict]:
    """The server begins; the realm is its name."""
    nonce: str = yield FreshNonce()
    server: ServerIs = yield WhoIsServer()
    offer = {
        "realm": quoted(server.hostname),
        "nonce": quoted(nonce),
        "qop": quoted("auth"),
        "charset": "utf-8",
        "algorithm": "md5-sess",
    }
    response: bytes = yield Challenge(format_directives(offer))
    try:
        said = parse_directives(response)
        facts = _facts_of(said)
        authcid = prepare(_login_name(facts, server))
        authzid = prepare(facts.authzid) if facts.authzid else ""
    except BadSyntax as bad:
        return Denied(str(bad), Denial.MALFORMED)
    if complaint := _complaint(said, facts, nonce, server):
        return Denied(complaint)
    return (yield from _judge(facts, said["response"], authcid, authzid))


def _facts_of(said: Mapping[str, str]) -> _Facts:
    if not said.keys() >= _NEEDED:
        raise BadSyntax("a response to DIGEST-MD5 lacks a directive")
    return _Facts(
        said["username"],
        said.get("realm", ""),
        said["nonce"],
        said["cnonce"],
        said["digest-uri"],
        said.get("authzid", ""),
    )


def _login_name(facts: _Facts, server: ServerIs) -> str:
    """Our realm is a host, and no part of a name; another one may be what follows the @."""
    if "@" in facts.username or facts.realm.lower() in ("", server.hostname.lower()):
        return facts.username
    return f"{facts.username}@{facts.realm}"


def _complaint(said: Mapping[str, str], facts: _Facts, nonce: str, server: ServerIs) -> str | None:
    """RFC 2831 2.1.2: what must be as the server said."""
    if not hmac.compare_digest(facts.nonce.encode(), nonce.encode()) or said["nc"] != FIRST_USE:
        return "the nonce is not the one that was given, or not used for the first time"
    if said.get("qop", "auth") != "auth":
        return "only authentication is offered, and no layer after it"
    # The host in it goes by many names (2.1.2 has the server be lenient there); the service does not.
    if facts.uri.partition("/")[0].lower() != server.service:
        return "the digest is for another service"
    return None


def _judge(facts: _Facts, response: str, authcid: str, authzid: str) -> Asks[Verdict]:
    secrets: list[str] = []

    def proves(secret: str) -> bool:
        secrets.append(secret)
        wanted = facts.response(secret, b"AUTHENTICATE")
        return hmac.compare_digest(wanted.encode(), response.lower().encode())

    verdict = verdict_of(
        (yield CheckSecret(authcid, proves, authzid)), authcid, authzid, f"no such digest for {authcid}"
    )
    if isinstance(verdict, Denied):
        return verdict
    # RFC 2831 2.1.3: the server proves itself; RFC 4954 4 has it do so in a challenge.
    answer: bytes = yield Challenge(format_directives({"rspauth": facts.response(secrets[-1], b"")}))
    return verdict if not answer else Denied("something was said after the digest", Denial.MALFORMED)


# The client's side


def digest_client(credentials: Credentials) -> ClientResponses:
    """One realm is taken as it is; of several the first. The server must prove itself."""
    offer = parse_directives((yield Response(None)))
    if offer.get("algorithm") != "md5-sess" or "nonce" not in offer:
        raise BadSyntax("the challenge is not one of DIGEST-MD5")
    if "auth" not in (word.strip() for word in offer.get("qop", "auth").split(",")):
        raise BadSyntax("the server wants a security layer that we do not know")
    facts = _Facts(
        credentials.authcid,
        offer.get("realm", ""),
        offer["nonce"],
        credentials.nonce,
        f"{credentials.service}/{credentials.host or 'localhost'}",
        credentials.authzid,
    )
    server_final = yield Response(
        _format(facts, credentials.password, is_utf8=offer.get("charset") == "utf-8")
    )
    wanted = facts.response(credentials.password, b"")
    given = parse_directives(server_final).get("rspauth", "")
    if not hmac.compare_digest(given.lower().encode(), wanted.encode()):
        raise ExchangeFault("the server has not proven that it knows the password")
    yield Response(b"", completes=True)


def _format(facts: _Facts, password: str, *, is_utf8: bool) -> bytes:
    directives = {
        "username": quoted(facts.username),
        "realm": quoted(facts.realm),
        "nonce": quoted(facts.nonce),
        "cnonce": quoted(facts.cnonce),
        "nc": FIRST_USE,
        "qop": "auth",
        "digest-uri": quoted(facts.uri),
        "response": facts.response(password, b"AUTHENTICATE"),
    }
    if is_utf8:
        directives["charset"] = "utf-8"
    if facts.authzid:
        directives["authzid"] = quoted(facts.authzid)
    return format_directives(directives, is_utf8=is_utf8)
