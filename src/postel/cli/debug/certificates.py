"""What a TLS handshake settled, for a person, and what is wrong with the certificate.

Gives       tls_facts, tls_complaints.
"""

from __future__ import annotations

from collections.abc import Iterator

from postel.cli.words import age, instant
from postel.net import TlsInfo
from postel.proto.smtp import Complaint
from postel.tls import CertificateFacts


def tls_facts(info: TlsInfo, facts: CertificateFacts | None, now_at: float) -> Iterator[tuple[str, str]]:
    """Version, cipher, and the certificate's names, issuer and life."""
    yield "version", info.version
    yield "cipher", f"{info.cipher}, {info.bits} bits"
    if facts is None:
        return
    yield "certificate for", ", ".join(facts.names) or "no name at all"
    yield "issued by", f"{facts.issuer}{', which is itself' if facts.is_self_signed else ''}"
    left = facts.not_after_at - now_at
    yield "valid until", f"{instant(facts.not_after_at)} ({age(left) + ' left' if left > 0 else 'over'})"
    yield (
        "verified",
        "yes, against the trust anchors here" if info.is_verified else "not asked for (--tls verified)",
    )


def tls_complaints(
    info: TlsInfo, facts: CertificateFacts | None, name: str | None, now_at: float
) -> Iterator[Complaint]:
    """About a certificate that a client which verifies would refuse."""
    if facts is None:
        yield Complaint("the server shows no certificate", "8446 4.4.2")
        return
    if facts.not_after_at < now_at:
        yield Complaint(f"the certificate has been over since {instant(facts.not_after_at)}", "5280 4.1.2.5")
    if facts.not_before_at > now_at:
        yield Complaint(f"the certificate begins only at {instant(facts.not_before_at)}", "5280 4.1.2.5")
    if name is not None and not facts.covers(name):
        yield Complaint(f"the certificate is not for {name}", "7817 3")
    if facts.is_self_signed:
        yield Complaint("the certificate is self-signed: nobody who verifies will accept it", "7435 3")
    if info.version < "TLSv1.2":
        yield Complaint(f"{info.version} must not be used any more", "8996 2")
