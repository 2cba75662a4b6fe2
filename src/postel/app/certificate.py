"""The certificate that servers show: the configured one, or a self-signed one of the data directory.

Implements  RFC 6066 3 (one for each server name).
Gives       read_certificate, more_certificates, read_certificate_again, own_certificate.
Not here    What a certificate is good for: app.check. Handshakes: tls.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from postel.app.options import hostname
from postel.app.privileges import current_user
from postel.config import BadConfig, Loaded, Mistake
from postel.observe import logger
from postel.tls import BadCertificate, CertificateFiles, ServerTls, certificate_facts, self_signed

log = logger("app")


def read_certificate(loaded: Loaded) -> ServerTls | None:
    """The configured certificate, None where none is. Raises BadConfig, with the line that names it."""
    files = _named(loaded)
    if files is None:
        return None
    by_name = more_certificates(loaded)
    try:
        return _with_asking(loaded, files, by_name)
    except BadCertificate as bad:
        line = loaded.line("tls", "certificate")
        raise BadConfig([Mistake(loaded.file, line, f"{bad}; {_remedy(files)}")]) from None


def _with_asking(
    loaded: Loaded, files: CertificateFiles, by_name: Mapping[str, CertificateFiles]
) -> ServerTls:
    """The certificates, and the same for services that ask clients for theirs. Raises BadCertificate, BadConfig."""
    made = ServerTls(files, by_name)
    if (authorities := _client_authorities(loaded)) is not None:
        try:
            certificate_facts(authorities)
        except BadCertificate as bad:
            line = loaded.line("login", "client_authorities")
            raise BadConfig(
                [Mistake(loaded.file, line, f"{bad}; name a PEM file that can be read")]
            ) from None
        made.asking = ServerTls(files, by_name, authorities=authorities)
    return made


def _client_authorities(loaded: Loaded) -> Path | None:
    file = loaded.config.login.client_authorities
    return None if file is None else loaded.resolve(file)


def more_certificates(loaded: Loaded) -> dict[str, CertificateFiles]:
    """The certificates of `[[certificate]]` by server name; the first that has a name keeps it.

    Raises BadConfig, with the line of one that cannot be used.
    """
    by_name: dict[str, CertificateFiles] = {}
    for number, settings in enumerate(loaded.config.certificate):
        assert settings.chain is not None and settings.key is not None, (
            "config.check refuses one without files"
        )
        files = CertificateFiles(loaded.resolve(settings.chain), loaded.resolve(settings.key))
        try:
            facts = certificate_facts(files.certificate, files.key)
            if not facts.key_matches:
                raise BadCertificate(f"{files.key} is not the key of the certificate in {files.certificate}")
        except BadCertificate as bad:
            line = loaded.line("certificate", number, "chain")
            raise BadConfig([Mistake(loaded.file, line, f"{bad}; {_remedy(files)}")]) from None
        for name in settings.names or facts.names:
            by_name.setdefault(name.lower(), files)
    return by_name


def read_certificate_again(loaded: Loaded, before: Loaded, in_force: ServerTls | None) -> ServerTls | None:
    """What `read_certificate` gives, at a reload.

    Files that only root may read were read before root was given up; they cannot be read again. As long as
    the configuration names the same ones, the certificate in force stays, and the log says so.
    """
    try:
        return read_certificate(loaded)
    except BadConfig as bad:
        forbidden = [files for files in _all_named(loaded) if _is_forbidden(files)]
        same = _all_named(loaded) == _all_named(before)
        same = same and _client_authorities(loaded) == _client_authorities(before)
        if in_force is None or not forbidden or not same:
            raise
        because = f"{bad.mistakes[0].text}, or restart; until then the one in force stays"
        log.trouble("certificate_kept", certificate=forbidden[0].certificate, because=because)
        return in_force


def own_certificate(loaded: Loaded, directory: Path, now_at: float) -> ServerTls:
    """A self-signed certificate, made at the first start. Raises BadCertificate, BadConfig, OSError."""
    name = hostname(loaded).ascii
    is_new = not (directory / "self-signed.key").exists()
    certificate, key = self_signed(name, directory, now_at)
    if is_new:
        log.event("certificate_self_signed", certificate=certificate, hostname=name)
    return _with_asking(loaded, CertificateFiles(certificate, key), {})


def _named(loaded: Loaded) -> CertificateFiles | None:
    tls = loaded.config.tls
    if tls.certificate is None or tls.key is None:
        return None
    return CertificateFiles(loaded.resolve(tls.certificate), loaded.resolve(tls.key))


def _all_named(loaded: Loaded) -> list[CertificateFiles]:
    more = [(one.chain, one.key) for one in loaded.config.certificate]
    pairs = [(loaded.config.tls.certificate, loaded.config.tls.key), *more]
    return [CertificateFiles(loaded.resolve(a), loaded.resolve(b)) for a, b in pairs if a and b]


def _remedy(files: CertificateFiles) -> str:
    return f"let user {current_user()} read it" if _is_forbidden(files) else "mend it, then say postel check"


def _is_forbidden(files: CertificateFiles) -> bool:
    """Whether one of the files is there for others, and not for us."""
    for path in (files.certificate, files.key):
        try:
            path.open("rb").close()
        except PermissionError:
            return True
        except OSError:
            return False
    return False
