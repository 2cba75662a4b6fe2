"""How we do TLS: what a server shows, what a client demands, what both refuse.

Implements  RFC 8996 (TLS 1.2 at least), RFC 6066 3 (SNI), RFC 8446 2.2 (resumption), RFC 7525 (the rest).
Gives       ServerTls, ClientTls.
Not here    The handshake itself, and the stream (tls.stream).
"""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

from postel.tls.certificates import CertificateFiles, certificate_der, certificate_facts
from postel.tls.faults import BadCertificate, HandshakeFailed
from postel.tls.names import NO_DEMAND, OLDEST, PeerDemand, certificate_is_for

_OPTIONS: Final = ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
_SESSION_LIMIT: Final = 1000  # sessions that a client remembers for resumption
_VERSIONS: Final = {OLDEST: ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_Remembered: TypeAlias = tuple[str | None, str, PeerDemand]


class ServerTls:
    """A server's certificates. The one for the name that the client asks for is shown, else the first.

    default     shown to clients that name no server, or one that we have no certificate for.
    by_name     more certificates, by server name; `*.example.org` stands for one label.
    authorities trust anchors in PEM for the certificates of clients: they are asked for one, and may have none. Who
                shows one of other authorities gets no session. Without anchors nobody is asked.

    asking      one that asks, with the same certificates, for services where people log in; None: they use this one.
    """

    def __init__(
        self,
        default: CertificateFiles,
        by_name: Mapping[str, CertificateFiles] | None = None,
        *,
        authorities: Path | None = None,
    ) -> None:
        """Read the files. Raises BadCertificate."""
        self._default_files = default
        self._authorities = authorities
        self.asking: ServerTls | None = None
        self._files = {name.lower(): files for name, files in (by_name or {}).items()}
        self._names: WeakKeyDictionary[ssl.SSLObject, str] = WeakKeyDictionary()
        self._shown: WeakKeyDictionary[ssl.SSLContext, bytes] = WeakKeyDictionary()
        self.reload()

    def reload(self) -> None:
        """Read the files again. Handshakes from now on use them; sessions go on as they are.

        Raises BadCertificate, and then nothing has changed.
        """
        default = self._context(self._default_files)
        contexts = {name: self._context(files) for name, files in self._files.items()}
        default.sni_callback = self._choose
        shown = {
            context: certificate_der(files.certificate)
            for context, files in (
                (default, self._default_files),
                *((contexts[name], files) for name, files in self._files.items()),
            )
        }
        self._default, self._contexts = default, contexts
        self._shown.update(shown)  # sessions that began with the old ones still ask

    def _context(self, files: CertificateFiles) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self._authorities is not None:
            certificate_facts(self._authorities)  # for its clear words
            context.load_verify_locations(self._authorities)
            context.verify_mode = ssl.CERT_OPTIONAL
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= _OPTIONS
        _load_own(context, files)
        return context

    def _choose(self, session: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        """OpenSSL asks, in the middle of a handshake, which certificate to show."""
        if name is None or not name.isprintable() or not isinstance(session, ssl.SSLObject):
            return
        name = name.lower()
        self._names[session] = name
        wild = "*." + name.partition(".")[2]
        if chosen := self._contexts.get(name) or self._contexts.get(wild):
            session.context = chosen

    def wrap(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> ssl.SSLObject:
        """The server's end of a new TLS session."""
        return self._default.wrap_bio(incoming, outgoing, server_side=True)

    def shown(self, session: ssl.SSLObject) -> bytes | None:
        """The certificate that the server showed in this session, in DER."""
        return self._shown.get(session.context)

    def server_name(self, session: ssl.SSLObject) -> str | None:
        """The name that the client of this session asked for."""
        return self._names.get(session)


class ClientTls:
    """What a client demands of servers, and the sessions it can resume.

    verify          whether the server's certificate must be valid and for the name it was reached by.
                    Opportunistic TLS does without: mail would go in the clear otherwise (RFC 7435).
    ca_file         trust anchors in PEM, in place of the system's.
    session_limit   how many sessions are remembered; the least recently used is forgotten.
    own             a certificate of ours, shown to servers that ask for one.
    """

    def __init__(
        self,
        *,
        verify: bool,
        ca_file: Path | None = None,
        session_limit: int = _SESSION_LIMIT,
        own: CertificateFiles | None = None,
    ) -> None:
        """Read the trust anchors, and the certificate. Raises BadCertificate."""
        self._own = own
        self._ca_file = ca_file
        self._session_limit = session_limit
        self._sessions: OrderedDict[_Remembered, ssl.SSLSession] = OrderedDict()
        self._contexts: dict[tuple[str, bool], ssl.SSLContext] = {}
        self.verify = verify
        self._context_for(NO_DEMAND)

    def showing(self, own: CertificateFiles) -> ClientTls:
        """The same demands, with a certificate of ours and sessions of its own. Raises BadCertificate."""
        return ClientTls(
            verify=self.verify, ca_file=self._ca_file, session_limit=self._session_limit, own=own
        )

    def _context_for(self, demand: PeerDemand) -> ssl.SSLContext:
        """The context that fits a demand; the few there are get made once."""
        key = (demand.least, bool(demand.names))
        if key not in self._contexts:
            self._contexts[key] = self._made(demand)
        return self._contexts[key]

    def _made(self, demand: PeerDemand) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = _VERSIONS[demand.least]
        context.options |= _OPTIONS
        # OpenSSL compares with the name that the server was reached by; other names we compare ourselves.
        context.check_hostname = self.verify and not demand.names
        context.verify_mode = ssl.CERT_REQUIRED if self.verify else ssl.CERT_NONE
        self._load(context)
        if self._own is not None:
            _load_own(context, self._own)
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        if self._ca_file is not None:
            certificate_facts(self._ca_file)  # for its clear words
            context.load_verify_locations(self._ca_file)
        elif self.verify:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)

    def wrap(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_name: str | None,
        host: str,
        demand: PeerDemand,
    ) -> ssl.SSLObject:
        """The client's end of a new TLS session with the server at `host`. Raises HandshakeFailed."""
        if self.verify and not (server_name or demand.names):
            raise HandshakeFailed("there is no name to verify the certificate against")
        # RFC 8446 C.4: a ticket is used once, so that nobody can tell our connections belong together.
        known = self._sessions.pop((server_name, host, demand), None)
        context = self._context_for(demand)
        try:
            return context.wrap_bio(incoming, outgoing, server_hostname=server_name, session=known)
        except (ValueError, UnicodeError) as fault:
            raise HandshakeFailed(f"the name of the server cannot be used in TLS: {fault}") from None

    def check_names(self, session: ssl.SSLObject, demand: PeerDemand) -> None:
        """After the handshake: whether the server has one of the names it must have. Raises HandshakeFailed."""
        if self.verify and demand.names and not certificate_is_for(session.getpeercert() or {}, demand.names):
            raise HandshakeFailed(f"the certificate is not for {' or '.join(demand.names)}")

    def remember(
        self, session: ssl.SSLSession | None, server_name: str | None, host: str, demand: PeerDemand
    ) -> None:
        """Keep a session for resumption, if it can be resumed."""
        if session is None or not session.has_ticket:
            return
        self._sessions[server_name, host, demand] = session
        self._sessions.move_to_end((server_name, host, demand))
        while len(self._sessions) > self._session_limit:
            self._sessions.popitem(last=False)


def _load_own(context: ssl.SSLContext, files: CertificateFiles) -> None:
    if not certificate_facts(files.certificate, files.key).key_matches:
        raise BadCertificate(f"{files.key} is not the key of the certificate in {files.certificate}")
    try:
        # A passphrase is given so that OpenSSL never asks for one on the terminal.
        context.load_cert_chain(files.certificate, files.key, password="")
    except (ssl.SSLError, OSError) as fault:
        raise BadCertificate(f"{files.certificate} cannot be used: {reason_of(fault)}") from fault


def reason_of(fault: Exception) -> str:
    """OpenSSL's words for a fault, in lower case, without its file and line."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return fault.verify_message
    reason = getattr(fault, "reason", None)
    if reason:
        return str(reason).lower().replace("_", " ")
    return str(getattr(fault, "strerror", None) or fault).lower()
