"""What a login can be bound to: this TLS session and no other.

Implements  RFC 5929 4 (tls-server-end-point: a digest of the server's certificate).
Gives       server_end_point.
Not here    tls-exporter (RFC 9266): Python's ssl exports no keying material.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

_TOO_WEAK: Final = frozenset({"md5", "sha1"})  # RFC 5929 4.1: SHA-256 in their place


@lru_cache(maxsize=256)
def server_end_point(certificate: bytes) -> bytes | None:
    """The channel binding of a server's certificate in DER; None for one whose signature has no hash of its own."""
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return None
    if algorithm is None:
        return None
    name = "sha256" if algorithm.name in _TOO_WEAK else algorithm.name
    return hashlib.new(name, certificate).digest()
