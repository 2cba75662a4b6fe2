"""Names of TLS cipher suites as they are registered, from those that OpenSSL gives.

Implements  RFC 8314 4.3 (the name in a Received field).
Gives       registered_cipher.
"""

from __future__ import annotations

import re
from typing import Final

# The suites of TLS 1.2 that OpenSSL offers by default; those of TLS 1.3 have their registered names there too.
_AES: Final = re.compile(
    r"(?P<exchange>ECDHE|DHE)-(?P<key>ECDSA|RSA)-AES(?P<bits>128|256)-(?P<mode>GCM-)?(?P<hash>SHA\d+)"
)
_CHACHA: Final = re.compile(r"(?P<exchange>ECDHE|DHE)-(?P<key>ECDSA|RSA)-CHACHA20-POLY1305")
_REGISTERED: Final = re.compile(r"TLS_[A-Z0-9_]+")


def registered_cipher(name: str) -> str:
    """The registered name; "" for a suite that we do not know."""
    if _REGISTERED.fullmatch(name):
        return name
    if match := _AES.fullmatch(name):
        mode = "GCM" if match["mode"] else "CBC"
        return f"TLS_{match['exchange']}_{match['key']}_WITH_AES_{match['bits']}_{mode}_{match['hash']}"
    if match := _CHACHA.fullmatch(name):
        return f"TLS_{match['exchange']}_{match['key']}_WITH_CHACHA20_POLY1305_SHA256"
    return ""
