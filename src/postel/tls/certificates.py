"""Certificate files: what is in them, and a self-signed one for a host that has none yet.

Implements  RFC 5280 (certificates), RFC 7468 (their text form), RFC 6125 6.4.4 (names are in the SAN).
Gives       CertificateFiles, CertificateFacts, certificate_facts, certificate_facts_of, mail_addresses, self_signed.
Not here    Using them in a handshake (tls.contexts).
"""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import NameOID

from postel.tls.faults import BadCertificate

_LIFE: Final = datetime.timedelta(days=3652)  # ten years: nobody renews what nobody verifies
_CLOCK_SLACK: Final = datetime.timedelta(days=1)  # peers' clocks may be behind ours
_COMMON_NAME_LIMIT: Final = 64  # RFC 5280 appendix A: ub-common-name
_FILE_LIMIT: Final = 1 << 20  # octets read of a certificate or key file


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """A certificate (its chain after it, in PEM) and its private key, which may be in the same file."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate file says.

    names                       lower-case DNS names of the first certificate, and its addresses as text.
    not_before_at, not_after_at when it is valid, in Unix seconds.
    issuer                      who issued it, as RFC 4514 text.
    is_self_signed              whether that is itself.
    key_matches                 whether the key file holds its key; None if no key file was asked about.
    """

    names: tuple[str, ...]
    not_before_at: float
    not_after_at: float
    issuer: str
    is_self_signed: bool
    key_matches: bool | None

    def covers(self, name: str) -> bool:
        """Whether the certificate is for this name; `*` stands for one label (RFC 6125 6.4.3)."""
        name = name.lower()
        return name in self.names or "*." + name.partition(".")[2] in self.names


def certificate_facts(certificate: Path, key: Path | None = None) -> CertificateFacts:
    """Read a certificate file, and a key file if given. Raises BadCertificate."""
    first = _certificate(certificate)
    matches = None if key is None else _key(key).public_key() == first.public_key()
    return _facts(first, matches)


def certificate_facts_of(der: bytes) -> CertificateFacts | None:
    """The same of a certificate that a peer showed; None where it cannot be read."""
    try:
        return _facts(x509.load_der_x509_certificate(der), None)
    except ValueError:
        return None


def mail_addresses(der: bytes) -> tuple[str, ...]:
    """Whose certificate a client has shown: the mail addresses in its SAN (RFC 5280 4.2.1.6), as they stand there.

    Without one the common name, if it is an address. Empty where there is neither, or nothing can be read.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        named = _rfc822_names(certificate)
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return ()
    return named or tuple(str(one.value) for one in common[:1] if "@" in str(one.value))


def _rfc822_names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(san.get_values_for_type(x509.RFC822Name))


def _facts(certificate: x509.Certificate, key_matches: bool | None) -> CertificateFacts:
    return CertificateFacts(
        _names(certificate),
        certificate.not_valid_before_utc.timestamp(),
        certificate.not_valid_after_utc.timestamp(),
        certificate.issuer.rfc4514_string(),
        certificate.issuer == certificate.subject,
        key_matches,
    )


def certificate_der(certificate: Path) -> bytes:
    """The first certificate of a file, in DER. Raises BadCertificate."""
    return _certificate(certificate).public_bytes(serialization.Encoding.DER)


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(_read(path))[0]
    except (ValueError, IndexError):
        raise BadCertificate(f"{path} holds no certificate in PEM form") from None


def _key(path: Path) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(_read(path), password=None)
    except TypeError:
        raise BadCertificate(f"the key in {path} is encrypted: store it without a passphrase") from None
    except Exception as fault:  # cryptography names no bound on what a damaged key may raise
        raise BadCertificate(f"{path} holds no private key in PEM form") from fault


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_FILE_LIMIT)
    except OSError as fault:
        raise BadCertificate(f"{path} cannot be read: {os.strerror(fault.errno or 0).lower()}") from None


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    names = [name.lower() for name in san.get_values_for_type(x509.DNSName)]
    return (*names, *(str(ip) for ip in san.get_values_for_type(x509.IPAddress)))


def self_signed(hostname: str, directory: Path, now_at: float) -> tuple[Path, Path]:
    """The paths of a self-signed certificate for `hostname` and of its key; made if not there yet.

    Opportunistic TLS between mail servers does not verify names (RFC 7435), so this protects mail from
    listeners on the day of installation. Raises OSError.
    """
    certificate, key = directory / "self-signed.crt", directory / "self-signed.key"
    if not (certificate.exists() and key.exists()):
        directory.mkdir(parents=True, exist_ok=True)
        made = ec.generate_private_key(ec.SECP256R1())
        _write(key, _pem(made), mode=0o600)
        _write(certificate, _sign(hostname, made, now_at), mode=0o644)
    return certificate, key


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _sign(hostname: str, key: ec.EllipticCurvePrivateKey, now_at: float) -> bytes:
    now = datetime.datetime.fromtimestamp(now_at, datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:_COMMON_NAME_LIMIT])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SLACK)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(hostname)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _write(path: Path, data: bytes, *, mode: int) -> None:
    """Put the file there whole, or not at all; it never has a wider mode than `mode`."""
    draft = path.with_suffix(path.suffix + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
