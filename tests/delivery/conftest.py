"""A certificate authority for next hops, made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from postel.tls import CertificateFiles, ClientTls, ServerTls


@dataclass(frozen=True)
class HopCertificates:
    """`server(name)` has a certificate for that name; `verifying` is a client that trusts their issuer."""

    server: Callable[[str], ServerTls]
    verifying: ClientTls


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
