"""A certificate authority for the tests of TLS."""

from __future__ import annotations

from pathlib import Path

import trustme

from postel.tls import CertificateFiles


class Authority:
    """Issues certificates into a directory."""

    def __init__(self, directory: Path) -> None:
        self._ca = trustme.CA()
        self._directory = directory
        self.file = directory / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def issue(self, *names: str, file: str = "") -> CertificateFiles:
        made = self._ca.issue_cert(*names)
        stem = file or names[0].replace("*", "any")
        certificate, key = self._directory / f"{stem}.crt", self._directory / f"{stem}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        key.write_bytes(made.private_key_pem.bytes())
        return CertificateFiles(certificate, key)
