"""The relay agent on a small internet: which host gets the mail, and what becomes of each recipient."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from relay_kit import HELLO, LETTER, ZONE, Sink, World

from postel.mail.replies import (
    DNS_TROUBLE,
    DOMAIN_TAKES_NO_MAIL,
    DOMAIN_UNKNOWN,
    MX_LEADS_TO_US,
    SMTPUTF8_NEEDED,
)
from postel.net import ConnectionLost, Endpoint, Stream
from postel.proto.smtp import ServerOptions
from postel.queue import Delayed, Failed, Relayed

KITT = "kitt@free.org"
GROUP = (*HELLO[:2], "S 250-pluto.free.org", "S 250 PIPELINING", "C MAIL ...", "C RCPT ...", "C DATA")


async def test_a_letter_goes_to_the_best_mx() -> None:
    world = World()
    pluto, relay = await world.sink("pluto.free.org"), await world.sink("relay.reliable.com")
    work = await world.relay(world.job(KITT))
    assert work.relayed_to() == {KITT: "pluto.free.org"}
    assert [(taken.reverse_path, taken.recipients) for taken in pluto.taken] == [("frito@drag.net", [KITT])]
    assert pluto.taken[0].content == LETTER
    assert relay.sessions == 0


async def test_the_backup_gets_it_when_the_best_is_unplugged() -> None:
    world = World()
    await world.sink("pluto.free.org")
    relay = await world.sink("relay.reliable.com")
    world.net.unplug("pluto.free.org")
    assert (await world.relay(world.job(KITT))).relayed_to() == {KITT: "relay.reliable.com"}
    assert relay.taken[0].content == LETTER


async def test_every_address_of_a_host_is_tried() -> None:
    world = World("free.org. AAAA 2001:db8::7\nfree.org. A 192.0.2.7")
    free = world.host("free.org")

    from postel.net import Endpoint

    sink = Sink(ServerOptions(hostname="free.org"))
    await free.listen(Endpoint("192.0.2.7", 25), sink.serve)
    assert (await world.relay(world.job(KITT))).relayed_to() == {KITT: "free.org"}


async def test_one_connection_takes_everything_that_is_due() -> None:
    world = World()
    pluto = await world.sink("pluto.free.org")
    jobs = [world.job(f"r{n}@free.org") for n in range(20)]
    work = await world.relay(*jobs)
    assert len(work.relayed_to()) == len(pluto.taken) == 20
    assert pluto.sessions == 1


async def test_one_copy_goes_out_for_all_recipients_of_a_message() -> None:
    # RFC 5321 4.5.4.1
    world = World()
    pluto = await world.sink("pluto.free.org")
    await world.relay(world.job("a@free.org", "b@free.org", "c@free.org"))
    assert [taken.recipients for taken in pluto.taken] == [["a@free.org", "b@free.org", "c@free.org"]]


async def test_each_recipient_gets_the_servers_own_words() -> None:
    world = World()
    pluto = await world.sink("pluto.free.org")
    pluto.refusals = {
        "nobody@free.org": "550 5.1.1 Nobody of that name",
        "full@free.org": "452 4.2.2 Over quota",
    }
    work = await world.relay(world.job(KITT, "nobody@free.org", "full@free.org"))
    assert isinstance(work.outcomes[KITT], Relayed)
    failed, delayed = work.outcomes["nobody@free.org"], work.outcomes["full@free.org"]
    assert isinstance(failed, Failed)
    assert (str(failed.reply), failed.remote) == ("550 5.1.1 Nobody of that name", "pluto.free.org")
    assert isinstance(delayed, Delayed)
    assert (str(delayed.reply), delayed.remote) == ("452 4.2.2 Over quota", "pluto.free.org")


async def test_recipients_beyond_the_servers_limit_follow_at_once() -> None:
    # RFC 5321 4.5.3.1.10
    world = World()
    pluto = await world.sink("pluto.free.org")
    pluto.most = 2
    names = [f"r{n}@free.org" for n in range(5)]
    work = await world.relay(world.job(*names))
    assert [len(taken.recipients) for taken in pluto.taken] == [2, 2, 1]
    assert sorted(work.relayed_to()) == names


async def test_a_server_that_takes_nobody_is_not_asked_for_ever() -> None:
    world = World()
    pluto = await world.sink("pluto.free.org")
    pluto.most = 0
    work = await world.relay(world.job(KITT))
    assert isinstance(work.outcomes[KITT], Delayed)
    assert pluto.sessions == 1


async def test_a_large_content_is_streamed() -> None:
    world = World()
    pluto = await world.sink("pluto.free.org")
    chunks = tuple(b"x" * 76 + b"\r\n." for _ in range(2000))
    await world.relay(world.job(KITT, content=(*chunks, b"\r\n")))
    assert pluto.taken[0].content == b"".join(chunks) + b"\r\n"


# -- hosts that are of no use ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part",
    [
        ("S 554 5.7.1 go away", "C QUIT", "S 221 bye"),
        ("S 521 no mail here", "C QUIT", "S 221 bye"),
        ("S 421 too many connections", "close"),
        ("S 450 busy", "C QUIT"),
        ("close",),
        ("cut",),
        ("silence",),
        ("S hello, this is ftp",),
        ("S 220 hi", "C EHLO ...", "S 450 4.3.2 not now", "C QUIT"),
        ("S 220 hi", "C EHLO ...", "S 550 no", "C HELO ...", "S 550 no", "C QUIT"),
        ("S 220 hi", "C EHLO ...", "close"),
        (*HELLO, "C MAIL ...", "close"),
        (*HELLO, "C MAIL ...", "S 421 4.3.2 going down", "close"),
    ],
)
async def test_a_host_of_no_use_is_passed_over(part: tuple[str, ...]) -> None:
    world = World()
    script = world.script("pluto.free.org", part)
    await world.sink("relay.reliable.com")
    work = await world.relay(world.job(KITT), world.job("second@free.org"))
    assert work.relayed_to() == {KITT: "relay.reliable.com", "second@free.org": "relay.reliable.com"}
    assert len(script.heard) == 1


async def test_the_lane_is_down_when_nobody_answers() -> None:
    world = World()
    world.script("pluto.free.org", ("S 450 4.7.1 greylisted, come back", "C QUIT"))
    world.host("relay.reliable.com")  # is there, and listens to nobody
    work = await world.relay(world.job(KITT), world.job("second@free.org"))
    assert work.down is not None
    reply, because = work.down
    assert not work.outcomes
    assert work.is_left  # the queue keeps what was not handed out
    assert reply.is_transient
    assert "connection refused" in reply.text
    assert "relay.reliable.com" in because


async def test_mail_that_no_host_ever_takes_fails() -> None:
    # RFC 7504 3
    world = World()
    for name in ("pluto.free.org", "relay.reliable.com"):
        world.script(name, ("S 521 5.3.2 no mail here", "C QUIT"))
    work = await world.relay(world.job(KITT), world.job("second@free.org"))
    assert work.failed() == dict.fromkeys(
        (KITT, "second@free.org"), "521 5.3.2 no mail here".replace("5.3.2 ", "5.3.2 ")
    )


async def test_a_limited_number_of_addresses_is_tried() -> None:
    world = World(addresses=1)
    world.host("pluto.free.org")
    relay = await world.sink("relay.reliable.com")
    assert (await world.relay(world.job(KITT))).down is not None
    assert relay.sessions == 0


# -- DNS ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("drag.net. A 192.0.2.1", DOMAIN_UNKNOWN),
        ("free.org. MX 0 .", DOMAIN_TAKES_NO_MAIL),
        ("free.org. MX 10 mail.drag.net.", MX_LEADS_TO_US),
    ],
)
async def test_a_domain_without_a_host_fails_for_good(zone: str, expected: object) -> None:
    work = await World(zone).relay(World(zone).job(KITT))
    outcome = work.outcomes[KITT]
    assert isinstance(outcome, Failed)
    assert outcome.reply is expected
    assert outcome.remote is None


@pytest.mark.parametrize("name", ["free.org", "pluto.free.org"])
async def test_dns_trouble_only_delays(name: str) -> None:
    world = World("free.org. MX 10 pluto.free.org.\npluto.free.org. A 192.0.2.7")
    world.zone.trouble(name)
    work = await world.relay(world.job(KITT))
    assert work.down is not None
    assert work.down[0] is DNS_TROUBLE


async def test_trouble_with_one_hosts_address_outweighs_anothers_no() -> None:
    world = World()
    world.zone.trouble("relay.reliable.com")
    world.script("pluto.free.org", ("S 521 no mail here", "C QUIT"))
    work = await world.relay(world.job(KITT))
    assert work.down is not None
    assert work.down[0] is DNS_TROUBLE


async def test_a_backup_never_calls_hosts_no_better_than_itself() -> None:
    world = World(ZONE + "\n free.org. MX 15 mail.drag.net.")
    world.host("pluto.free.org")
    relay = await world.sink("relay.reliable.com")
    assert (await world.relay(world.job(KITT))).down is not None
    assert relay.sessions == 0


async def test_an_address_literal_is_called_without_dns() -> None:
    world = World()
    pluto = await world.sink("pluto.free.org")
    work = await world.relay(world.job("kitt@[192.0.2.7]"), lane="mx:[192.0.2.7]")
    assert work.relayed_to() == {"kitt@[192.0.2.7]": "[192.0.2.7]"}
    assert pluto.taken
    assert world.zone.count() == 0


# -- sessions that break -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ending",
    [
        ("S 250 ok", "close"),
        ("S 250 ok", "S 250 ok", "close"),
        ("S 250 ok", "S 250 ok", "pause 1", "cut"),
        ("S 250 ok", "S 250 ok", "S 354 go", "pause 1", "cut"),
        ("S 250 ok", "S 250 ok", "S 354 go", "C* .", "close"),
        ("S 250 ok", "S 250 ok", "S 354 go", "C* .", "silence"),
        ("S 250 ok", "S 250 ok", "S 354 go", "C* .", "S 354 what?"),
        ("S 250 ok", "S 250 ok", "S what?"),
        ("S 250 ok", "S 421 4.3.2 going down"),
    ],
)
async def test_a_session_that_breaks_in_the_middle_delays_the_message(ending: tuple[str, ...]) -> None:
    world = World()
    world.script("pluto.free.org", (*GROUP, *ending))
    relay = await world.sink("relay.reliable.com")
    work = await world.relay(world.job(KITT))
    outcome = work.outcomes[KITT]
    assert isinstance(outcome, Delayed)
    assert outcome.reply.is_transient
    assert outcome.because
    assert work.down is None
    assert relay.sessions == 0


async def test_a_refusal_before_the_session_broke_stands() -> None:
    world = World()
    world.script(
        "pluto.free.org",
        (*GROUP[:-1], "C RCPT ...", "C DATA", "S 250 ok", "S 550 5.1.1 no", "S 250 ok", "pause 1", "cut"),
    )
    work = await world.relay(world.job("nobody@free.org", KITT))
    assert isinstance(work.outcomes["nobody@free.org"], Failed)
    assert isinstance(work.outcomes[KITT], Delayed)


async def test_a_message_that_breaks_the_session_does_not_hold_up_the_next() -> None:
    world = World()
    script = world.script(
        "pluto.free.org",
        (*GROUP, "S 250 ok", "S 250 ok", "S 354 go", "pause 1", "cut"),
        (*GROUP, "S 250 ok", "S 250 ok", "S 354 go", "C* .", "S 250 2.0.0 taken", "C QUIT", "S 221 bye"),
    )
    work = await world.relay(world.job("poison@free.org"), world.job(KITT))
    assert isinstance(work.outcomes["poison@free.org"], Delayed)
    assert work.relayed_to() == {KITT: "pluto.free.org"}
    assert len(script.heard) == 2


async def test_a_host_that_breaks_every_session_is_down_in_the_end() -> None:
    world = World("free.org. A 192.0.2.7")
    script = world.script("free.org", (*GROUP, "S 250 ok", "pause 1", "cut"))
    work = await world.relay(*(world.job(f"r{n}@free.org") for n in range(10)))
    assert work.down is not None
    assert len(script.heard) == 3
    assert len(work.outcomes) == 3


async def test_a_server_that_closes_after_each_message_is_called_again() -> None:
    world = World()
    script = world.script(
        "pluto.free.org",
        (*GROUP, "S 250 ok", "S 250 ok", "S 354 go", "C* .", "S 250 ok", "S 421 enough", "close"),
    )
    names = [f"r{n}@free.org" for n in range(4)]
    work = await world.relay(*(world.job(name) for name in names))
    assert sorted(work.relayed_to()) == names
    assert len(script.heard) == 4


async def test_a_content_refused_midway_fails_with_the_reason() -> None:
    world = World()
    world.script(
        "pluto.free.org",
        (*GROUP, "S 250 ok", "S 250 ok", "S 354 go", "C Subject: ...", "S 552 5.3.4 too big", "close"),
    )
    big = (b"Subject: big\r\n\r\n", *(b"x" * 60000 + b"\r\n" for _ in range(20)))
    work = await world.relay(world.job(KITT, content=big))
    assert work.failed() == {KITT: "552 5.3.4 too big"}


async def test_a_host_that_dawdles_is_left_after_the_timeout_of_the_state() -> None:
    # RFC 5321 4.5.3.2.6
    world = World()
    world.script("pluto.free.org", (*GROUP, "S 250 ok", "S 250 ok", "S 354 go", "C* .", "pause 601"))
    started = asyncio.get_running_loop().time()
    work = await world.relay(world.job(KITT))
    assert isinstance(work.outcomes[KITT], Delayed)
    assert asyncio.get_running_loop().time() - started == pytest.approx(600, abs=20)


async def test_a_host_that_stops_reading_the_content_is_left_after_three_minutes() -> None:
    # RFC 5321 4.5.3.2.5
    world = World()

    async def stop_reading(stream: Stream) -> None:
        for answer in (b"220 hi", b"250 hi", b"250 ok", b"250 ok", b"354 go"):
            await stream.write(answer + b"\r\n")
            await stream.read()
        await asyncio.sleep(1000)

    await world.host("pluto.free.org").listen(Endpoint("0.0.0.0", 25), stop_reading)
    big = tuple(b"x" * 60000 + b"\r\n" for _ in range(20))
    started = asyncio.get_running_loop().time()
    work = await world.relay(world.job(KITT, content=big))
    outcome = work.outcomes[KITT]
    assert isinstance(outcome, Delayed)
    assert "did not take" in outcome.because
    assert asyncio.get_running_loop().time() - started == pytest.approx(180, abs=5)


async def test_an_agent_that_is_stopped_drops_its_connection() -> None:
    world = World()
    broken = asyncio.Event()

    async def listen(stream: Stream) -> None:
        try:
            await stream.write(b"220 hi\r\n")
            while await stream.read():
                pass
        except ConnectionLost:
            broken.set()

    await world.host("pluto.free.org").listen(Endpoint("0.0.0.0", 25), listen)
    task = asyncio.ensure_future(world.relay(world.job(KITT)))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await broken.wait()


async def test_content_that_cannot_be_read_is_our_own_fault_and_ends_no_message() -> None:
    world = World()
    pluto = await world.sink("pluto.free.org")
    job = world.job(KITT)
    world.letters.forget()
    with pytest.raises(LookupError):
        await world.relay(job)
    assert pluto.sessions == 1
    assert not pluto.taken


async def test_dripping_octets_do_not_renew_the_time() -> None:
    world = World("free.org. A 192.0.2.7")

    async def drip(stream: Stream) -> None:
        with contextlib.suppress(ConnectionLost):
            while True:
                await stream.write(b"2")
                await asyncio.sleep(60)

    await world.host("free.org").listen(Endpoint("0.0.0.0", 25), drip)
    started = asyncio.get_running_loop().time()
    assert (await world.relay(world.job(KITT))).down is not None
    assert asyncio.get_running_loop().time() - started < 400


# -- addresses and headers beyond ASCII --------------------------------------------------------------------


async def test_smtputf8_goes_where_it_is_offered() -> None:
    world = World()
    pluto = await world.sink("pluto.free.org")
    work = await world.relay(world.job("käthe@free.org", SMTPUTF8=None))
    assert work.relayed_to()
    assert pluto.taken[0].recipients == ["käthe@free.org"]


async def test_a_message_that_needs_smtputf8_fails_where_it_is_not_offered() -> None:
    world = World()
    await world.sink("pluto.free.org", withheld=frozenset({"SMTPUTF8"}))
    utf8_header = ("From: käthe@drag.net\r\n\r\nx\r\n".encode(),)
    work = await world.relay(world.job(KITT, content=utf8_header, SMTPUTF8=None))
    outcome = work.outcomes[KITT]
    assert isinstance(outcome, Failed)
    assert outcome.reply is SMTPUTF8_NEEDED
    assert outcome.remote is None


async def test_a_message_that_only_asked_for_smtputf8_goes_without() -> None:
    world = World()
    pluto = await world.sink("pluto.free.org", withheld=frozenset({"SMTPUTF8"}))
    body_only = ("Subject: plain\r\n\r\nähem\r\n".encode(),)
    work = await world.relay(world.job(KITT, content=body_only, SMTPUTF8=None, BODY="8BITMIME"))
    assert work.relayed_to()
    assert dict(pluto.taken[0].parameters).keys() == {"SIZE", "BODY"}


async def test_a_lane_without_a_route_waits_for_the_configuration() -> None:
    world = World()
    work = await world.relay(world.job(KITT), lane="hop:smtp:gone.example:25")
    assert work.down is not None
