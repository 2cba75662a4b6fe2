"""What can go wrong with TLS.

Gives       HandshakeFailed, BadCertificate.
"""

from __future__ import annotations


class HandshakeFailed(Exception):
    """TLS could not be started. The stream is of no further use: close it.

    reason  a few words for logs and reports: "timed out", "certificate has expired".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadCertificate(Exception):
    """A certificate or key file that cannot be used. Its text says which, and why, to an operator."""
