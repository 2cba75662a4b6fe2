"""The internet in one process behaves as the real one where a mail server can notice."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.net import ConnectionLost, DialFailed, Endpoint, Network, Stream, TimedOut
from postel.testing import LeftBehind, MemoryNetwork, simulate


async def echo(stream: Stream) -> None:
    while data := await stream.read():
        await stream.write(data)


async def swallow(stream: Stream) -> None:
    while await stream.read():
        pass


async def hold(stream: Stream) -> None:
    await asyncio.sleep(1e6)


async def read_all(stream: Stream) -> bytes:
    parts = []
    while data := await stream.read():
        parts.append(data)
    return b"".join(parts)


def two_hosts(**options: float) -> tuple[MemoryNetwork, Network, Network]:
    internet = MemoryNetwork(**options)
    return internet, internet.host("a", "192.0.2.1", "2001:db8::1"), internet.host("b", "192.0.2.2")


AT_B = Endpoint("192.0.2.2", 25)
ANY = Endpoint("0.0.0.0", 25)


async def test_two_hosts_talk() -> None:
    _, a, b = two_hosts()
    seen: list[Endpoint] = []

    async def serve(stream: Stream) -> None:
        seen.append(stream.peer)
        assert stream.local == AT_B and stream.tls is None
        await stream.write(b"220 hello\r\n")
        assert await stream.read() == b"QUIT\r\n"

    await b.listen(ANY, serve)
    stream = await a.dial(AT_B, timeout_s=10)
    assert await stream.read() == b"220 hello\r\n"
    await stream.write(b"QUIT\r\n")
    assert await stream.read() == b""
    await stream.close()
    await stream.close()
    assert seen[0].host == "192.0.2.1" and stream.local == seen[0] and stream.peer == AT_B


async def test_a_host_has_own_addresses_and_loopback() -> None:
    _, a, _ = two_hosts()
    assert a.own_addresses() == {ip_address(t) for t in ("192.0.2.1", "2001:db8::1", "127.0.0.1", "::1")}


async def test_a_host_without_addresses_is_given_some() -> None:
    internet = MemoryNetwork()
    a = internet.host("a")
    assert {ip.version for ip in a.ips} == {4, 6} and internet.host("a") is a
    assert a.ips.isdisjoint(internet.host("b").ips)


async def test_dialling_a_closed_port_is_refused() -> None:
    _, a, _ = two_hosts()
    with pytest.raises(DialFailed) as failed:
        await a.dial(AT_B, timeout_s=10)
    assert failed.value.reason == "connection refused"


@pytest.mark.parametrize(
    ("to", "source", "reason"),
    [
        ("203.0.113.9", None, "no route to host"),
        ("192.0.2.2", "192.0.2.77", "cannot assign requested address"),
        ("192.0.2.2", "2001:db8::1", "cannot assign requested address"),
    ],
)
async def test_a_dial_that_cannot_start_fails(to: str, source: str | None, reason: str) -> None:
    _, a, _ = two_hosts()
    with pytest.raises(DialFailed) as failed:
        await a.dial(Endpoint(to, 25), timeout_s=10, source=ip_address(source) if source else None)
    assert failed.value.reason == reason


async def test_a_host_without_that_family_cannot_dial_it() -> None:
    _, _, b = two_hosts()
    with pytest.raises(DialFailed, match="network is unreachable"):
        await b.dial(Endpoint("2001:db8::1", 25), timeout_s=10)


async def test_the_source_address_is_what_the_listener_sees() -> None:
    internet = MemoryNetwork()
    a, b = internet.host("a", "192.0.2.1", "192.0.2.5"), internet.host("b", "192.0.2.2")
    await b.listen(ANY, swallow)
    stream = await a.dial(AT_B, timeout_s=1, source=ip_address("192.0.2.5"))
    assert stream.local.host == "192.0.2.5"


async def test_an_unplugged_host_lets_dials_time_out() -> None:
    internet, a, b = two_hosts()
    await b.listen(ANY, echo)
    internet.unplug("b")
    with pytest.raises(DialFailed) as failed:
        await a.dial(AT_B, timeout_s=30)
    assert failed.value.reason == "timed out"
    assert asyncio.get_running_loop().time() == pytest.approx(30)


async def test_a_dial_succeeds_when_the_cable_comes_back_in_time() -> None:
    internet, a, b = two_hosts()
    await b.listen(ANY, echo)
    internet.unplug("b")
    dialling = asyncio.create_task(a.dial(AT_B, timeout_s=30))
    await asyncio.sleep(20)
    internet.plug_in("b")
    stream = await dialling
    await stream.write(b"x")
    assert await stream.read() == b"x"


async def test_unplugging_breaks_connections_but_not_loopback() -> None:
    internet, a, b = two_hosts()
    await b.listen(ANY, hold)
    stream, inner = await a.dial(AT_B, timeout_s=1), await b.dial(Endpoint("127.0.0.1", 25), timeout_s=1)
    internet.unplug("b")
    with pytest.raises(ConnectionLost):
        await stream.read()
    with pytest.raises(ConnectionLost):
        await stream.write(b"x")
    await inner.write(b"still here")


async def test_cut_breaks_the_connections_of_now_only() -> None:
    internet, a, b = two_hosts()
    await b.listen(ANY, hold)
    stream = await a.dial(AT_B, timeout_s=1)
    internet.cut("b")
    with pytest.raises(ConnectionLost):
        await stream.read()
    await (await a.dial(AT_B, timeout_s=1)).write(b"fine")


async def test_a_connection_can_break_after_so_many_octets_received() -> None:
    internet, a, b = two_hosts()
    heard: list[bytes] = []

    async def serve(stream: Stream) -> None:
        with pytest.raises(ConnectionLost):
            while True:
                heard.append(await stream.read())

    await b.listen(ANY, serve)
    internet.cut("b", received=5)
    stream = await a.dial(AT_B, timeout_s=1)
    await stream.write(b"abc")
    with pytest.raises(ConnectionLost):
        await stream.write(b"defg")
        await stream.read()
    await asyncio.sleep(1)
    assert b"".join(heard) == b"abcde"


async def test_a_connection_can_break_before_the_reply_arrives() -> None:
    internet, a, b = two_hosts()

    async def serve(stream: Stream) -> None:
        assert await stream.read() == b".\r\n"
        with pytest.raises(ConnectionLost):
            await stream.write(b"250 queued\r\n")
            await stream.read()

    await b.listen(ANY, serve)
    internet.cut("b", sent=0)
    stream = await a.dial(AT_B, timeout_s=1)
    await stream.write(b".\r\n")
    with pytest.raises(ConnectionLost):
        await stream.read()


async def test_reading_times_out_and_the_stream_stays_usable() -> None:
    _, a, b = two_hosts()
    await b.listen(ANY, echo)
    stream = await a.dial(AT_B, timeout_s=1)
    with pytest.raises(TimedOut):
        await stream.read(timeout_s=300)
    assert asyncio.get_running_loop().time() == pytest.approx(300)
    await stream.write(b"x")
    assert await stream.read(timeout_s=1) == b"x"


async def test_a_writer_waits_for_a_reader_that_does_not_read() -> None:
    _, a, b = two_hosts()
    await b.listen(ANY, hold)
    stream = await a.dial(AT_B, timeout_s=1)
    await stream.write(bytes(60_000))
    with pytest.raises(TimedOut):
        await stream.write(bytes(60_000), timeout_s=60)
    stream.abort()


async def test_a_waiting_writer_goes_on_when_the_reader_reads() -> None:
    _, a, b = two_hosts()
    size: list[int] = []

    async def late(stream: Stream) -> None:
        await asyncio.sleep(10)
        size.append(len(await read_all(stream)))

    await b.listen(ANY, late)
    stream = await a.dial(AT_B, timeout_s=1)
    for _ in range(10):
        await stream.write(bytes(50_000))
    assert asyncio.get_running_loop().time() == pytest.approx(10)
    await stream.close()
    await asyncio.sleep(1)
    assert size == [500_000]


async def test_a_waiting_writer_learns_of_a_break() -> None:
    internet, a, b = two_hosts()
    await b.listen(ANY, hold)
    stream = await a.dial(AT_B, timeout_s=1)
    asyncio.get_running_loop().call_later(5, internet.cut, "b")
    with pytest.raises(ConnectionLost):
        await stream.write(bytes(200_000))


async def test_what_was_sent_before_a_close_still_arrives() -> None:
    _, a, b = two_hosts()

    async def serve(stream: Stream) -> None:
        await stream.write(b"221 bye\r\n")

    await b.listen(ANY, serve)
    stream = await a.dial(AT_B, timeout_s=1)
    await asyncio.sleep(1)
    await stream.write(b"lost\r\n")  # as with TCP, nobody has told us yet
    assert await stream.read() == b"221 bye\r\n"
    with pytest.raises(ConnectionLost):
        await stream.read()
    with pytest.raises(ConnectionLost):
        await stream.write(b"more\r\n")


async def test_an_aborted_connection_is_reset_for_the_peer() -> None:
    _, a, b = two_hosts()

    async def serve(stream: Stream) -> None:
        await stream.write(b"never read")
        stream.abort()
        stream.abort()

    await b.listen(ANY, serve)
    stream = await a.dial(AT_B, timeout_s=1)
    await asyncio.sleep(1)
    with pytest.raises(ConnectionLost):
        await stream.read()


async def test_closing_ends_a_read_that_waits_in_another_task() -> None:
    _, a, b = two_hosts()
    await b.listen(ANY, hold)
    stream = await a.dial(AT_B, timeout_s=1)
    reading = asyncio.create_task(stream.read())
    await asyncio.sleep(1)
    await stream.close()
    with pytest.raises(ConnectionLost):
        await reading


async def test_one_direction_can_close_first() -> None:
    internet = MemoryNetwork()
    a, b = internet.host("a"), internet.host("b", "192.0.2.2")

    async def serve(stream: Stream) -> None:
        question = await read_all(stream)
        await stream.write(b"you said " + question)

    await b.listen(ANY, serve)
    stream = await a.dial(AT_B, timeout_s=1)
    await stream.write(b"hi")
    stream.finish_writing()
    assert await read_all(stream) == b"you said hi"


async def test_latency_delays_the_dial_and_every_octet() -> None:
    _, a, b = two_hosts(latency_s=0.5)
    await b.listen(ANY, echo)
    stream = await a.dial(AT_B, timeout_s=10)
    assert asyncio.get_running_loop().time() == pytest.approx(1.0)
    await stream.write(b"x")
    assert await stream.read() == b"x"
    assert asyncio.get_running_loop().time() == pytest.approx(2.0)


async def test_a_slow_link_takes_its_time() -> None:
    internet, a, b = two_hosts()
    await b.listen(ANY, swallow)
    internet.slow("b", 1000)
    stream = await a.dial(AT_B, timeout_s=10)
    for _ in range(10):
        await stream.write(bytes(20_000))
    assert asyncio.get_running_loop().time() == pytest.approx((200_000 - 65_536) / 1000, abs=1)
    internet.slow("b", None)


@given(st.lists(st.binary(min_size=1, max_size=3000), max_size=8), st.sampled_from([None, 500.0]))
async def test_octets_arrive_once_and_in_order(pieces: list[bytes], rate: float | None) -> None:
    internet, a, b = two_hosts(latency_s=0.01)
    await b.listen(ANY, echo)
    internet.slow("a", rate)
    stream = await a.dial(AT_B, timeout_s=1)
    for piece in pieces:
        await stream.write(piece)
    received = b""
    while len(received) < sum(map(len, pieces)):
        received += await stream.read()
    assert received == b"".join(pieces)
    await stream.close()


async def test_ports_are_taken_once_and_given_back() -> None:
    _, a, b = two_hosts()
    first = await b.listen(ANY, echo)
    with pytest.raises(OSError, match="in use"):
        await b.listen(ANY, echo)
    with pytest.raises(OSError, match="assign"):
        await b.listen(Endpoint("192.0.2.99", 25), echo)
    with pytest.raises(ValueError, match="real network"):
        await b.listen(ANY, echo, socket=object())  # type: ignore[arg-type]
    open_stream = await a.dial(AT_B, timeout_s=1)
    await first.close()
    await first.close()
    with pytest.raises(DialFailed):
        await a.dial(AT_B, timeout_s=1)
    await open_stream.write(b"x")
    assert await open_stream.read() == b"x"  # sessions go on


async def test_port_nought_is_any_free_port() -> None:
    _, a, b = two_hosts()
    listener = await b.listen(Endpoint("192.0.2.2", 0), echo)
    assert listener.endpoint.port > 0
    await a.dial(listener.endpoint, timeout_s=1)


async def test_a_listener_of_one_address_is_not_found_at_another() -> None:
    internet = MemoryNetwork()
    a, b = internet.host("a"), internet.host("b", "192.0.2.2", "192.0.2.3")
    await b.listen(AT_B, echo)
    await a.dial(AT_B, timeout_s=1)
    with pytest.raises(DialFailed):
        await a.dial(Endpoint("192.0.2.3", 25), timeout_s=1)


async def test_unix_sockets_are_of_one_host() -> None:
    _, a, b = two_hosts()
    await b.listen(Endpoint("/run/lmtp"), echo)
    stream = await b.dial(Endpoint("/run/lmtp"), timeout_s=1)
    await stream.write(b"LHLO")
    assert await stream.read() == b"LHLO"
    with pytest.raises(DialFailed):
        await a.dial(Endpoint("/run/lmtp"), timeout_s=1)


def test_a_handler_that_fails_resets_its_stream_and_fails_the_test() -> None:
    async def main() -> None:
        _, a, b = two_hosts()

        async def serve(stream: Stream) -> None:
            raise ValueError("a bug")

        await b.listen(ANY, serve)
        stream = await a.dial(AT_B, timeout_s=1)
        with pytest.raises(ConnectionLost):
            await stream.read()

    with pytest.raises(LeftBehind, match="a bug"):
        simulate(main)


async def test_many_connections_are_forgotten_when_over() -> None:
    _, a, b = two_hosts()
    await b.listen(ANY, swallow)
    for _ in range(200):
        await (await a.dial(AT_B, timeout_s=1)).close()
    assert len(a._streams) <= 64  # type: ignore[attr-defined]


async def test_a_scripted_server_plays_its_part() -> None:
    internet, a, _ = two_hosts()
    script = internet.host("b").script(
        25,
        ["S 220 hi", "C EHLO ...", "S 250 hello", "C* .", "pause 5", "S 250 ok", "close"],
        ["S 421 go away", "cut"],
        ["silence"],
    )
    stream = await a.dial(AT_B, timeout_s=1)
    assert await stream.read() == b"220 hi\r\n"
    await stream.write(b"EHLO x\r\nline one\r\n.\r\n")
    assert await read_all(stream) == b"250 hello\r\n250 ok\r\n"
    assert asyncio.get_running_loop().time() == pytest.approx(5)
    with pytest.raises(ConnectionLost):
        await read_all(await a.dial(AT_B, timeout_s=1))
    for _ in range(2):
        stream = await a.dial(AT_B, timeout_s=1)
        await stream.write(b"anyone?\r\n")
        with pytest.raises(TimedOut):
            await stream.read(timeout_s=60)
        await stream.close()
    await asyncio.sleep(1)
    assert script.heard == [["EHLO x", "line one", "."], [], ["anyone?"], ["anyone?"]]


@pytest.mark.parametrize("line", ["C EHLO ...", "X nonsense"])
def test_a_scripted_server_fails_the_test_when_the_script_does_not_hold(line: str) -> None:
    async def main() -> None:
        internet, a, _ = two_hosts()
        internet.host("b").script(25, [line])
        stream = await a.dial(AT_B, timeout_s=1)
        await stream.write(b"HELO x\r\n")
        with pytest.raises(ConnectionLost):
            await read_all(stream)

    with pytest.raises(LeftBehind, match="ScriptFault"):
        simulate(main)
