"""Certificate files, good and bad."""

from __future__ import annotations

import stat
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tls_authority import Authority

from postel.testing import EPOCH_AT
from postel.tls import BadCertificate, CertificateFiles, ClientTls, ServerTls, certificate_facts, self_signed

DAY_S = 86400


def test_a_self_signed_certificate_is_made_once(tmp_path: Path) -> None:
    certificate, key = self_signed("mx.example.org", tmp_path / "tls", EPOCH_AT)
    before = certificate.read_bytes(), key.read_bytes()
    assert self_signed("mx.example.org", tmp_path / "tls", EPOCH_AT) == (certificate, key)
    assert (certificate.read_bytes(), key.read_bytes()) == before
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert sorted(path.name for path in key.parent.iterdir()) == ["self-signed.crt", "self-signed.key"]


def test_a_self_signed_certificate_lasts_ten_years(tmp_path: Path) -> None:
    facts = certificate_facts(*self_signed("mx.example.org", tmp_path, EPOCH_AT))
    assert facts.names == ("mx.example.org",)
    assert facts.not_before_at < EPOCH_AT < EPOCH_AT + 3650 * DAY_S < facts.not_after_at
    assert facts.is_self_signed and facts.key_matches and facts.issuer == "CN=mx.example.org"
    ServerTls(CertificateFiles(tmp_path / "self-signed.crt", tmp_path / "self-signed.key"))


def test_a_long_host_name_fits(tmp_path: Path) -> None:
    name = ".".join(["label" * 5] * 4)
    assert certificate_facts(self_signed(name, tmp_path, EPOCH_AT)[0]).names == (name,)


def test_a_half_made_pair_is_made_anew(tmp_path: Path) -> None:
    certificate, _ = self_signed("mx.example.org", tmp_path, EPOCH_AT)
    certificate.unlink()
    (tmp_path / "self-signed.key.new").write_text("left by a crash")
    assert certificate_facts(*self_signed("mx.example.org", tmp_path, EPOCH_AT)).key_matches


def test_the_facts_of_an_issued_certificate(mx: CertificateFiles) -> None:
    facts = certificate_facts(mx.certificate, mx.key)
    assert set(facts.names) == {"mx.example.org", str(ip_address("192.0.2.2"))}
    assert facts.key_matches and not facts.is_self_signed
    assert certificate_facts(mx.certificate).key_matches is None


def test_names_are_covered_by_label(authority: Authority) -> None:
    facts = certificate_facts(authority.issue("mx.example.org", "*.example.com", file="covers").certificate)
    assert facts.covers("MX.example.org") and facts.covers("a.example.com")
    assert not facts.covers("a.b.example.com") and not facts.covers("example.com")


def test_the_key_of_another_certificate_does_not_match(mx: CertificateFiles, authority: Authority) -> None:
    other = authority.issue("other.example.org")
    assert certificate_facts(mx.certificate, other.key).key_matches is False
    with pytest.raises(BadCertificate, match="is not the key of"):
        ServerTls(CertificateFiles(mx.certificate, other.key))


def encrypted(path: Path) -> Path:
    path.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    return path


def test_bad_files_are_told_apart(mx: CertificateFiles, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("")
    broken = tmp_path / "broken"
    broken.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    for certificate, key, words in [
        (tmp_path / "missing", mx.key, "cannot be read: no such file"),
        (tmp_path, mx.key, "cannot be read: is a directory"),
        (empty, mx.key, "holds no certificate"),
        (mx.key, mx.key, "holds no certificate"),
        (mx.certificate, empty, "holds no private key"),
        (mx.certificate, broken, "holds no private key"),
        (mx.certificate, encrypted(tmp_path / "locked"), "encrypted"),
    ]:
        with pytest.raises(BadCertificate, match=words):
            certificate_facts(certificate, key)
        with pytest.raises(BadCertificate, match=words):
            ServerTls(CertificateFiles(certificate, key))


def test_trust_anchors_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCertificate, match="cannot be read"):
        ClientTls(verify=True, ca_file=tmp_path / "missing")


def test_a_bad_reload_keeps_the_old_certificate(authority: Authority, tmp_path: Path) -> None:
    files = authority.issue("mx.example.org", file="kept")
    tls = ServerTls(files, {"x.example": files})
    old = tls._default
    files.certificate.write_text("nonsense")
    with pytest.raises(BadCertificate):
        tls.reload()
    assert tls._default is old


def test_a_key_that_openssl_finds_too_weak_is_refused(authority: Authority) -> None:
    files = authority.issue("weak.example.org")
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    old = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    weak = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )
    files.certificate.write_bytes(weak.public_bytes(serialization.Encoding.PEM))
    pem = serialization.PrivateFormat.PKCS8
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, serialization.NoEncryption()))
    assert certificate_facts(files.certificate).names == ()  # no subject alternative names
    with pytest.raises(BadCertificate, match="cannot be used: ee key too small"):
        ServerTls(files)
