"""The one loop that joins a conversation to a stream.

Implements  RFC 5321 4.5.3.2 (timeouts, as the machine states them), 3.8 (a server that shuts down says so),
            RFC 2920 3.2 (replies of a pipelined group go out together).
Gives       Drive, Driven, Ended.
Not here    What the events mean: each server. How long a state may wait: each machine.

Bytes go out only when the machine needs data. A state's time starts when its last event was handled, and
single octets do not renew it: a peer that drips a command octet by octet is as late as a silent one.

One read may hold thousands of commands. After some of them other sessions have their turn, so that whoever
floods one holds up no other.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from postel.mail import LocalFault
from postel.net import ConnectionLost, Stream, TimedOut
from postel.proto import NEED_DATA, PAUSED, Conversation

# How long a peer may take to make room for our replies: as long as RFC 5321 4.5.3.2.7 lets it be silent.
WRITE_TIMEOUT_S: Final = 300.0
EVENTS_AT_ONCE: Final = 32  # some milliseconds of work


class Ended(enum.StrEnum):
    """Why a session came to its end."""

    OVER = "over"  # the machine said so: QUIT, too many faults, end of stream
    TIMED_OUT = "timed out"  # the peer was silent, or did not take our replies
    LOST = "connection lost"
    STOPPED = "stopped"  # we are shutting down
    TOO_LONG = "too long"  # it used up the time of a whole session


class Driven(Protocol):
    """What the loop asks of the server that it works for."""

    def handle(self, event: Any) -> Awaitable[None] | None:
        """Act on one event, and answer the machine where it waits for an answer; None: that is done already."""

    @property
    def is_between_commands(self) -> bool:
        """Whether ending now would interrupt nothing that the peer has begun."""

    @property
    def patience_s(self) -> float:
        """A bound on the next wait beside the machine's own, in seconds; not positive when time is up."""

    def part(self, why: Ended) -> None:
        """Have the machine tell the peer that the session ends here (421 in SMTP)."""


class Drive:
    """Runs one conversation on one stream, until either is over or `stop` is called.

    session_s   how long all of it may take; what the peer has begun is finished even then.
    on_news     called between two events after `wake`: the peer may be told of something that it has not asked for.
    """

    def __init__(
        self,
        talk: Conversation,
        stream: Stream,
        session_s: float,
        on_news: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.stream = stream
        self._talk = talk
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()
        self._ends_s = self._began_s + session_s
        self._task: asyncio.Task[Any] | None = None
        self._is_reading = False
        self._is_stopping = False
        self._was_woken = False
        self._is_hanging_up = False
        self._on_news = on_news
        self._has_news = False

    async def run(self, session: Driven) -> Ended:
        """The loop. Raises what `session.handle` raises, and CancelledError."""
        self._task = asyncio.current_task()
        try:
            ended = await self._run(session)
            await self.flush()
        except TimedOut:
            self.stream.abort()
            return Ended.TIMED_OUT
        except ConnectionLost:
            return Ended.LOST
        return ended

    def stop(self, session: Driven) -> None:
        """Let the session end at the next place between two commands: now, if it waits there."""
        self._is_stopping = True
        if session.is_between_commands:
            self._end_wait()

    def wake(self) -> None:
        """Have `on_news` called: now, if the session waits for its peer, else before it waits again."""
        self._has_news = True
        self._end_wait()

    def _end_wait(self) -> None:
        if self._is_reading and self._task and not self._was_woken:
            self._was_woken = True
            self._task.cancel()

    def hang_up(self) -> None:
        """End after the event in hand: send what is due and read nothing more."""
        self._is_hanging_up = True

    def left_s(self, most_s: float) -> float:
        """What is left of this many seconds since the session began; not positive when they are over."""
        return self._began_s + most_s - self._loop.time()

    def begin_anew(self) -> None:
        """As if the session began now: for `left_s`."""
        self._began_s = self._loop.time()

    async def flush(self) -> None:
        """Send what is due. Raises TimedOut, ConnectionLost."""
        if data := self._talk.data_to_send():
            await self.stream.write(data, timeout_s=WRITE_TIMEOUT_S)

    async def read(self, wait_s: float) -> bytes | None:
        """What the peer sends; None when `stop` or `wake` ended the wait. Raises TimedOut, ConnectionLost."""
        self._is_reading = True
        try:
            return await self.stream.read(wait_s)
        except asyncio.CancelledError:
            # One cancel was ours; any further one is meant for the whole session.
            if self._was_woken and self._task is not None and self._task.uncancel() == 0:
                self._was_woken = False
                return None
            raise
        finally:
            self._is_reading = False

    async def _run(self, session: Driven) -> Ended:
        talk, loop = self._talk, self._loop
        due_s = loop.time() + talk.timeout_s
        handled = told = 0
        while not (talk.over or self._is_hanging_up):
            event = talk.next_event()
            if event is NEED_DATA:
                now_s = loop.time()
                if handled != told:
                    due_s, told = now_s + talk.timeout_s, handled
                ended = self._why_to_part(session, now_s) or await self._exchange(session, due_s - now_s)
                if ended is not None:
                    session.part(ended)
                    return ended
            elif event is PAUSED:
                raise LocalFault("an event was left without an answer")
            else:
                doing = session.handle(event)
                if doing is not None:
                    await doing
                handled += 1
                if handled % EVENTS_AT_ONCE == 0:
                    await asyncio.sleep(0)
        return Ended.OVER

    def _why_to_part(self, session: Driven, now_s: float) -> Ended | None:
        if not (self._is_stopping or now_s >= self._ends_s) or not session.is_between_commands:
            return None
        return Ended.STOPPED if self._is_stopping else Ended.TOO_LONG

    async def _exchange(self, session: Driven, wait_s: float) -> Ended | None:
        """Send what is due and take what comes; why to end, if that is how it went."""
        if self._has_news and self._on_news is not None:
            self._has_news = False
            await self._on_news()
        if data := self._talk.data_to_send():
            await self.stream.write(data, WRITE_TIMEOUT_S)
        if (wait_s := min(wait_s, session.patience_s)) <= 0:
            return Ended.TIMED_OUT
        try:
            received = await self.read(wait_s)
        except TimedOut:
            return Ended.TIMED_OUT
        if received is None:
            return Ended.STOPPED if self._is_stopping else None
        self._talk.receive(received)
        return None
