"""Certificates for the tests of TLS, made once."""

from __future__ import annotations

import pytest
from tls_authority import Authority

from postel.tls import CertificateFiles


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def mx(authority: Authority) -> CertificateFiles:
    return authority.issue("mx.example.org", "192.0.2.2")
