"""The stub resolver against servers in memory, good and hostile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from postel.asks import DnsAnswer, DnsQuestion, DnsStatus, MxRecord, RecordType
from postel.dns import Accept, BadReply, Forged, Reply, SystemResolver, TimedAnswer, read_resolv_conf
from postel.net import DialFailed, Endpoint, Stream, TimedOut
from postel.testing import MemoryNetwork, Zone
from postel.testing.dns_server import respond

ONE, TWO = Endpoint("192.0.2.53", 53), Endpoint("192.0.2.54", 53)
MX = DnsQuestion("free.org", RecordType.MX)
A = DnsQuestion("www.free.org", RecordType.A)

ZONE = """
free.org.        MX 10 pluto.free.org.
www.free.org.    CNAME pluto.free.org.
pluto.free.org.  A 192.0.2.7
big.org.         TXT "{0}"
                 TXT "{0}2"
                 TXT "{0}3"
                 TXT "{0}4"
                 TXT "{0}5"
                 TXT "{0}6"
""".format("x" * 250)

Answerer = Callable[[bytes], bytes | None]


class Servers:
    """DNS servers by UDP in memory: each a function from query to reply; None is silence."""

    def __init__(self, **answerers: Answerer) -> None:
        self._answerers = answerers
        self.asked: list[tuple[str, dns.message.Message]] = []

    async def ask(self, server: Endpoint, query: bytes, accept: Accept, timeout_s: float) -> Reply:
        name = {ONE: "one", TWO: "two"}[server]
        self.asked.append((name, dns.message.from_wire(query)))
        answerer = self._answerers.get(name)
        if answerer is None:
            raise DialFailed("connection refused")
        try:
            if (reply := answerer(query)) is not None:
                return accept(reply)
        except BadReply:
            pass
        await asyncio.sleep(timeout_s)
        raise TimedOut("no reply in time")

    @property
    def order(self) -> list[str]:
        return [name for name, _ in self.asked]


def good(query: bytes) -> bytes | None:
    return respond(Zone.parse(ZONE), query, over_udp=True)


def silent(query: bytes) -> None:
    return None


def saying(rcode: dns.rcode.Rcode) -> Answerer:
    def say(query: bytes) -> bytes:
        response = dns.message.make_response(dns.message.from_wire(query))
        response.set_rcode(rcode)
        return response.to_wire()

    return say


def changed(change: Callable[[dns.message.Message], object]) -> Answerer:
    """The good server's replies, tampered with."""

    def say(query: bytes) -> bytes:
        response = dns.message.from_wire(good(query) or b"")
        change(response)
        return response.to_wire()

    return say


def made_of(*records: str, authority: str = "") -> Answerer:
    """A server that always answers with these records."""

    def say(query: bytes) -> bytes:
        response = dns.message.make_response(dns.message.from_wire(query))
        for section, texts in ((response.answer, records), (response.authority, (authority,))):
            for text in filter(None, texts):
                owner, rdtype, data = text.split(None, 2)
                section.append(dns.rrset.from_text(owner, 300, "IN", rdtype, data))
        return response.to_wire()

    return say


def resolver(
    servers: Servers, *, validating: bool = False, network: MemoryNetwork | None = None
) -> SystemResolver:
    host = (network or MemoryNetwork()).host("stub")
    return SystemResolver((ONE, TWO), validating=validating, network=host, datagrams=servers)


async def ask(question: DnsQuestion, **answerers: Answerer) -> DnsAnswer:
    return await resolver(Servers(**answerers)).ask(question)


async def test_records_are_found_and_cnames_followed() -> None:
    assert await ask(MX, one=good) == DnsAnswer(
        DnsStatus.FOUND, (MxRecord(10, "pluto.free.org"),), "free.org"
    )
    assert await ask(A, one=good) == DnsAnswer(DnsStatus.FOUND, (ip_address("192.0.2.7"),), "pluto.free.org")


@pytest.mark.parametrize(
    ("name", "status"), [("free.org", DnsStatus.NO_DATA), ("nowhere.org", DnsStatus.NO_NAME)]
)
async def test_negative_answers_last_as_long_as_the_soa_says(name: str, status: DnsStatus) -> None:
    timed = await resolver(Servers(one=good)).ask_with_ttl(DnsQuestion(name, RecordType.AAAA))
    assert (timed.answer.status, timed.ttl_s) == (status, 60)


async def test_a_silent_server_is_passed_over_and_then_remembered() -> None:
    servers = Servers(one=silent, two=good)
    stub = resolver(servers)
    assert (await stub.ask(MX)).status is DnsStatus.FOUND
    assert asyncio.get_running_loop().time() == pytest.approx(2)
    assert (await stub.ask(MX)).status is DnsStatus.FOUND
    assert servers.order == ["one", "two", "two"]


async def test_silence_of_all_is_trouble_after_two_rounds() -> None:
    servers = Servers(one=silent, two=silent)
    answer = await resolver(servers).ask(MX)
    assert answer.status is DnsStatus.TROUBLE
    assert answer.note == "no answer from 192.0.2.53:53; no answer from 192.0.2.54:53"
    assert servers.order == ["one", "two", "one", "two"]
    assert asyncio.get_running_loop().time() == pytest.approx(12)


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.YXDOMAIN])
async def test_a_server_that_cannot_is_trouble_when_no_other_can(rcode: dns.rcode.Rcode) -> None:
    servers = Servers(one=saying(rcode), two=saying(rcode))
    answer = await resolver(servers).ask(MX)
    assert answer.status is DnsStatus.TROUBLE and dns.rcode.to_text(rcode) in answer.note
    assert servers.order == ["one", "two"]
    assert (await ask(MX, one=saying(rcode), two=good)).status is DnsStatus.FOUND


async def test_nobody_there_is_trouble() -> None:
    assert "connection refused" in (await ask(MX)).note


@pytest.mark.parametrize("rcode", [dns.rcode.FORMERR, dns.rcode.NOTIMP])
async def test_a_server_without_edns_is_asked_without(rcode: dns.rcode.Rcode) -> None:
    def old(query: bytes) -> bytes | None:
        return saying(rcode)(query) if dns.message.from_wire(query).edns >= 0 else good(query)

    servers = Servers(one=old)
    assert (await resolver(servers).ask(MX)).status is DnsStatus.FOUND
    assert [query.edns for _, query in servers.asked] == [0, -1]
    assert servers.asked[0][1].payload == 1232
    assert (await ask(MX, one=saying(rcode))).status is DnsStatus.TROUBLE


async def tcp(internet: MemoryNetwork, ip: str = "192.0.2.53") -> None:
    async def serve(stream: Stream) -> None:
        query = await stream.read()
        reply = respond(Zone.parse(ZONE), query[2:]) or b""
        whole = len(reply).to_bytes(2, "big") + reply
        await stream.write(whole[:1])
        await asyncio.sleep(0.1)
        await stream.write(whole[1:])

    await internet.host("server " + ip, ip).listen(Endpoint("0.0.0.0", 53), serve)


async def test_a_truncated_reply_is_asked_for_again_over_tcp() -> None:
    internet = MemoryNetwork()
    await tcp(internet)
    answer = await resolver(Servers(one=good), network=internet).ask(DnsQuestion("big.org", RecordType.TXT))
    assert answer.status is DnsStatus.FOUND and len(answer.records) == 6


async def test_a_truncated_reply_without_tcp_is_trouble() -> None:
    answer = await ask(DnsQuestion("big.org", RecordType.TXT), one=good)
    assert answer.status is DnsStatus.TROUBLE and "no route to host" in answer.note


@pytest.mark.parametrize(
    ("part", "note"),
    [
        (["close"], "closed"),
        (["S ..", "silence"], "no answer"),
        (["C* ."], "no answer"),
        (["S \0\1"], "not a DNS message"),
    ],
)
async def test_nonsense_over_tcp_is_trouble(part: list[str], note: str) -> None:
    internet = MemoryNetwork()
    internet.host("server", "192.0.2.53").script(53, part)
    answer = await resolver(Servers(one=good), network=internet).ask(DnsQuestion("big.org", RecordType.TXT))
    assert answer.status is DnsStatus.TROUBLE and note in answer.note


async def test_guessing_is_answered_by_tcp() -> None:
    def forged(query: bytes) -> bytes:
        raise Forged

    internet = MemoryNetwork()
    await tcp(internet)
    assert (await resolver(Servers(one=forged), network=internet).ask(MX)).status is DnsStatus.FOUND


def set_id(message: dns.message.Message) -> None:
    message.id ^= 1


def set_query(message: dns.message.Message) -> None:
    message.flags &= ~dns.flags.QR


def ask_other(message: dns.message.Message) -> None:
    message.question[0].name = dns.name.from_text("other.org.")


def ask_type(message: dns.message.Message) -> None:
    message.question[0].rdtype = dns.rdatatype.A


def ask_nothing(message: dns.message.Message) -> None:
    message.question.clear()


def ask_twice(message: dns.message.Message) -> None:
    message.question.append(dns.rrset.from_text("other.org.", 0, "IN", "MX"))


@pytest.mark.parametrize("change", [set_id, set_query, ask_other, ask_type, ask_nothing, ask_twice])
async def test_a_reply_to_something_else_is_not_believed(
    change: Callable[[dns.message.Message], object],
) -> None:
    assert (await ask(MX, one=changed(change))).status is DnsStatus.TROUBLE


@pytest.mark.parametrize("wire", [b"", b"\0", bytes(12), b"\xff" * 600, b"\xc0\x0c" * 40])
async def test_nonsense_is_not_believed(wire: bytes) -> None:
    assert (await ask(MX, one=lambda _: wire)).status is DnsStatus.TROUBLE


async def test_the_question_may_come_back_in_other_case() -> None:
    def shout(message: dns.message.Message) -> None:
        message.question[0].name = dns.name.from_text("FREE.org.")

    assert (await ask(MX, one=changed(shout))).status is DnsStatus.FOUND


async def test_a_refusal_may_come_without_the_question() -> None:
    def refuse(message: dns.message.Message) -> None:
        message.question.clear()
        message.set_rcode(dns.rcode.REFUSED)

    assert "REFUSED" in (await ask(MX, one=changed(refuse))).note


async def test_the_ad_bit_is_believed_only_from_validating_servers() -> None:
    def set_ad(message: dns.message.Message) -> None:
        message.flags |= dns.flags.AD

    servers = Servers(one=changed(set_ad))
    assert not (await resolver(servers).ask(A)).is_authentic
    assert (await resolver(servers, validating=True).ask(A)).is_authentic
    assert not (await resolver(Servers(one=good), validating=True).ask(A)).is_authentic
    assert servers.asked[1][1].flags & dns.flags.AD and not servers.asked[0][1].flags & dns.flags.AD


async def test_an_alias_left_to_us_is_chased() -> None:
    def lazy(query: bytes) -> bytes | None:
        name = dns.message.from_wire(query).question[0].name.to_text()
        if name == "www.free.org.":
            return made_of("www.free.org. CNAME web.free.org.")(query)
        if name == "web.free.org.":
            return made_of("web.free.org. CNAME pluto.free.org.", authority="other. SOA a. b. 1 2 3 4 5")(
                query
            )
        return good(query)

    timed = await resolver(Servers(one=lazy)).ask_with_ttl(A)
    found = DnsAnswer(DnsStatus.FOUND, (ip_address("192.0.2.7"),), "pluto.free.org")
    assert timed == TimedAnswer(found, 60)


async def test_an_alias_whose_zone_says_no_data_is_not_chased() -> None:
    servers = Servers(
        one=made_of("www.free.org. CNAME x.free.org.", authority="free.org. SOA a. b. 1 2 3 4 5")
    )
    timed = await resolver(servers).ask_with_ttl(A)
    assert timed == TimedAnswer(DnsAnswer(DnsStatus.NO_DATA, (), "x.free.org"), 5)
    assert len(servers.asked) == 1


async def test_an_endless_chain_of_aliases_ends() -> None:
    def endless(query: bytes) -> bytes:
        name = dns.message.from_wire(query).question[0].name.to_text()
        return made_of(f"{name} CNAME a{name}")(query)

    servers = Servers(one=endless)
    assert "CNAMEs" in (await resolver(servers).ask(A)).note
    assert len(servers.asked) == 9
    loop = made_of("www.free.org. CNAME b.org.", "b.org. CNAME www.free.org.")
    assert "CNAMEs" in (await ask(A, one=loop)).note


async def test_a_cname_question_is_answered_by_the_cname() -> None:
    answer = await ask(DnsQuestion("www.free.org", RecordType.CNAME), one=good)
    assert answer.records == ("pluto.free.org",) and answer.canonical == "www.free.org"


async def test_names_that_are_not_to_be_believed_are_dropped() -> None:
    bad = r"a\032b.org."
    answer = await ask(MX, one=made_of("free.org. MX 5 pluto.free.org.", f"free.org. MX 5 {bad}"))
    assert answer.records == (MxRecord(5, "pluto.free.org"),)
    for record in (f"free.org. MX 5 {bad}", f"free.org. CNAME {bad}", "free.org. CNAME ."):
        assert (await ask(MX, one=made_of(record))).status is DnsStatus.TROUBLE


async def test_records_of_other_names_are_not_believed() -> None:
    assert (await ask(MX, one=made_of("evil.org. MX 5 evil.org."))).status is DnsStatus.NO_DATA


async def test_a_server_that_does_not_resolve_is_trouble() -> None:
    answer = await ask(MX, one=made_of(authority="org. NS a.org."))
    assert answer.status is DnsStatus.TROUBLE and "does not resolve" in answer.note


@pytest.mark.parametrize(
    "name", ["", "a..b", "a" * 64 + ".org", "x." * 127 + "org", "a b.org", "ä.org", "a\\.b", "."]
)
async def test_a_name_that_cannot_exist_is_not_asked_for(name: str) -> None:
    servers = Servers(one=good)
    assert (await resolver(servers).ask(DnsQuestion(name, RecordType.A))).status is DnsStatus.NO_NAME
    assert not servers.asked


async def test_ids_differ() -> None:
    servers = Servers(one=good)
    stub = resolver(servers)
    for _ in range(8):
        await stub.ask(MX)
    assert len({query.id for _, query in servers.asked}) > 1


def test_resolv_conf_is_read(tmp_path: Path) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text(
        "# comment\nsearch example.org\nnameserver 192.0.2.53\nnameserver\nnameserver nonsense\n"
        "nameserver fe80::1%eth0\nnameserver 192.0.2.55 # here\nnameserver 192.0.2.56\n"
    )
    assert [str(server) for server in read_resolv_conf(conf)] == [
        "192.0.2.53:53",
        "[fe80::1%eth0]:53",
        "192.0.2.55:53",
    ]
    assert read_resolv_conf(tmp_path / "missing") == (Endpoint("127.0.0.1", 53),)


def test_the_systems_servers_are_the_default() -> None:
    stub = SystemResolver(network=MemoryNetwork().host("stub"))
    assert stub._servers == read_resolv_conf()
