"""The certificate that servers show: the configured one, or a self-signed one of the data directory.

Gives       read_certificate, read_certificate_again, own_certificate.
Not here    What a certificate is good for: app.check. Handshakes: tls.
"""

from __future__ import annotations

from pathlib import Path

from postel.app.options import hostname
from postel.app.privileges import current_user
from postel.config import BadConfig, Loaded, Mistake
from postel.observe import logger
from postel.tls import BadCertificate, CertificateFiles, ServerTls, self_signed

log = logger("app")


def read_certificate(loaded: Loaded) -> ServerTls | None:
    """The configured certificate, None where none is. Raises BadConfig, with the line that names it."""
    files = _named(loaded)
    if files is None:
        return None
    try:
        return ServerTls(files)
    except BadCertificate as bad:
        line = loaded.line("tls", "certificate")
        remedy = (
            f"let user {current_user()} read it" if _is_forbidden(files) else "mend it, then say postel check"
        )
        raise BadConfig([Mistake(loaded.file, line, f"{bad}; {remedy}")]) from None


def read_certificate_again(loaded: Loaded, before: Loaded, in_force: ServerTls | None) -> ServerTls | None:
    """What `read_certificate` gives, at a reload.

    Files that only root may read were read before root was given up; they cannot be read again. As long as
    the configuration names the same ones, the certificate in force stays, and the log says so.
    """
    try:
        return read_certificate(loaded)
    except BadConfig as bad:
        files = _named(loaded)
        if in_force is None or files is None or files != _named(before) or not _is_forbidden(files):
            raise
        because = f"{bad.mistakes[0].text}, or restart; until then the one in force stays"
        log.trouble("certificate_kept", certificate=files.certificate, because=because)
        return in_force


def own_certificate(loaded: Loaded, directory: Path, now_at: float) -> ServerTls:
    """A self-signed certificate, made at the first start. Raises BadCertificate, OSError."""
    name = hostname(loaded).ascii
    is_new = not (directory / "self-signed.key").exists()
    certificate, key = self_signed(name, directory, now_at)
    if is_new:
        log.event("certificate_self_signed", certificate=certificate, hostname=name)
    return ServerTls(CertificateFiles(certificate, key))


def _named(loaded: Loaded) -> CertificateFiles | None:
    tls = loaded.config.tls
    if tls.certificate is None or tls.key is None:
        return None
    return CertificateFiles(loaded.resolve(tls.certificate), loaded.resolve(tls.key))


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
