"""TLS over any stream: certificates by name, opportunistic or verified, with resumption. Floor 2."""

from postel.tls.binding import server_end_point
from postel.tls.certificates import (
    CertificateFacts,
    CertificateFiles,
    certificate_facts,
    certificate_facts_of,
    mail_addresses,
    self_signed,
)
from postel.tls.contexts import ClientTls, ServerTls
from postel.tls.faults import BadCertificate, HandshakeFailed
from postel.tls.names import NO_DEMAND, PeerDemand
from postel.tls.stream import TlsStream, start_client, start_server

__all__ = [
    "NO_DEMAND",
    "BadCertificate",
    "CertificateFacts",
    "CertificateFiles",
    "ClientTls",
    "HandshakeFailed",
    "PeerDemand",
    "ServerTls",
    "TlsStream",
    "certificate_facts",
    "certificate_facts_of",
    "mail_addresses",
    "self_signed",
    "server_end_point",
    "start_client",
    "start_server",
]
