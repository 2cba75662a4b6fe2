"""TLS by policy, logins at smarthosts, LMTP: what a route may ask of its hop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hop_certificates import HopCertificates
from relay_kit import HELLO, LETTER, Sink, World

from postel.net import ConnectionLost, Endpoint, Stream
from postel.proto.smtp import ServerOptions
from postel.queue import Delayed
from postel.routing import Login, TlsPolicy, ToHop
from postel.tls import start_server

KITT = "kitt@free.org"
SMART = "hop:smtp:smart.example:587"
LOGIN = Login("frito", "sauron")


def smart_world(**hop: Any) -> World:
    world = World("smart.example. A 192.0.2.25")
    world.hops[SMART] = ToHop("smtp", "smart.example", hop.pop("port", 587), **hop)
    return world


# -- TLS ---------------------------------------------------------------------------------------------------


async def test_tls_is_taken_where_it_is_offered(certificates: HopCertificates) -> None:
    world = World()
    pluto = await world.sink("pluto.free.org", tls=certificates.server("somebody.else.example"))
    assert (await world.relay(world.job(KITT), world.job("b@free.org"))).relayed_to()
    assert pluto.was_tls
    assert pluto.taken[0].content == LETTER
    assert pluto.sessions == 1


async def test_tls_is_not_taken_where_the_policy_says_never(certificates: HopCertificates) -> None:
    world = World(tls=TlsPolicy.NEVER)
    pluto = await world.sink("pluto.free.org", tls=certificates.server("pluto.free.org"))
    assert (await world.relay(world.job(KITT))).relayed_to()
    assert not pluto.was_tls


@pytest.mark.parametrize("ending", ["cut", "pause 1", "close", "S this is no handshake", "silence"])
async def test_a_failed_handshake_is_followed_by_plaintext_with_the_same_host(ending: str) -> None:
    world = World()
    starts = ("S 220 hi", "C EHLO ...", "S 250-hi", "S 250 STARTTLS", "C STARTTLS", "S 220 go", ending)
    plain = (
        *HELLO,
        "C MAIL ...",
        "S 250 ok",
        "C RCPT ...",
        "S 250 ok",
        "C DATA",
        "S 354 go",
        "C* .",
        "S 250 ok",
    )
    script = world.script("pluto.free.org", starts, (*plain, "C QUIT", "S 221 bye"))
    work = await world.relay(world.job(KITT))
    assert work.relayed_to() == {KITT: "pluto.free.org"}
    assert len(script.heard) == 2


async def test_a_refused_starttls_goes_on_in_plaintext() -> None:
    world = World()
    starts = ("S 220 hi", "C EHLO ...", "S 250-hi", "S 250 STARTTLS", "C STARTTLS", "S 454 4.7.0 no")
    script = world.script(
        "pluto.free.org",
        (
            *starts,
            "C MAIL ...",
            "S 250 ok",
            "C RCPT ...",
            "S 250 ok",
            "C DATA",
            "S 354 go",
            "C* .",
            "S 250 ok",
            "C QUIT",
        ),
    )
    assert (await world.relay(world.job(KITT))).relayed_to()
    assert len(script.heard) == 1


@pytest.mark.parametrize("policy", [TlsPolicy.REQUIRED, TlsPolicy.VERIFIED])
async def test_required_tls_that_is_not_offered_is_no_use(policy: TlsPolicy) -> None:
    world = World(tls=policy)
    sinks = [await world.sink(name) for name in ("pluto.free.org", "relay.reliable.com")]
    work = await world.relay(world.job(KITT))
    assert work.down is not None
    assert str(work.down[0].status) == "4.7.4"
    assert [sink.taken for sink in sinks] == [[], []]


@pytest.mark.parametrize("policy", [TlsPolicy.REQUIRED, TlsPolicy.VERIFIED])
async def test_required_tls_never_falls_back(policy: TlsPolicy) -> None:
    world = World("free.org. A 192.0.2.7", tls=policy)
    starts = ("S 220 hi", "C EHLO ...", "S 250-hi", "S 250 STARTTLS", "C STARTTLS", "S 220 go", "cut")
    script = world.script("free.org", starts)
    work = await world.relay(world.job(KITT))
    assert work.down is not None
    assert "TLS could not be started" in work.down[0].text
    assert len(script.heard) == 1


async def test_a_verified_hop_shows_a_certificate_for_its_name(certificates: HopCertificates) -> None:
    world = World(tls=TlsPolicy.VERIFIED)
    world.verified = certificates.verifying
    await world.sink("pluto.free.org", tls=certificates.server("impostor.example"))
    await world.sink("relay.reliable.com", tls=certificates.server("relay.reliable.com"))
    assert (await world.relay(world.job(KITT))).relayed_to() == {KITT: "relay.reliable.com"}


async def test_what_was_offered_before_tls_is_forgotten(certificates: HopCertificates) -> None:
    """A listener between us could have added or taken away extensions: RFC 3207 4.2."""
    world = World()

    async def forget(stream: Stream) -> None:
        await stream.write(b"220 hi\r\n")
        await stream.read()
        await stream.write(b"250-hi\r\n250-SIZE 1\r\n250 STARTTLS\r\n")
        await stream.read()
        await stream.write(b"220 go\r\n")
        secure = await start_server(stream, certificates.server("pluto.free.org"), timeout_s=30)
        for answer in (b"250 hi again", b"250 ok", b"250 ok", b"354 go", b"250 taken", b"221 bye"):
            await secure.read()
            await secure.write(answer + b"\r\n")
        await secure.close()

    await world.host("pluto.free.org").listen(Endpoint("0.0.0.0", 25), forget)
    assert (await world.relay(world.job(KITT))).relayed_to()


# -- fixed hops and logins ---------------------------------------------------------------------------------


async def test_a_fixed_hop_is_called_at_its_own_port() -> None:
    world = smart_world()
    smart = await world.sink("smart.example", port=587)
    assert (await world.relay(world.job(KITT), lane=SMART)).relayed_to() == {KITT: "smart.example"}
    assert smart.logins == 0


async def test_a_route_with_credentials_logs_in_under_tls(certificates: HopCertificates) -> None:
    world = smart_world(login=LOGIN)
    smart = await world.sink(
        "smart.example",
        port=587,
        tls=certificates.server("x.example"),
        mechanisms=("PLAIN",),
        password="sauron",
    )
    assert (await world.relay(world.job(KITT), lane=SMART)).relayed_to()
    assert smart.logins == 1


async def test_port_465_is_tls_from_the_first_octet(certificates: HopCertificates) -> None:
    # RFC 8314 3.3
    world = smart_world(port=465, login=LOGIN)
    smart = Sink(ServerOptions(hostname="smart.example", mechanisms=("PLAIN",)), password="sauron")
    tls = certificates.server("smart.example")

    async def serve(stream: Stream) -> None:
        await smart.serve(await start_server(stream, tls, timeout_s=30))

    await world.host("smart.example").listen(Endpoint("0.0.0.0", 465), serve)
    assert (await world.relay(world.job(KITT), lane=SMART)).relayed_to()
    assert smart.was_tls and smart.logins == 1


async def test_port_465_without_tls_is_no_use() -> None:
    world = smart_world(port=465)
    script = world.script("smart.example", ("S 220 hi", "C ..."), port=465)
    work = await world.relay(world.job(KITT), lane=SMART)
    assert work.down is not None
    assert "TLS could not be started" in work.down[0].text
    assert len(script.heard) == 1


async def test_a_password_is_never_shown_in_plaintext() -> None:
    world = smart_world(login=LOGIN)
    smart = await world.sink("smart.example", port=587, mechanisms=("PLAIN", "LOGIN"), password="sauron")
    work = await world.relay(world.job(KITT), lane=SMART)
    assert work.down is not None
    assert smart.logins == 0
    assert not smart.taken


async def test_a_refused_login_holds_the_mail(certificates: HopCertificates) -> None:
    world = smart_world(login=LOGIN)
    await world.sink(
        "smart.example",
        port=587,
        tls=certificates.server("x.example"),
        mechanisms=("PLAIN",),
        password="other",
    )
    work = await world.relay(world.job(KITT), lane=SMART)
    assert work.down is not None
    assert "535 5.7.8 who are you?" in work.down[0].text
    assert "sauron" not in repr(work.down)


async def test_a_configured_hop_without_an_address_only_delays() -> None:
    world = smart_world()
    world.zone.remove("smart.example")
    assert (await world.relay(world.job(KITT), lane=SMART)).down is not None


# -- LMTP --------------------------------------------------------------------------------------------------

LMTP = (
    "S 220 store LMTP",
    "C LHLO mail.drag.net",
    "S 250-store",
    "S 250 PIPELINING",
    "C MAIL ...",
    "C RCPT ...",
    "C RCPT ...",
    "C DATA",
    "S 250 ok",
    "S 250 ok",
    "S 250 ok",
    "S 354 go",
    "C* .",
    "S 250 2.1.5 a has it",
)


async def test_lmtp_gives_each_recipient_its_own_outcome() -> None:
    world = smart_world()
    lane = "hop:lmtp:smart.example:24"
    world.hops[lane] = ToHop("lmtp", "smart.example", 24)
    world.script("smart.example", (*LMTP, "S 452 4.2.2 b is full", "C QUIT", "S 221 bye"), port=24)
    work = await world.relay(world.job("a@free.org", "b@free.org"), lane=lane)
    assert work.relayed_to() == {"a@free.org": "smart.example"}
    full = work.outcomes["b@free.org"]
    assert isinstance(full, Delayed)
    assert str(full.reply) == "452 4.2.2 b is full"


async def test_lmtp_that_breaks_between_two_replies_delays_only_the_second() -> None:
    world = smart_world()
    lane = "hop:lmtp:smart.example:24"
    world.hops[lane] = ToHop("lmtp", "smart.example", 24)
    world.script("smart.example", (*LMTP, "close"), port=24)
    work = await world.relay(world.job("a@free.org", "b@free.org"), lane=lane)
    assert work.relayed_to() == {"a@free.org": "smart.example"}
    assert isinstance(work.outcomes["b@free.org"], Delayed)


async def test_lmtp_over_a_unix_socket_asks_no_dns() -> None:
    world = World()
    lane = "hop:lmtp:unix:/run/store"
    world.hops[lane] = ToHop("lmtp", "/run/store", 0)
    sockets = world.us

    async def store(stream: Stream) -> None:
        try:
            for answer in ("220 hi", "250 hi", "250 ok", "250 ok", "354 go", "250 has it", "221 bye"):
                await stream.write(answer.encode() + b"\r\n")
                await stream.read()
        except ConnectionLost:
            return

    await sockets.listen(Endpoint("/run/store"), store)
    work = await world.relay(world.job(KITT), lane=lane)
    assert work.relayed_to() == {KITT: "/run/store"}
    assert world.zone.count() == 0


@pytest.mark.parametrize(("wanted", "logins"), [("PLAIN", 1), ("LOGIN", 0)])
async def test_a_route_that_names_a_mechanism_uses_no_other(
    wanted: str, logins: int, certificates: HopCertificates
) -> None:
    """The host offers a stronger one too, and knows nothing of the other."""
    world = smart_world(login=replace(LOGIN, mechanism=wanted))
    smart = await world.sink(
        "smart.example",
        port=587,
        tls=certificates.server("x.example"),
        mechanisms=("SCRAM-SHA-256", "PLAIN"),
        password="sauron",
    )
    work = await world.relay(world.job(KITT), lane=SMART)
    assert smart.logins == logins
    assert bool(work.down) != bool(logins)
