"""A zone written as text answers as the DNS would."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from postel.asks import DnsAnswer, DnsQuestion, DnsStatus, MxRecord, RecordType
from postel.mail import BadSyntax
from postel.testing import Zone

A, AAAA, MX, TXT = RecordType.A, RecordType.AAAA, RecordType.MX, RecordType.TXT

ZONE = r"""
; the DNS of this file
free.org.        MX 10 pluto.free.org.     ; the first
                 MX 20 Backup.Free.ORG.
                 TXT "v=spf1 mx; " "-all"
pluto.free.org   3600 IN A 192.0.2.7
                 AAAA 2001:db8::7
deep.below.net.  A 192.0.2.8
www.free.org.    CNAME alias.free.org.
alias.free.org.  CNAME pluto.free.org.
loop.org.        CNAME loop.org.
lost.org.        CNAME nowhere.org.
*.wild.org.      A 192.0.2.9
there.wild.org.  TXT "here"
null.org.        MX 0 .
7.2.0.192.in-addr.arpa.  PTR pluto.free.org.
_25._tcp.pluto.free.org. TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
quote.org.       TXT "a \"quoted; word\""
"""


def ask(name: str, record_type: RecordType, zone: Zone | None = None) -> DnsAnswer:
    return (zone or Zone.parse(ZONE)).look_up(DnsQuestion(name, record_type))


@pytest.mark.parametrize(
    ("name", "record_type", "records"),
    [
        ("free.org", MX, (MxRecord(10, "pluto.free.org"), MxRecord(20, "backup.free.org"))),
        ("free.org", TXT, (b"v=spf1 mx; -all",)),
        ("pluto.free.org", A, (ip_address("192.0.2.7"),)),
        ("pluto.free.org", AAAA, (ip_address("2001:db8::7"),)),
        ("null.org", MX, (MxRecord(0, ""),)),
        ("7.2.0.192.in-addr.arpa", RecordType.PTR, ("pluto.free.org",)),
        ("www.free.org", RecordType.CNAME, ("alias.free.org",)),
        ("_25._tcp.pluto.free.org", RecordType.TLSA, (b"\3\1\1" + bytes(32),)),
        ("any.wild.org", A, (ip_address("192.0.2.9"),)),
        ("any.deep.wild.org", A, (ip_address("192.0.2.9"),)),
        ("quote.org", TXT, (b'a "quoted; word"',)),
    ],
)
def test_records_are_found(name: str, record_type: RecordType, records: tuple[object, ...]) -> None:
    assert ask(name, record_type) == DnsAnswer(DnsStatus.FOUND, records, name)  # type: ignore[arg-type]


def test_cnames_are_followed() -> None:
    assert ask("www.free.org", A) == DnsAnswer(DnsStatus.FOUND, (ip_address("192.0.2.7"),), "pluto.free.org")


@pytest.mark.parametrize(
    ("name", "record_type", "status"),
    [
        ("free.org", A, DnsStatus.NO_DATA),
        ("below.net", A, DnsStatus.NO_DATA),
        ("there.wild.org", A, DnsStatus.NO_DATA),
        ("x.there.wild.org", A, DnsStatus.NO_NAME),
        ("nowhere.org", A, DnsStatus.NO_NAME),
        ("lost.org", A, DnsStatus.NO_NAME),
        ("www.free.org", MX, DnsStatus.NO_DATA),
        ("loop.org", A, DnsStatus.TROUBLE),
    ],
)
def test_what_is_not_there_is_said_precisely(name: str, record_type: RecordType, status: DnsStatus) -> None:
    assert ask(name, record_type).status is status


async def test_trouble_comes_and_goes() -> None:
    zone = Zone.parse(ZONE)
    zone.trouble("pluto.free.org.")
    assert zone.is_troubled("pluto.free.org")
    assert (await zone.ask(DnsQuestion("www.free.org", A))).status is DnsStatus.TROUBLE
    assert (await zone.ask(DnsQuestion("free.org", MX))).status is DnsStatus.FOUND
    zone.mend("pluto.free.org")
    assert (await zone.ask(DnsQuestion("www.free.org", A))).status is DnsStatus.FOUND


async def test_questions_are_counted() -> None:
    zone = Zone.parse(ZONE)
    for _ in range(2):
        await zone.ask(DnsQuestion("free.org", MX))
    await zone.ask(DnsQuestion("null.org", MX))
    assert (zone.count(), zone.count("free.org"), zone.asked[DnsQuestion("null.org", MX)]) == (3, 2, 1)


def test_records_can_be_removed() -> None:
    zone = Zone.parse(ZONE)
    zone.remove("pluto.free.org", AAAA)
    assert ask("pluto.free.org", AAAA, zone).status is DnsStatus.NO_DATA
    zone.remove("pluto.free.org")
    zone.remove("pluto.free.org")
    zone.remove("pluto.free.org", A)
    assert ask("free.org", MX, zone).status is DnsStatus.FOUND


def test_a_signed_name_gives_authentic_answers_if_the_whole_chain_is_signed() -> None:
    zone = Zone.parse(ZONE + "ext.net. CNAME pluto.free.org.\n")
    zone.sign("free.org")
    assert ask("www.free.org", A, zone).is_authentic
    assert not ask("ext.net", A, zone).is_authentic


@pytest.mark.parametrize(
    "line", ["x.org.", "x.org. A", "x.org. A not-an-address", "A 192.0.2.1", "x.org. ZZZ 1"]
)
def test_a_line_that_is_no_record_is_refused(line: str) -> None:
    with pytest.raises(BadSyntax):
        Zone.parse(line)
