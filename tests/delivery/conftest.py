"""A certificate authority for next hops, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme
from hop_certificates import HopCertificates

from postel.tls import CertificateFiles, ClientTls, ServerTls


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> HopCertificates:
    directory: Path = tmp_path_factory.mktemp("hops")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(directory / "ca.pem"))

    def server(name: str) -> ServerTls:
        made = ca.issue_cert(name)
        made.private_key_and_cert_chain_pem.write_to_path(str(directory / f"{name}.pem"))
        return ServerTls(CertificateFiles(directory / f"{name}.pem", directory / f"{name}.pem"))

    return HopCertificates(server, ClientTls(verify=True, ca_file=directory / "ca.pem"))
