"""The SCRAM family: a password is proven, and the server with it, and neither shows it.

Implements  RFC 5802 (SCRAM-SHA-1), RFC 7677 (SCRAM-SHA-256), their -PLUS forms with RFC 5929 4
            (tls-server-end-point).
Asks        server: Challenge, FindVerifier, FreshNonce, FindBinding, CheckProof; client: SaltPassword.
Gives       scram_server, scram_client, salted, make_verifier.
Not here    The grammar of the messages: proto.sasl.scram_messages. Where verifiers are kept: directory.

Of the channel bindings only tls-server-end-point can be had: Python's ssl exports no keying material, which
tls-exporter (RFC 9266) is made of, and tls-unique is no binding under TLS 1.3.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import partial
from typing import Final

from postel.asks import Asks
from postel.mail import BadSyntax
from postel.proto.sasl.client import ExchangeFault
from postel.proto.sasl.contract import (
    Challenge,
    ClientMechanism,
    ClientResponses,
    Denial,
    Denied,
    Response,
    ServerMechanism,
    Verdict,
)
from postel.proto.sasl.credentials import Credentials
from postel.proto.sasl.password import verdict_of
from postel.proto.sasl.prepare import saslprep
from postel.proto.sasl.questions import (
    CheckProof,
    FindBinding,
    FindVerifier,
    FreshNonce,
    SaltPassword,
    Verifier,
)
from postel.proto.sasl.scram_messages import (
    ClientFinal,
    ClientFirst,
    base64_text,
    parse_client_final,
    parse_client_first,
    parse_server_final,
    parse_server_first,
    quote_name,
)

BINDING: Final = "tls-server-end-point"
EMPTY_RESPONSE: Final = b""


def salted(hash_name: str, password: str, salt: bytes, iterations: int) -> bytes:
    """RFC 5802 2.2, Hi(): the work that makes guessing dear. Milliseconds: not on a loop."""
    return hashlib.pbkdf2_hmac(hash_name, password.encode(), salt, iterations)


def make_verifier(hash_name: str, password: str, salt: bytes, iterations: int) -> Verifier:
    """What a server keeps of a password. Takes as long as `salted`. Raises BadSyntax for what SASLprep refuses."""
    key = salted(hash_name, saslprep(password), salt, iterations)
    stored_key = _hash(hash_name, _mac(hash_name, key, b"Client Key"))
    return Verifier(salt, iterations, stored_key, _mac(hash_name, key, b"Server Key"))


def _mac(hash_name: str, key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, hash_name)


def _hash(hash_name: str, text: bytes) -> bytes:
    return hashlib.new(hash_name, text).digest()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


# The server's side


def scram_server(hash_name: str, *, binds: bool) -> ServerMechanism:
    """The server's side for a hash, with channel binding or without."""
    return partial(_serve, hash_name, binds)


def _serve(hash_name: str, binds: bool, initial: bytes | None) -> Asks[Verdict]:
    message: bytes = initial if initial is not None else (yield Challenge(b""))
    try:
        first = parse_client_first(message)
    except BadSyntax as bad:
        return Denied(str(bad), Denial.MALFORMED)
    binding: bytes | None = yield FindBinding()
    if complaint := _binding_complaint(first, binding, binds=binds):
        return complaint
    verifier: Verifier | Denied = yield FindVerifier(first.authcid, hash_name)
    if isinstance(verifier, Denied):
        return verifier
    nonce = first.nonce + (yield FreshNonce())
    server_first = f"r={nonce},s={base64_text(verifier.salt)},i={verifier.iterations}".encode()
    try:
        final = parse_client_final((yield Challenge(server_first)), hashlib.new(hash_name).digest_size)
    except BadSyntax as bad:
        return Denied(str(bad), Denial.MALFORMED)
    bound = first.header + (binding or b"" if binds else b"")
    is_bound = hmac.compare_digest(final.binding, bound)
    is_bound &= hmac.compare_digest(final.nonce.encode(), nonce.encode())
    return (yield from _judge(hash_name, first, server_first, final, verifier, is_bound=is_bound))


def _binding_complaint(first: ClientFirst, binding: bytes | None, *, binds: bool) -> Denied | None:
    """RFC 5802 6: what the client says of channel binding must fit what was offered to it."""
    if binds:
        if first.binding_name is None:
            return Denied("a -PLUS mechanism without channel binding", Denial.MALFORMED)
        if first.binding_name != BINDING or binding is None:
            return Denied(f"no channel binding of the kind {BINDING}")
    elif first.binding_name is not None:
        return Denied("channel binding in a mechanism without -PLUS", Denial.MALFORMED)
    elif first.is_binding_missed and binding is not None:
        # The client has not seen the -PLUS mechanism that we offered: somebody took it away.
        return Denied("the offer of channel binding was tampered with")
    return None


def _judge(
    hash_name: str,
    first: ClientFirst,
    server_first: bytes,
    final: ClientFinal,
    verifier: Verifier,
    *,
    is_bound: bool,
) -> Asks[Verdict]:
    """RFC 5802 3: the proof, then our own signature."""
    said = b",".join((first.bare, server_first, final.without_proof))
    client_key = _xor(final.proof, _mac(hash_name, verifier.stored_key, said))
    is_right = hmac.compare_digest(_hash(hash_name, client_key), verifier.stored_key) and is_bound
    question = CheckProof(first.authcid, is_right, first.authzid)
    verdict = verdict_of((yield question), first.authcid, first.authzid, f"no such proof for {first.authcid}")
    if isinstance(verdict, Denied):
        return verdict
    signature = _mac(hash_name, verifier.server_key, said)
    # RFC 4954 4 has no place for data beside the 235: the signature is one more challenge.
    response: bytes = yield Challenge(f"v={base64_text(signature)}".encode())
    if response != EMPTY_RESPONSE:
        return Denied("something was said after the proof", Denial.MALFORMED)
    return verdict


# The client's side


def scram_client(hash_name: str, *, binds: bool) -> ClientMechanism:
    """The client's side for a hash, with channel binding or without."""
    return partial(_respond, hash_name, binds)


def _respond(hash_name: str, binds: bool, credentials: Credentials) -> ClientResponses:
    header = _header(credentials, binds=binds)
    bare = f"n={quote_name(saslprep(credentials.authcid))},r={credentials.nonce}".encode()
    server_first = yield Response(header + bare)
    offer = parse_server_first(server_first, credentials.nonce)
    key = yield SaltPassword(hash_name, saslprep(credentials.password), offer.salt, offer.iterations)
    bound = header + ((credentials.binding or b"") if binds else b"")
    final = f"c={base64_text(bound)},r={offer.nonce}".encode()
    said = b",".join((bare, server_first, final))
    client_key = _mac(hash_name, key, b"Client Key")
    proof = _xor(client_key, _mac(hash_name, _hash(hash_name, client_key), said))
    server_final = yield Response(final + b",p=" + base64_text(proof).encode())
    wanted = _mac(hash_name, _mac(hash_name, key, b"Server Key"), said)
    if not hmac.compare_digest(parse_server_final(server_final), wanted):
        raise ExchangeFault("the server has not proven that it knows the password")
    yield Response(EMPTY_RESPONSE, completes=True)


def _header(credentials: Credentials, *, binds: bool) -> bytes:
    """RFC 5802 6: `y` where we could bind and see no offer of it, so that a server that made one finds out."""
    if binds and credentials.binding is None:
        raise BadSyntax("there is no channel to bind to")
    flag = f"p={BINDING}" if binds else "n" if credentials.binding is None else "y"
    acting_as = f"a={quote_name(saslprep(credentials.authzid))}" if credentials.authzid else ""
    return f"{flag},{acting_as},".encode()
