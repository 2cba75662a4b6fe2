"""The loop between a conversation and a stream: pipelining, time, stopping, cutting off."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from postel.mail import LocalFault
from postel.net import ConnectionLost, Endpoint
from postel.proto import NEED_DATA, PAUSED
from postel.servers.drive import WRITE_TIMEOUT_S, Drive, Ended
from postel.testing.memory_stream import Link, MemoryStream, connect


class Echo:
    """A conversation of lines: echoes each; "quit" ends it, "hold" is left unanswered."""

    def __init__(self) -> None:
        self.timeout_s = 60.0
        self.over = False
        self._in = b""
        self._out = b""
        self._owes = False
        self._has_ended = False

    def receive(self, data: bytes) -> None:
        self._has_ended = not data
        self._in += data

    def next_event(self) -> Any:
        if self._owes:
            return PAUSED
        line, newline, rest = self._in.partition(b"\n")
        if newline:
            self._in = rest
            self._owes = True
            return line.decode()
        self.over = self._has_ended
        return NEED_DATA if not self.over else "closed"

    def answer(self, text: str) -> None:
        self._owes = False
        self._out += text.encode() + b"\n"
        self.over = self.over or text == "quit"

    def data_to_send(self) -> bytes:
        data, self._out = self._out, b""
        return data

    def timed_out(self) -> None:
        self._out += b"timeout\n"
        self.over = True


class Session:
    def __init__(self, talk: Echo) -> None:
        self.talk = talk
        self.is_between_commands = True
        self.patience_s = 1e9
        self.seen: list[str] = []

    async def handle(self, event: str) -> None:
        self.seen.append(event)
        if event.startswith("sleep"):
            await asyncio.sleep(float(event[5:]))
        if event == "begin":
            self.is_between_commands = False
        if event == "finish":
            self.is_between_commands = True
        if event not in ("hold", "closed"):
            self.talk.answer(event)

    def part(self, why: Ended) -> None:
        self.talk._out += f"bye: {why}\n".encode()


class World:
    """A drive at work, and its peer."""

    def __init__(
        self, session_s: float = 3600.0, on_news: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        link = Link(lambda: 0.0, lambda: None)
        self.peer, stream = connect(Endpoint("192.0.2.1", 4711), Endpoint("192.0.2.2", 25), link)
        self.stream: MemoryStream = stream
        talk = Echo()
        self.session = Session(talk)
        self.drive = Drive(talk, stream, session_s, on_news)
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> Ended:
        ended = await self.drive.run(self.session)
        await self.stream.close()
        return ended

    async def send(self, *lines: str) -> None:
        await self.peer.write("".join(f"{line}\n" for line in lines).encode())

    async def read(self) -> bytes:
        return await self.peer.read(1000)

    async def rest(self) -> bytes:
        data = b""
        while piece := await self.peer.read(1e6):
            data += piece
        return data

    @property
    def now_s(self) -> float:
        return asyncio.get_running_loop().time()


async def test_the_answers_to_a_group_leave_together() -> None:
    world = World()
    await world.send("one", "two", "quit")
    assert await world.read() == b"one\ntwo\nquit\n"
    assert await world.task is Ended.OVER


async def test_a_flood_in_one_session_holds_up_no_other() -> None:
    flooded, other = World(), World()
    await flooded.send(*["x"] * 5000)
    await other.send("one")
    assert await other.read() == b"one\n"
    assert len(flooded.session.seen) < 100
    flooded.task.cancel()
    other.peer.finish_writing()
    assert await other.task is Ended.OVER


async def test_the_end_of_the_stream_ends_the_session() -> None:
    world = World()
    await world.send("one")
    world.peer.finish_writing()
    assert await world.task is Ended.OVER
    assert await world.rest() == b"one\n"


async def test_a_silent_peer_is_told_after_the_states_timeout() -> None:
    world = World()
    assert await world.rest() == b"bye: timed out\n"
    assert world.now_s == pytest.approx(60)
    assert await world.task is Ended.TIMED_OUT


async def test_dripping_octets_does_not_renew_the_time() -> None:
    world = World()

    async def drip() -> None:
        while not world.task.done():
            try:
                await world.peer.write(b"x")
            except ConnectionLost:
                return
            await asyncio.sleep(7)

    dripping = asyncio.create_task(drip())
    assert await world.task is Ended.TIMED_OUT
    assert world.now_s == pytest.approx(60)
    dripping.cancel()


async def test_a_slow_handler_does_not_eat_the_peers_time() -> None:
    world = World()
    await world.send("sleep100")
    assert await world.read() == b"sleep100\n"
    await asyncio.sleep(59)
    await world.send("quit")
    assert await world.task is Ended.OVER


async def test_the_session_may_bound_the_wait_further() -> None:
    world = World()
    world.session.patience_s = 5.0
    assert await world.task is Ended.TIMED_OUT
    assert world.now_s == pytest.approx(5)


async def test_a_peer_that_does_not_read_is_cut_off() -> None:
    world = World()
    await world.send("x" * 1_000_000)
    assert await world.task is Ended.TIMED_OUT
    assert world.now_s == pytest.approx(WRITE_TIMEOUT_S)


async def test_a_lost_connection_is_no_fault_of_ours() -> None:
    world = World()
    await world.send("one")
    await world.read()
    world.peer.abort()
    assert await world.task is Ended.LOST


async def test_stopping_ends_a_waiting_session_at_once() -> None:
    world = World()
    await world.send("one")
    await world.read()
    world.drive.stop(world.session)
    world.drive.stop(world.session)
    assert await world.task is Ended.STOPPED
    assert await world.rest() == b"bye: stopped\n"
    assert world.now_s == 0
    assert world.task.cancelling() == 0


async def test_stopping_lets_a_command_finish() -> None:
    world = World()
    await world.send("sleep5")
    await asyncio.sleep(1)
    world.drive.stop(world.session)
    assert await world.task is Ended.STOPPED
    assert await world.rest() == b"sleep5\nbye: stopped\n"


async def test_stopping_lets_the_peer_finish_what_it_began() -> None:
    world = World()
    await world.send("begin")
    await world.read()
    world.drive.stop(world.session)
    await world.send("more")
    assert await world.read() == b"more\n"
    await world.send("finish")
    assert await world.rest() == b"finish\nbye: stopped\n"


async def test_a_session_that_lasts_too_long_ends_between_commands() -> None:
    world = World(session_s=100)
    await world.send("begin", "sleep150")
    await world.read()
    await world.send("finish", "one")
    assert await world.rest() == b"finish\none\nbye: too long\n"
    assert await world.task is Ended.TOO_LONG


async def test_a_cancelled_session_is_cancelled() -> None:
    world = World()
    await asyncio.sleep(1)
    world.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await world.task


async def test_a_cancel_beside_a_stop_still_cancels() -> None:
    world = World()
    await asyncio.sleep(1)
    world.drive.stop(world.session)
    world.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await world.task


async def test_hanging_up_sends_what_is_due_and_reads_no_more() -> None:
    world = World()
    world.session.handle = hang_up_on(world)  # type: ignore[assignment,method-assign]
    await world.send("one", "two")
    assert await world.rest() == b"one\n"


def hang_up_on(world: World) -> Callable[[str], Any]:
    async def handle(event: str) -> None:
        world.session.talk.answer(event)
        world.drive.hang_up()

    return handle


async def test_an_event_without_an_answer_is_our_own_fault() -> None:
    world = World()
    await world.send("hold")
    with pytest.raises(LocalFault):
        await world.task


async def test_news_interrupt_the_wait_and_what_the_peer_sends_is_not_lost() -> None:
    told: list[str] = []

    async def tell() -> None:
        told.append("news")
        world.session.talk._out += b"news\n"

    world = World(on_news=tell)
    await asyncio.sleep(1)
    world.drive.wake()
    assert await world.read() == b"news\n"
    world.drive.wake()
    await world.send("hello", "quit")
    assert sorted((await world.rest()).split()) == [b"hello", b"news", b"quit"]
    assert await world.task is Ended.OVER and told == ["news", "news"]
