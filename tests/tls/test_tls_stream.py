"""TLS over streams in memory, on the fake clock."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections.abc import Awaitable, Callable

import pytest
from tls_authority import Authority

from postel.net import ConnectionLost, Endpoint, Stream, TimedOut
from postel.testing import MemoryNetwork, MemoryStream
from postel.tls import (
    CertificateFiles,
    ClientTls,
    HandshakeFailed,
    PeerDemand,
    ServerTls,
    TlsStream,
    start_client,
    start_server,
)

AT = Endpoint("192.0.2.2", 25)
Serve = Callable[[TlsStream], Awaitable[None]]


async def echo(stream: Stream) -> None:
    with contextlib.suppress(ConnectionLost):
        while data := await stream.read():
            await stream.write(data)


class World:
    """A server with TLS, and a host to dial from."""

    def __init__(self, tls: ServerTls, serve: Serve = echo, timeout_s: float = 30) -> None:
        self.internet = MemoryNetwork()
        self.server_failed = ""
        self._tls = tls
        self._timeout_s = timeout_s
        self._serve = serve
        self._client = self.internet.host("client", "192.0.2.1")

    async def _session(self, stream: Stream) -> None:
        try:
            secure = await start_server(stream, self._tls, timeout_s=self._timeout_s)
        except HandshakeFailed as fault:
            self.server_failed = fault.reason
            return
        await self._serve(secure)
        await secure.close()

    async def dial(self) -> MemoryStream:
        host = self.internet.host("mx", "192.0.2.2")
        if host.listener_at(AT) is None:
            await host.listen(AT, self._session)
        return await self._client.dial(AT, timeout_s=10)

    async def connect(self, tls: ClientTls, name: str | None = "mx.example.org") -> TlsStream:
        return await start_client(await self.dial(), tls, server_name=name, timeout_s=30)


def trusting() -> ClientTls:
    return ClientTls(verify=False)


async def test_octets_pass_in_both_directions(mx: CertificateFiles) -> None:
    stream = await World(ServerTls(mx)).connect(trusting())
    await stream.write(b"EHLO x\r\n")
    assert await stream.read() == b"EHLO x\r\n"
    assert stream.peer == AT and stream.local.host == "192.0.2.1"
    await stream.close()
    await stream.close()
    with pytest.raises(ConnectionLost):
        await stream.read()
    with pytest.raises(ConnectionLost):
        await stream.write(b"x")


async def test_both_ends_know_what_was_agreed(mx: CertificateFiles, authority: Authority) -> None:
    seen: list[TlsStream] = []

    async def serve(stream: TlsStream) -> None:
        seen.append(stream)

    world = World(ServerTls(mx), serve)
    stream = await world.connect(ClientTls(verify=True, ca_file=authority.file))
    assert await stream.read() == b""
    assert not stream.is_truncated
    ours, theirs = stream.tls, seen[0].tls
    assert ours and theirs
    assert ours.version == theirs.version == "TLSv1.3" and ours.cipher == theirs.cipher and ours.bits >= 128
    assert ours.server_name == theirs.server_name == "mx.example.org"
    assert ours.is_verified and not theirs.is_verified
    assert (
        ours.peer_certificate == ssl.PEM_cert_to_DER_cert(first_pem(mx)) and theirs.peer_certificate is None
    )


def first_pem(files: CertificateFiles) -> str:
    end = "-----END CERTIFICATE-----"
    return files.certificate.read_text().partition(end)[0] + end


async def test_large_data_passes_whole(mx: CertificateFiles) -> None:
    data = random.Random(7).randbytes(700_000)
    stream = await World(ServerTls(mx)).connect(trusting())
    sending = asyncio.create_task(stream.write(data))
    received = bytearray()
    while len(received) < len(data):
        received += await stream.read(60)
    await sending
    assert received == data
    await stream.close()


async def test_octets_may_come_one_by_one(mx: CertificateFiles) -> None:
    world = World(ServerTls(mx), timeout_s=1e6)
    world.internet.slow("client", 10)  # one octet a tenth of a second
    stream = await start_client(await world.dial(), trusting(), server_name="mx.example.org", timeout_s=1e6)
    world.internet.slow("client", None)
    await stream.write(b"hello")
    assert await stream.read() == b"hello"


@pytest.mark.parametrize(
    ("name", "because"),
    [("other.example.org", "not valid for"), (None, "no name"), (".bad.", "name of the server")],
)
async def test_a_wrong_name_is_refused(
    mx: CertificateFiles, authority: Authority, name: str | None, because: str
) -> None:
    world = World(ServerTls(mx))
    with pytest.raises(HandshakeFailed, match=because):
        await world.connect(ClientTls(verify=True, ca_file=authority.file), name)


async def test_an_unknown_issuer_is_refused_and_the_server_is_told(mx: CertificateFiles) -> None:
    world = World(ServerTls(mx))
    with pytest.raises(HandshakeFailed, match="unable to get local issuer"):
        await world.connect(ClientTls(verify=True))
    await asyncio.sleep(1)
    assert "unknown ca" in world.server_failed


async def test_an_address_can_be_verified(mx: CertificateFiles, authority: Authority) -> None:
    stream = await World(ServerTls(mx)).connect(ClientTls(verify=True, ca_file=authority.file), "192.0.2.2")
    assert stream.tls and stream.tls.is_verified
    stream.abort()


async def test_the_certificate_is_chosen_by_name(mx: CertificateFiles, authority: Authority) -> None:
    special, wild = authority.issue("mail.example.net"), authority.issue("*.example.com")
    tls = ServerTls(mx, {"Mail.Example.NET": special, "*.example.com": wild})
    client = ClientTls(verify=True, ca_file=authority.file)
    for name in ("mail.example.net", "any.example.com", "mx.example.org"):
        stream = await World(tls).connect(client, name)
        await stream.close()
    with pytest.raises(HandshakeFailed):
        await World(tls).connect(client, "not.any.example.com")
    stream = await World(tls).connect(trusting(), None)  # no SNI: the first certificate
    assert stream.tls and stream.tls.peer_certificate == ssl.PEM_cert_to_DER_cert(first_pem(mx))
    stream.abort()


async def test_a_handshake_has_its_time(mx: CertificateFiles) -> None:
    world = World(ServerTls(mx))
    await world.dial()  # and say nothing
    await asyncio.sleep(31)
    assert world.server_failed == "timed out"


async def test_a_client_does_not_wait_for_ever_either() -> None:
    internet = MemoryNetwork()
    internet.host("mx", "192.0.2.2").script(25, ["silence"])
    stream = await internet.host("client").dial(AT, timeout_s=1)
    with pytest.raises(HandshakeFailed, match="timed out"):
        await start_client(stream, trusting(), server_name=None, timeout_s=30)
    assert asyncio.get_running_loop().time() == pytest.approx(30)


@pytest.mark.parametrize(
    ("part", "because"),
    [(["S 500 what?", "silence"], "wrong version"), (["close"], "closed"), (["cut"], "lost")],
)
async def test_a_server_without_tls_fails_the_handshake(part: list[str], because: str) -> None:
    internet = MemoryNetwork()
    internet.host("mx", "192.0.2.2").script(25, part)
    stream = await internet.host("client").dial(AT, timeout_s=1)
    with pytest.raises(HandshakeFailed, match=because):
        await start_client(stream, trusting(), server_name=None, timeout_s=30)


async def test_garbage_from_a_client_fails_the_handshake(mx: CertificateFiles) -> None:
    world = World(ServerTls(mx))
    stream = await world.dial()
    await stream.write(b"EHLO I did not understand you\r\n")
    await asyncio.sleep(1)
    assert world.server_failed


async def test_old_versions_are_refused(mx: CertificateFiles) -> None:
    world = World(ServerTls(mx))
    client = trusting()
    client_context(client).maximum_version = ssl.TLSVersion.TLSv1_2
    stream = await world.connect(client)
    assert stream.tls and stream.tls.version == "TLSv1.2"
    stream.abort()
    assert client_context(trusting()).minimum_version is ssl.TLSVersion.TLSv1_2
    assert ServerTls(mx)._default.minimum_version is ssl.TLSVersion.TLSv1_2


def client_context(tls: ClientTls) -> ssl.SSLContext:
    return tls._context_for(PeerDemand())


async def test_a_stream_cut_without_close_notify_ends_flagged(mx: CertificateFiles) -> None:
    async def serve(stream: TlsStream) -> None:
        await stream.write(b"half")
        await stream._inner.close()

    stream = await World(ServerTls(mx), serve).connect(trusting())
    assert await stream.read() == b"half"
    assert await stream.read() == b"" and await stream.read() == b""
    assert stream.is_truncated


async def test_damaged_records_lose_the_connection(mx: CertificateFiles) -> None:
    async def serve(stream: TlsStream) -> None:
        await stream._inner.write(b"\x17\x03\x03\x00\x20" + bytes(32))
        await asyncio.sleep(1)

    stream = await World(ServerTls(mx), serve).connect(trusting())
    with pytest.raises(ConnectionLost, match="TLS"):
        await stream.read()
    with pytest.raises(ConnectionLost):
        await stream.write(b"x")


async def test_reading_times_out_and_the_stream_stays_usable(mx: CertificateFiles) -> None:
    stream = await World(ServerTls(mx)).connect(trusting())
    with pytest.raises(TimedOut):
        await stream.read(60)
    assert asyncio.get_running_loop().time() == pytest.approx(60)
    await stream.write(b"x")
    assert await stream.read(60) == b"x"


async def test_a_drip_of_octets_does_not_stretch_a_read(mx: CertificateFiles) -> None:
    async def serve(stream: TlsStream) -> None:
        for octet in b"\x17\x03\x03\x40\x00" + bytes(100):
            await stream._inner.write(bytes([octet]))
            await asyncio.sleep(10)

    world = World(ServerTls(mx), serve)
    stream = await world.connect(trusting())
    with pytest.raises(TimedOut):
        await stream.read(60)
    assert asyncio.get_running_loop().time() == pytest.approx(60)
    stream.abort()
    world.internet.cut("mx")


async def test_a_peer_that_does_not_read_stops_the_writer(mx: CertificateFiles) -> None:
    async def serve(stream: TlsStream) -> None:
        await asyncio.sleep(1e5)

    world = World(ServerTls(mx), serve)
    stream = await world.connect(trusting())
    with pytest.raises(TimedOut):
        await stream.write(bytes(1_000_000), 60)
    stream.abort()


async def test_sessions_are_resumed(mx: CertificateFiles, authority: Authority) -> None:
    tls, client = ServerTls(mx), ClientTls(verify=True, ca_file=authority.file)
    resumed = []
    for _ in range(3):
        stream = await World(tls).connect(client)
        await stream.write(b"x")
        assert await stream.read() == b"x"  # the ticket comes with the first octets
        assert stream.tls and stream.tls.peer_certificate and stream.tls.is_verified
        resumed.append(stream.is_resumed)
        await stream.close()
    assert resumed == [False, True, True]


async def test_few_sessions_are_remembered(mx: CertificateFiles) -> None:
    tls, client = ServerTls(mx), ClientTls(verify=False, session_limit=2)
    for name in ("a.example", "b.example", "c.example"):
        stream = await World(tls).connect(client, name)
        await stream.write(b"x")
        await stream.read()
        await stream.close()
    assert [name for name, *_ in client._sessions] == ["b.example", "c.example"]


async def test_new_files_are_used_after_a_reload(authority: Authority) -> None:
    files = authority.issue("old.example.org", file="reload")
    tls, client = ServerTls(files), ClientTls(verify=True, ca_file=authority.file)
    before = await World(tls).connect(client, "old.example.org")
    authority.issue("new.example.org", file="reload")
    tls.reload()
    after = await World(tls).connect(client, "new.example.org")
    for stream in (before, after):
        await stream.write(b"x")
        assert await stream.read() == b"x"
        await stream.close()


async def test_tls_works_inside_of_tls(mx: CertificateFiles) -> None:
    async def serve(outer: TlsStream) -> None:
        await echo(await start_server(outer, ServerTls(mx), timeout_s=30))

    outer = await World(ServerTls(mx), serve).connect(trusting())
    inner = await start_client(outer, trusting(), server_name=None, timeout_s=30)
    await inner.write(b"deep")
    assert await inner.read() == b"deep"
    await inner.close()
