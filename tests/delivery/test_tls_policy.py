"""What destinations owe us in TLS, by domain; REQUIRETLS and TLS-Required; XFORWARD to hops of ours."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hop_certificates import HopCertificates
from relay_kit import LETTER, Sink, Work, World

from postel.net import Endpoint, Stream
from postel.proto.smtp import ServerOptions
from postel.queue import Delayed, Failed, Origin
from postel.routing import DestinationTls, TlsDemand, TlsPolicy, ToHop, parse_pattern
from postel.tls import start_server

KITT = "kitt@free.org"
VERIFIED = TlsDemand(TlsPolicy.VERIFIED)


def policy(name: str, demand: TlsDemand) -> DestinationTls:
    return DestinationTls(parse_pattern(name), demand)


def trusting(certificates: HopCertificates, *policies: DestinationTls) -> World:
    world = World()
    world.verified = certificates.verifying
    world.policies = policies
    return world


def why(work: Work) -> str:
    [outcome] = work.outcomes.values()
    assert isinstance(outcome, Delayed | Failed)
    return str(outcome.reply)


# -- policies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["free.org", "*"])
async def test_a_domain_that_must_have_tls_gets_no_plaintext(
    pattern: str, certificates: HopCertificates
) -> None:
    world = trusting(certificates, policy(pattern, TlsDemand(TlsPolicy.REQUIRED)))
    pluto = await world.sink("pluto.free.org")
    relay = await world.sink("relay.reliable.com", tls=certificates.server("any.example"))
    assert (await world.relay(world.job(KITT))).relayed_to() == {KITT: "relay.reliable.com"}
    assert not pluto.taken and relay.was_tls


async def test_other_domains_are_left_as_they_were(certificates: HopCertificates) -> None:
    world = trusting(certificates, policy("other.org", TlsDemand(TlsPolicy.REQUIRED)))
    pluto = await world.sink("pluto.free.org")
    await world.relay(world.job(KITT))
    assert pluto.taken and not pluto.was_tls


async def test_a_verified_domain_wants_a_certificate_for_the_hosts_name(
    certificates: HopCertificates,
) -> None:
    world = trusting(certificates, policy("free.org", VERIFIED))
    pluto = await world.sink("pluto.free.org", tls=certificates.server("free.org"))
    relay = await world.sink("relay.reliable.com", tls=certificates.server("relay.reliable.com"))
    await world.relay(world.job(KITT))
    assert not pluto.taken and relay.taken


@pytest.mark.parametrize(
    ("names", "shown", "is_fine"),
    [
        (("domain",), "free.org", True),
        (("domain",), "pluto.free.org", False),
        ((".domain",), "pluto.free.org", True),
        ((".domain",), "other.org", False),
        ((".hoster.example", "domain"), "mx7.hoster.example", True),
        (("host",), "pluto.free.org", True),
        (("mx.hoster.example",), "mx7.hoster.example", False),
    ],
)
async def test_a_verified_domain_may_say_which_names_it_has(
    names: tuple[str, ...], shown: str, is_fine: bool, certificates: HopCertificates
) -> None:
    world = trusting(certificates, policy("free.org", replace(VERIFIED, names=names)))
    pluto = await world.sink("pluto.free.org", tls=certificates.server(shown))
    await world.relay(world.job(KITT))
    assert bool(pluto.taken) is is_fine
    assert pluto.names in ([], ["pluto.free.org"]), "SNI names the host all the same"


async def test_an_old_version_is_not_enough_where_the_newest_is_demanded(
    certificates: HopCertificates,
) -> None:
    world = trusting(certificates, policy("free.org", TlsDemand(TlsPolicy.REQUIRED, least="TLSv1.3")))
    server = certificates.server("pluto.free.org")
    server._default.maximum_version = server._default.minimum_version
    pluto = await world.sink("pluto.free.org", tls=server)
    work = await world.relay(world.job(KITT))
    assert not pluto.taken and work.down is not None


async def test_tls_sessions_are_resumed_from_one_delivery_to_the_next(certificates: HopCertificates) -> None:
    # RFC 8446 2.2
    world = trusting(certificates, policy("free.org", VERIFIED))
    pluto = await world.sink("pluto.free.org", tls=certificates.server("pluto.free.org"))
    for _ in range(3):
        await world.relay(world.job(KITT))
    assert (pluto.sessions, pluto.resumed) == (3, 2)


# -- smtps -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", [465, 10465])
async def test_a_route_smtps_is_tls_from_the_first_octet_on_any_port(
    port: int, certificates: HopCertificates
) -> None:

    world = World("smart.example. A 192.0.2.25")
    world.hops["hop:x"] = ToHop("smtps", "smart.example", port)
    sink = Sink(ServerOptions(hostname="smart.example"), certificates.server("smart.example"))

    async def serve(stream: Stream) -> None:
        assert sink.tls is not None
        await sink.serve(await start_server(stream, sink.tls, timeout_s=5))

    await world.host("smart.example").listen(Endpoint("0.0.0.0", port), serve)
    await world.relay(world.job(KITT), lane="hop:x")
    assert sink.taken and sink.was_tls


async def test_a_route_smtps_never_falls_back() -> None:
    world = World("smart.example. A 192.0.2.25")
    world.hops["hop:x"] = ToHop("smtps", "smart.example", 10465)
    world.script("smart.example", ("S 220 this is no TLS",), port=10465)
    work = await world.relay(world.job(KITT), lane="hop:x")
    assert "TLS could not be started" in str(work.down)


# -- REQUIRETLS --------------------------------------------------------------------------------------------


def signed(certificates: HopCertificates) -> World:
    world = trusting(certificates)
    world.zone.sign("free.org")
    return world


async def test_requiretls_is_passed_on_over_verified_tls(certificates: HopCertificates) -> None:
    # RFC 8689 4.2.1
    world = signed(certificates)
    pluto = await world.sink("pluto.free.org", tls=certificates.server("pluto.free.org"))
    assert (await world.relay(world.job(KITT, REQUIRETLS=None))).relayed_to()
    assert pluto.was_tls and "REQUIRETLS" in pluto.taken[0].parameters


async def test_requiretls_needs_signed_mx_records(certificates: HopCertificates) -> None:
    world = trusting(certificates)
    pluto = await world.sink("pluto.free.org", tls=certificates.server("pluto.free.org"))
    assert why(await world.relay(world.job(KITT, REQUIRETLS=None))).startswith("550 5.7.10")
    assert pluto.sessions == 0


async def test_a_domain_that_is_its_own_host_needs_no_signature(certificates: HopCertificates) -> None:
    # RFC 8689 4.2.1 (4): "or the domain name in the absence of an MX record"
    world = trusting(certificates)
    world.zone.add("own.org. A 192.0.2.33\nalias.org. CNAME own.org.")
    own = await world.sink("own.org", tls=certificates.server("own.org"))
    await world.relay(world.job("kitt@own.org", REQUIRETLS=None), lane="mx:own.org")
    assert own.taken
    refused = await world.relay(world.job("kitt@alias.org", REQUIRETLS=None), lane="mx:alias.org")
    assert why(refused).startswith("550 5.7.10"), "an unsigned alias names another host"


async def test_a_host_without_requiretls_is_passed_by_and_the_next_is_tried(
    certificates: HopCertificates,
) -> None:
    world = signed(certificates)
    withheld = frozenset({"REQUIRETLS"})
    pluto = await world.sink("pluto.free.org", tls=certificates.server("pluto.free.org"), withheld=withheld)
    relay = await world.sink("relay.reliable.com", tls=certificates.server("relay.reliable.com"))
    await world.relay(world.job(KITT, REQUIRETLS=None))
    assert not pluto.taken and relay.taken


async def test_a_message_is_returned_where_no_host_offers_requiretls(certificates: HopCertificates) -> None:
    world = signed(certificates)
    for name in ("pluto.free.org", "relay.reliable.com"):
        await world.sink(name, tls=certificates.server(name), withheld=frozenset({"REQUIRETLS"}))
    assert why(await world.relay(world.job(KITT, REQUIRETLS=None))).startswith(
        "550 5.7.30 REQUIRETLS support"
    )


async def test_a_message_is_returned_where_no_certificate_is_right(certificates: HopCertificates) -> None:
    world = signed(certificates)
    await world.sink("pluto.free.org", tls=certificates.server("somebody.example"))
    await world.sink("relay.reliable.com")
    assert why(await world.relay(world.job(KITT, REQUIRETLS=None))).startswith("550 5.7.10 Encryption needed")


async def test_a_host_that_cannot_be_reached_may_offer_it_later(certificates: HopCertificates) -> None:
    world = signed(certificates)
    await world.sink("pluto.free.org")
    work = await world.relay(world.job(KITT, REQUIRETLS=None))
    [outcome] = work.outcomes.values()
    assert isinstance(outcome, Delayed)
    assert work.down is None, "other mail goes where it can"


async def test_other_mail_goes_to_the_same_host_without_it(certificates: HopCertificates) -> None:
    world = signed(certificates)
    pluto = await world.sink("pluto.free.org", tls=certificates.server("somebody.example"))
    await world.sink("relay.reliable.com")
    required = world.job("r@free.org", REQUIRETLS=None)
    work = await world.relay(world.job(KITT), required, world.job("b@free.org"))
    assert len(pluto.taken) == 2 and list(work.failed()) == ["r@free.org"]


async def test_a_report_goes_on_where_requiretls_is_not_to_be_had(certificates: HopCertificates) -> None:
    # RFC 8689 5
    world = signed(certificates)
    pluto = await world.sink("pluto.free.org", tls=certificates.server("somebody.example"))
    await world.relay(world.job(KITT, of="", REQUIRETLS=None))
    assert pluto.taken and "REQUIRETLS" not in pluto.taken[0].parameters


async def test_a_report_goes_on_with_requiretls_where_it_can(certificates: HopCertificates) -> None:
    world = signed(certificates)
    pluto = await world.sink("pluto.free.org", tls=certificates.server("pluto.free.org"))
    await world.relay(world.job(KITT, of="", REQUIRETLS=None))
    assert pluto.taken and "REQUIRETLS" in pluto.taken[0].parameters


async def test_a_unix_socket_is_this_machine() -> None:
    # RFC 8689 4.4: delivery is not relaying
    world = World()
    world.hops["hop:x"] = ToHop("lmtp", "/run/lmtp", 0)

    sink = Sink(ServerOptions(hostname="lmtp.example", is_lmtp=True))
    await world.us.listen(Endpoint("/run/lmtp"), sink.serve)
    await world.relay(world.job(KITT, REQUIRETLS=None), lane="hop:x")
    assert sink.taken and "REQUIRETLS" not in sink.taken[0].parameters


# -- TLS-Required: No ----------------------------------------------------------------------------------------

NO = b"TLS-Required: No\r\n" + LETTER


async def test_tls_required_no_lets_one_message_go_in_the_clear(certificates: HopCertificates) -> None:
    # RFC 8689 4.2.2
    world = trusting(certificates, policy("free.org", VERIFIED))
    pluto = await world.sink("pluto.free.org")
    work = await world.relay(world.job(KITT, content=(NO,)), world.job("b@free.org"))
    assert [taken.content for taken in pluto.taken] == [NO]
    assert work.down is not None, "the other message waits"


async def test_tls_is_taken_all_the_same_where_it_is_offered(certificates: HopCertificates) -> None:
    world = trusting(certificates, policy("free.org", VERIFIED))
    pluto = await world.sink("pluto.free.org", tls=certificates.server("somebody.example"))
    await world.relay(world.job(KITT, content=(NO,)))
    assert pluto.taken and pluto.was_tls


@pytest.mark.parametrize(
    "field",
    [b"TLS-Required: Yes\r\n", b"TLS-Required: No\r\nTLS-Required: No\r\n", b"X-TLS-Required: No\r\n", b""],
)
async def test_nothing_else_relaxes_the_policy(field: bytes, certificates: HopCertificates) -> None:
    world = trusting(certificates, policy("free.org", VERIFIED))
    pluto = await world.sink("pluto.free.org")
    body = b"Subject: x\r\n\r\nTLS-Required: No\r\n"
    await world.relay(world.job(KITT, content=(field + body,)))
    assert not pluto.taken


async def test_requiretls_outweighs_the_header_field(certificates: HopCertificates) -> None:
    # RFC 8689 4.1
    world = signed(certificates)
    await world.sink("pluto.free.org")
    await world.sink("relay.reliable.com")
    assert why(await world.relay(world.job(KITT, content=(NO,), REQUIRETLS=None))).startswith("550 5.7.10")


async def test_a_configured_hop_is_not_relaxed() -> None:
    world = World("smart.example. A 192.0.2.25")
    world.hops["hop:x"] = ToHop("smtp", "smart.example", 587, tls=TlsPolicy.REQUIRED)
    sink = await world.sink("smart.example", port=587)
    await world.relay(world.job(KITT, content=(NO,)), lane="hop:x")
    assert not sink.taken


# -- XFORWARD ----------------------------------------------------------------------------------------------

OFFERS = (
    "S 220 f",
    "C EHLO mail.drag.net",
    "S 250-f",
    "S 250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE",
)
GOES = ("C MAIL ...", "S 250 ok", "C RCPT ...", "S 250 ok", "C DATA", "S 354 go", "C* .", "S 250 ok")
BYE = ("C QUIT", "S 221 bye")
FROM = Origin(
    protocol="ESMTP",
    client_ip="2001:db8::7",
    client_name="c+d",
    client_host="c.example.net",
    client_port=50123,
)


def filtered(*parts: tuple[str, ...], xforward: bool = True) -> World:
    world = World("filter.example. A 192.0.2.25")
    world.hops["hop:x"] = ToHop("smtp", "filter.example", 10025, xforward=xforward)
    world.script("filter.example", *parts, port=10025)
    return world


async def test_a_hop_that_wants_to_know_is_told_where_a_message_came_from() -> None:
    told = (
        "C XFORWARD NAME=c.example.net ADDR=IPV6:2001:db8::7 PORT=50123 PROTO=ESMTP HELO=c+2Bd "
        "IDENT=0000000000001 SOURCE=REMOTE"
    )
    world = filtered((*OFFERS, told, "S 250 ok", *GOES, *BYE))
    job = world.job(KITT, origin=FROM)
    assert (await world.relay(job, lane="hop:x")).relayed_to()


async def test_what_is_not_known_is_said_to_be_not_known() -> None:
    offers = (*OFFERS[:-1], "S 250 XFORWARD NAME ADDR PORT SOURCE")
    told = "C XFORWARD NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE] SOURCE=LOCAL"
    world = filtered((*offers, told, "S 250 ok", *GOES, *BYE))
    assert (await world.relay(world.job(KITT, origin=Origin(protocol="report")), lane="hop:x")).relayed_to()


async def test_a_refusal_of_it_does_not_matter() -> None:
    world = filtered((*OFFERS, "C XFORWARD ...", "S 550 5.7.0 not you", *GOES, *BYE))
    assert (await world.relay(world.job(KITT, origin=FROM), lane="hop:x")).relayed_to()


async def test_each_message_is_told_of_and_after_a_refusal_behind_rset() -> None:
    refused = ("C MAIL ...", "S 250 ok", "C RCPT ...", "S 550 5.1.1 no")
    world = filtered(
        (
            *OFFERS,
            "C XFORWARD ...",
            "S 250 ok",
            *refused,
            "C RSET",
            "S 250 ok",
            "C XFORWARD ...",
            "S 250 ok",
            *GOES,
            *BYE,
        )
    )
    work = await world.relay(
        world.job("no@free.org", origin=FROM), world.job(KITT, origin=FROM), lane="hop:x"
    )
    assert work.failed() and work.relayed_to()


async def test_a_hop_that_does_not_offer_it_or_is_not_to_know_is_not_told() -> None:
    world = filtered((*HELLO_OF_FILTER, *GOES, *BYE))
    assert (await world.relay(world.job(KITT, origin=FROM), lane="hop:x")).relayed_to()
    world = filtered((*OFFERS, *GOES, *BYE), xforward=False)
    assert (await world.relay(world.job(KITT, origin=FROM), lane="hop:x")).relayed_to()


async def test_a_connection_that_breaks_there_is_called_again() -> None:
    world = filtered((*OFFERS, "C XFORWARD ...", "cut"))
    work = await world.relay(world.job(KITT, origin=FROM), lane="hop:x")
    assert work.down is not None


HELLO_OF_FILTER = ("S 220 f", "C EHLO mail.drag.net", "S 250 f")
