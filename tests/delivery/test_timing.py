"""On what terms a message goes to a host, and a priority in a header field."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.delivery.timing import Terms, terms_of
from postel.delivery.tunnel import TUNNEL_OCTETS, tunnelled
from postel.mail import Parameters, parse_mailbox, parse_reverse_path
from postel.proto.smtp import Offered
from postel.queue import Job, QueuedRecipient, QueueId

BOB = parse_mailbox("bob@example.org")


def job(**parameters: str) -> Job:
    named: Parameters = {name.replace("_", "-"): value for name, value in parameters.items()}
    return Job(
        queue_id=QueueId(1),
        lane="mx:example.org",
        reverse_path=parse_reverse_path("<ann@example.net>"),
        parameters=named,
        recipients=(QueuedRecipient(id=0, mailbox=BOB, original=BOB, parameters={}),),
        content_id=1,
        size_bytes=10,
        received_at=1000.0,
    )


def terms(one: Job, *offers: str, now: float = 1010.0, is_final: bool = False) -> Terms:
    offered = Offered({name: tuple(rest) for name, *rest in (offer.split() for offer in offers)})
    return terms_of(one, offered, now, is_final=is_final)


def test_ordinary_mail_goes_as_it_came() -> None:
    assert terms(job(BODY="8BITMIME")) == Terms({"BODY": "8BITMIME"})
    assert terms(job()) == Terms({})


def test_nobody_else_hears_of_a_release() -> None:
    assert terms(job(HOLDFOR="60", RET="FULL"), "FUTURERELEASE 1 2").parameters == {"RET": "FULL"}


def test_a_priority_is_told_where_it_is_understood_the_usual_one_too() -> None:
    assert terms(job(), "MT-PRIORITY").parameters == {"MT-PRIORITY": "0"}
    assert terms(job(MT_PRIORITY="5"), "MT-PRIORITY X").parameters == {"MT-PRIORITY": "5"}


def test_the_time_that_is_left_is_told() -> None:
    assert terms(job(BY="60;RT"), "DELIVERBY", now=1030.0).parameters["BY"] == "30;RT"
    assert terms(job(BY="60;N"), "DELIVERBY", now=1100.0).parameters["BY"] == "-40;N"


@pytest.mark.parametrize(
    ("by", "offers", "now", "status"),
    [
        ("60;R", [], 1010.0, "5.3.3"),
        ("60;R", ["DELIVERBY 51"], 1010.0, "5.4.7"),
        ("60;R", ["DELIVERBY 51,x=y"], 1010.0, "5.4.7"),
        ("60;R", ["DELIVERBY"], 1060.0, "5.4.7"),
        ("60;R", ["DELIVERBY 50"], 1010.0, None),
        ("60;R", ["DELIVERBY x"], 1010.0, None),
        ("60;N", ["DELIVERBY 5000"], 1010.0, None),
        ("60;N", [], 2000.0, None),
    ],
)
def test_what_cannot_be_promised_is_returned(
    by: str, offers: list[str], now: float, status: str | None
) -> None:
    refusal = terms(job(BY=by), *offers, now=now).refusal
    assert (refusal and str(refusal.reply.status)) == status


def test_handing_over_by_lmtp_is_delivery() -> None:
    found = terms(job(BY="60;RT"), is_final=True)
    assert (found.refusal, found.is_traced, found.adds_delay) == (None, False, False)


@pytest.mark.parametrize(
    ("by", "offers", "now", "is_traced", "adds_delay"),
    [
        ("60;N", [], 1010.0, True, True),
        ("60;N", [], 1060.0, False, False),
        ("60;NT", [], 1060.0, True, False),
        ("60;N", ["DELIVERBY"], 1010.0, False, False),
        ("60;NT", ["DELIVERBY"], 1010.0, True, False),
        ("60;RT", ["DELIVERBY"], 1010.0, True, False),
    ],
)
def test_who_is_told_of_a_hop(
    by: str, offers: list[str], now: float, is_traced: bool, adds_delay: bool
) -> None:
    found = terms(job(BY=by), *offers, now=now)
    assert (found.is_traced, found.adds_delay) == (is_traced, adds_delay)


@pytest.mark.parametrize(
    ("notify", "told"),
    [
        (None, "FAILURE,DELAY"),
        ("NEVER", "NEVER"),
        ("SUCCESS", "SUCCESS,DELAY"),
        ("delay", "delay"),
        ("FAILURE,DELAY", "FAILURE,DELAY"),
    ],
)
def test_delays_are_asked_about_where_nobody_watches_the_clock(notify: str | None, told: str) -> None:
    given_ = {} if notify is None else {"NOTIFY": notify}
    assert Terms({}, adds_delay=True).notify(given_)["NOTIFY"] == told
    assert Terms({}).notify(given_) == given_


async def through(content: bytes, size: int, priority: int = 4) -> bytes:
    async def pieces() -> AsyncGenerator[bytes, None]:
        for at in range(0, len(content), size):
            yield content[at : at + size]

    return b"".join([chunk async for chunk in tunnelled(pieces(), priority)])


@given(st.integers(1, 80))
async def test_our_field_replaces_all_others_and_nothing_else_changes(size: int) -> None:
    content = b"A: 1\r\nmt-priority: 9\r\n more\r\nB: 2\r\nMT-Priority: 3\r\n\r\nMT-Priority: body\r\n"
    assert await through(content, size) == b"MT-Priority: 4\r\nA: 1\r\nB: 2\r\n\r\nMT-Priority: body\r\n"


@pytest.mark.parametrize("content", [b"", b"A: 1\r\n", b"\r\nbody\r\n", b" all body\r\n", b"x" * 400_000])
async def test_strange_content_passes_whole(content: bytes) -> None:
    sent = await through(content, 1000)
    assert sent.startswith(b"MT-Priority: 4\r\n")
    assert sent.endswith(content)


def test_what_the_field_takes_is_declared() -> None:
    assert len(b"MT-Priority: -9\r\n") == TUNNEL_OCTETS
