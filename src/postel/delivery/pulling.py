"""Hand mail over to a client that has come for it: the agent of the lanes `pull:...`, and the reversed session.

Implements  RFC 2645 4 and 5.3 (On-Demand Mail Relay: the queue is worked off on request alone, on the customer's own
            connection), RFC 821 3.8.
Gives       PullAgent.
Not here    Who may come, and for which domains: servers, routing. Transactions: delivery.relay.

    nobody is there         the lane is down, and its mail waits: for a client, or for its end by `queue.expire`
    a client is there       its lanes are woken; each agent in turn gives the one session what is due in its lane
    nothing is due any more QUIT (RFC 2645 5.3)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from postel.database import DatabaseTrouble
from postel.delivery.opening import Target
from postel.delivery.relay import RelayAgent
from postel.delivery.smtp_session import SmtpSession
from postel.mail import Reply, Status
from postel.net import Stream
from postel.observe import logger
from postel.proto.smtp import Greeting, HelloDone
from postel.queue import Jobs

log = logger("delivery")

WAITS: Final = Reply(450, Status(4, 4, 0), "The mail waits until the domain's own host fetches it")
BEGIN_S: Final = 60.0  # until the queue has a place for an agent; it may be busy with others
PAUSE_S: Final = 1.0  # without any agent, after which nothing more is expected


class PullAgent:
    """A queue.DeliveryAgent for every lane whose mail is fetched, and a servers.HandOver.

    relay   gives the agent that does transactions, by the configuration in force.
    wake    makes what waits in lanes due (Queue.wake).
    """

    def __init__(
        self, relay: Callable[[], RelayAgent], wake: Callable[[Collection[str]], Awaitable[None]]
    ) -> None:
        self._relay = relay
        self._wake = wake
        self._lines: dict[str, _Line] = {}

    async def deliver(self, jobs: Jobs) -> None:
        """Give what is due to the client that is there for the lane; where nobody is, it waits."""
        line = self._lines.get(jobs.lane)
        if line is not None and await line.serve(self._relay(), jobs):
            return
        if await jobs.next() is not None:
            await jobs.lane_down(WAITS, "nobody is there to fetch it")

    def may_begin(self, lanes: Collection[str]) -> bool:
        """Whether nobody else is being given the mail of one of these lanes."""
        return self._lines.keys().isdisjoint(lanes)

    async def run(self, stream: Stream, lanes: Collection[str]) -> int:
        """Be the client on the stream until nothing is due in the lanes. How many transactions there were."""
        line = _Line(stream, self._relay())
        granted = [lane for lane in lanes if lane not in self._lines]  # another session may have been faster
        self._lines |= dict.fromkeys(granted, line)
        try:
            if await line.begin() and await self._has_woken(granted):
                await line.wait(len(granted))
            await line.end()
        except BaseException:
            line.session.abort()
            raise
        finally:
            for lane in granted:
                del self._lines[lane]
        return line.session.transactions

    async def _has_woken(self, lanes: Collection[str]) -> bool:
        try:
            await self._wake(lanes)
        except DatabaseTrouble as trouble:
            log.trouble("queue_unreadable", because=trouble)
            return False
        return True


class _Line:
    """One reversed session, and the agents that take turns on it."""

    def __init__(self, stream: Stream, relay: RelayAgent) -> None:
        self.session = SmtpSession(stream, relay.client_options())
        self._target = Target(_name_of(stream), stream.peer)
        self._turn = asyncio.Lock()
        self._is_gone = False
        self._served: set[str] = set()
        self._active = 0
        self._changed = asyncio.Event()

    async def begin(self) -> bool:
        """RFC 2645 5.3: the peer greets, we say EHLO. Whether it is ready for mail."""
        greeting = await self.session.greeting()
        if isinstance(greeting, Greeting) and greeting.reply.is_positive:
            hello = await self.session.hello()
            if isinstance(hello, HelloDone):
                return True
            greeting = hello
        log.event(
            "hop_failed", remote=self._target.remote, address=self._target.endpoint, because=str(greeting)
        )
        return False

    async def serve(self, relay: RelayAgent, jobs: Jobs) -> bool:
        """Give the session what is due in one lane. False where it is gone already, and nothing was begun."""
        async with self._turn:
            if self._is_gone:
                return False
            self._active += 1
            try:
                self._is_gone = not await relay.deliver_over(jobs, self._target, self.session)
            finally:
                self._active -= 1
                self._served.add(jobs.lane)
                self._changed.set()
            return True

    async def wait(self, lanes: int) -> None:
        """Until every lane had its agent, and no other has come for a moment; or the peer is gone."""
        while not self._is_gone:
            limit_s = PAUSE_S if len(self._served) >= lanes else BEGIN_S
            self._changed.clear()
            try:
                async with asyncio.timeout(limit_s):
                    await self._changed.wait()
            except TimeoutError:
                if not self._active:
                    return

    async def end(self) -> None:
        """QUIT, and close."""
        self._is_gone = True
        await self.session.quit()


def _name_of(stream: Stream) -> str:
    return str(stream.peer.ip or stream.peer.host)
