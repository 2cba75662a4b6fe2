"""TLS as the programs of these tests want it."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

from postel.tls import self_signed


@cache
def trusting() -> ssl.SSLContext:
    """A client's side that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def certificate(hostname: str, folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    return self_signed(hostname, folder, 1_700_000_000.0)
