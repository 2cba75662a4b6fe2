"""Hand one message to one server: for `postel send`, for tools and for tests.

Implements  RFC 6409 as a client.
Gives       submit.
Not here    Queues and retries: whoever calls this is told at once how it went.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

from postel.delivery.opening import Opening, Target, open_session
from postel.delivery.trouble import HopTrouble, lost, refused
from postel.mail import Envelope, LocalFault, Reply
from postel.net import Endpoint, Network
from postel.proto import sasl
from postel.proto.smtp import ClientOptions, ClientTimeouts, SessionLost, TransactionDone
from postel.routing import Care, TlsDemand, TlsPolicy, cared_for
from postel.tls import ClientTls

IMPLICIT_TLS_PORT: Final = 465


async def submit(
    network: Network,
    to: Endpoint,
    envelope: Envelope,
    content: bytes | AsyncIterable[bytes],
    *,
    hostname: str = "localhost",
    server_name: str | None = None,
    login: sasl.Credentials | None = None,
    tls: TlsPolicy = TlsPolicy.WHEN_OFFERED,
    tls_context: ClientTls | None = None,
    is_lmtp: bool = False,
    timeouts: ClientTimeouts | None = None,
) -> tuple[Reply, ...]:
    """Submit, and give the decisive reply for each recipient, in the envelope's order.

    hostname        what we call ourselves in EHLO.
    server_name     what the certificate must be for; the address without it.
    login           None: without. A password is shown only under TLS, or within this machine.
    tls             port 465 has TLS from the first octet whatever this says; an envelope with REQUIRETLS wants it
                    verified, and goes only to a host that offers REQUIRETLS (RFC 8689 4.3).
    tls_context     default: the system's trust anchors where `tls` is VERIFIED, else anybody's certificate.

    Raises HopTrouble when no transaction came about, or none that was answered.
    """
    requiretls = "REQUIRETLS" in envelope.parameters
    demand = cared_for(TlsDemand(tls), Care.REQUIRED if requiretls else Care.BY_POLICY)
    context = tls_context or ClientTls(verify=demand.policy is TlsPolicy.VERIFIED)
    client = ClientOptions(hostname=hostname, is_lmtp=is_lmtp, timeouts=timeouts or ClientTimeouts())
    opening = Opening(
        client=client,
        tls=demand,
        tls_any=context,
        tls_verified=context,
        is_tls_implicit=to.port == IMPLICIT_TLS_PORT,
        requiretls=requiretls,
        credentials=login,
    )
    target = Target(server_name or to.host, to)
    size_bytes, chunks = (len(content), _whole(content)) if isinstance(content, bytes) else (None, content)
    session = await open_session(network, target, opening)
    try:
        event = await session.transact(envelope, size_bytes, chunks)
        await session.quit()
    except BaseException:
        session.abort()
        raise
    match event:
        case TransactionDone(replies):
            return replies
        case SessionLost(reply, because):
            raise _trouble(target.remote, reply, because)
        case _:
            raise LocalFault(f"{event} at the end of a transaction")


def _trouble(remote: str, reply: Reply | None, because: str) -> HopTrouble:
    return refused(remote, reply) if reply is not None and not reply.is_positive else lost(remote, because)


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
