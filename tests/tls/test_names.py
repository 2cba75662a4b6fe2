"""Which names a certificate may have, when it is not the name that the server was reached by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_tls_stream import World
from tls_authority import Authority

from postel.tls import CertificateFiles, ClientTls, HandshakeFailed, PeerDemand, ServerTls, start_client
from postel.tls.names import certificate_is_for


def shows(*names: str, ips: tuple[str, ...] = ()) -> dict[str, object]:
    return {"subjectAltName": (*(("DNS", name) for name in names), *(("IP Address", ip) for ip in ips))}


@pytest.mark.parametrize(
    ("presented", "wanted"),
    [
        ("mx.example.org", "mx.example.org"),
        ("MX.Example.ORG", "mx.example.org"),
        ("mx.example.org", "MX.EXAMPLE.ORG"),
        ("*.example.org", "mx.example.org"),  # RFC 6125 6.4.3
        ("mx1.mail.example.org", ".example.org"),
        ("*.example.org", ".example.org"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_name_is_found_as_rfc_6125_compares_them(presented: str, wanted: str) -> None:
    assert certificate_is_for(shows("other.example", presented), ("nobody.example", wanted))


@pytest.mark.parametrize(
    ("presented", "wanted"),
    [
        ("mx.example.org", "example.org"),
        ("example.org", ".example.org"),
        ("badexample.org", ".example.org"),
        ("*.example.org", "a.mx.example.org"),  # a wildcard is one label
        ("*.example.org", "example.org"),
        ("m*.example.org", "mx.example.org"),  # RFC 6125 6.4.3 lets us refuse these
        ("*", "mx"),
        ("*.org", "example.org"),
        ("*.", "mx."),
        ("192.0.2.1", "192.0.2.1"),  # an address is no DNS name
    ],
)
def test_and_no_other(presented: str, wanted: str) -> None:
    assert not certificate_is_for(shows(presented), (wanted,))


def test_the_common_name_is_not_looked_at() -> None:
    # RFC 7817 3
    assert not certificate_is_for({"subject": ((("commonName", "mx.example.org"),),)}, ("mx.example.org",))


def test_addresses_are_compared_as_addresses() -> None:
    assert certificate_is_for(shows(ips=("2001:DB8:0:0:0:0:0:1", "192.0.2.1\n")), ("2001:db8::1",))
    assert certificate_is_for(shows(ips=("192.0.2.1",)), ("192.0.2.1",))
    assert not certificate_is_for(shows(ips=("192.0.2.1",)), ("192.0.2.2", "mx.example.org"))


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_certificate_makes_anything_escape(presented: str, wanted: str) -> None:
    assert certificate_is_for(shows(presented, ips=(presented,)), (wanted,)) in (True, False)


async def connect(world: World, client: ClientTls, *names: str, least: str = "TLSv1.2") -> bool:
    """Whether the session was resumed. Raises HandshakeFailed."""
    stream = await start_client(
        await world.dial(),
        client,
        server_name="mx.example.org",
        timeout_s=30,
        demand=PeerDemand(names, least),
    )
    await stream.write(b"x")
    assert await stream.read() == b"x"
    assert stream.tls and stream.tls.is_verified
    await stream.close()
    return stream.is_resumed


async def test_a_server_may_have_another_name_than_the_one_it_was_reached_by(authority: Authority) -> None:
    world = World(ServerTls(authority.issue("mail.hoster.example")))
    client = ClientTls(verify=True, ca_file=authority.file)
    assert not await connect(world, client, "example.org", "mail.hoster.example")
    assert not await connect(world, client, ".hoster.example"), "another demand, another session"
    with pytest.raises(HandshakeFailed, match=r"the certificate is not for example.org or .example.org"):
        await connect(world, client, "example.org", ".example.org")
    with pytest.raises(HandshakeFailed, match="not valid for"):
        await connect(world, client)


async def test_resumed_sessions_are_held_to_the_same_names(authority: Authority) -> None:
    world = World(ServerTls(authority.issue("mail.hoster.example")))
    client = ClientTls(verify=True, ca_file=authority.file)
    assert [await connect(world, client, ".hoster.example") for _ in range(3)] == [False, True, True]


async def test_an_unknown_issuer_is_refused_whatever_the_names(mx: CertificateFiles) -> None:
    with pytest.raises(HandshakeFailed):
        await connect(World(ServerTls(mx)), ClientTls(verify=True), "mx.example.org")


async def test_a_destination_may_have_to_speak_the_newest_version(
    authority: Authority, mx: CertificateFiles
) -> None:
    server = ServerTls(mx)
    client = ClientTls(verify=True, ca_file=authority.file)
    assert not await connect(World(server), client, least="TLSv1.3")
    server._default.maximum_version = server._default.minimum_version
    with pytest.raises(HandshakeFailed):
        await connect(World(server), client, least="TLSv1.3")
    assert not await connect(World(server), client)


async def test_sessions_are_resumed_with_the_certificate_of_the_name(authority: Authority) -> None:
    # RFC 6066 3: the server name belongs to the session.
    default, other = authority.issue("a.example"), authority.issue("mx.example.org", file="sni")
    world = World(ServerTls(default, {"mx.example.org": other}))
    client = ClientTls(verify=True, ca_file=authority.file)
    assert [await connect(world, client) for _ in range(3)] == [False, True, True]
