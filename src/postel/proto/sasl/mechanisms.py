"""The table of mechanisms, strongest first, and the choices that are made from it.

Gives       MECHANISMS, DEFAULT_MECHANISMS, find_mechanism, choose_mechanism.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from postel.proto.sasl.anonymous import anonymous_client, anonymous_server
from postel.proto.sasl.contract import Mechanism, Stored
from postel.proto.sasl.cram import cram_client, cram_server
from postel.proto.sasl.credentials import Proof
from postel.proto.sasl.digest import digest_client, digest_server
from postel.proto.sasl.external import external_client, external_server
from postel.proto.sasl.login import login_client, login_server
from postel.proto.sasl.oauth import (
    oauthbearer_client,
    oauthbearer_server,
    xoauth2_client,
    xoauth2_server,
)
from postel.proto.sasl.plain import plain_client, plain_server
from postel.proto.sasl.scram import scram_client, scram_server

_PASSWORD, _TOKEN, _CERTIFICATE, _NO_PROOF = Proof.PASSWORD, Proof.TOKEN, Proof.CERTIFICATE, Proof.NOTHING
_HASH, _VERIFIER, _SECRET = Stored.NOTHING_MORE, Stored.VERIFIER, Stored.SECRET

# fmt: off
MECHANISMS: Final[tuple[Mechanism, ...]] = (
    #         name                  defined in  proof         stored     TLS    initial server, client
    Mechanism("EXTERNAL",           "RFC 4422", _CERTIFICATE, _HASH,     True,  True,
              external_server, external_client),
    Mechanism("SCRAM-SHA-256-PLUS", "RFC 7677", _PASSWORD,    _VERIFIER, True,  True,
              scram_server("sha256", binds=True), scram_client("sha256", binds=True), binds=True),
    Mechanism("SCRAM-SHA-1-PLUS",   "RFC 5802", _PASSWORD,    _VERIFIER, True,  True,
              scram_server("sha1", binds=True), scram_client("sha1", binds=True), binds=True),
    Mechanism("SCRAM-SHA-256",      "RFC 7677", _PASSWORD,    _VERIFIER, False, True,
              scram_server("sha256", binds=False), scram_client("sha256", binds=False)),
    Mechanism("SCRAM-SHA-1",        "RFC 5802", _PASSWORD,    _VERIFIER, False, True,
              scram_server("sha1", binds=False), scram_client("sha1", binds=False)),
    Mechanism("OAUTHBEARER",        "RFC 7628", _TOKEN,       _HASH,     True,  True,
              oauthbearer_server, oauthbearer_client),
    Mechanism("XOAUTH2",            "none (Google)", _TOKEN,  _HASH,     True,  True,
              xoauth2_server, xoauth2_client),
    Mechanism("DIGEST-MD5",         "RFC 2831", _PASSWORD,    _SECRET,   False, False,
              digest_server, digest_client),
    Mechanism("CRAM-MD5",           "RFC 2195", _PASSWORD,    _SECRET,   False, False,
              cram_server, cram_client),
    Mechanism("PLAIN",              "RFC 4616", _PASSWORD,    _HASH,     True,  True,
              plain_server, plain_client),
    Mechanism("LOGIN",              "draft-murchison-sasl-login-00", _PASSWORD, _HASH, True, True,
              login_server, login_client),
    Mechanism("ANONYMOUS",          "RFC 4505", _NO_PROOF,    _HASH,     False, True,
              anonymous_server, anonymous_client),
)
# fmt: on

_BY_NAME: Final = {mechanism.name: mechanism for mechanism in MECHANISMS}

DEFAULT_MECHANISMS: Final = tuple(
    row.name for row in MECHANISMS if row.stored is not Stored.SECRET and row.proof is not Proof.NOTHING
)
"""What a server offers unless told otherwise: all that need no readable secret, and prove something."""


def find_mechanism(name: str) -> Mechanism | None:
    """The mechanism of this name, in any case (RFC 4954 3), or None."""
    return _BY_NAME.get(name.upper())


def choose_mechanism(
    offered: Collection[str],
    *,
    is_private: bool,
    proofs: Collection[Proof] = (Proof.PASSWORD,),
    may_bind: bool = False,
    refused: Collection[Mechanism] = (),
) -> Mechanism | None:
    """The strongest mechanism that the server offers and that may be used.

    is_private  nobody listens: TLS, or a network that the configuration trusts.
    proofs      what there is to prove; ANONYMOUS, which proves nothing, is never chosen.
    may_bind    whether the TLS session can be bound to.
    refused     what was tried already.
    """
    names = {name.upper() for name in offered}
    for row in MECHANISMS:
        fits = row.name in names and row.proof in proofs and row not in refused
        if fits and (is_private or not row.needs_tls) and (may_bind or not row.binds):
            return row
    return None
