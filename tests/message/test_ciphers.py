"""Cipher suites by their registered names: RFC 8314 4.3."""

import ssl

import pytest

from postel.message.ciphers import registered_cipher


@pytest.mark.parametrize(
    ("name", "registered"),
    [
        ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
        ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ("ECDHE-ECDSA-AES256-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
        ("DHE-RSA-AES256-SHA256", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"),
        ("ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
        ("NULL-MD5", ""),
        ("tls (x)", ""),
    ],
)
def test_a_suite_has_its_registered_name(name: str, registered: str) -> None:
    assert registered_cipher(name) == registered


def test_every_suite_that_a_server_of_ours_may_settle_on_has_a_name() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    assert all(registered_cipher(suite["name"]) for suite in context.get_ciphers())
