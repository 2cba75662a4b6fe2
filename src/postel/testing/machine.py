"""The computer under one server: a disk, a network, and the power that both need.

Gives       Machine.
Not here    What a disk keeps when the power goes: testing.power. The server: testing.mail_server.

When the power goes, whatever ran is gone: its connections break, nobody hears of it again, and what it had in hand
waits for ever. In this process its tasks still exist; but whatever they ask of the world has no answer.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Final, TypeVar

from postel.database import Shared, SqliteDatabase, Work
from postel.mail import IPAddress
from postel.net import Endpoint, Handler, Stream
from postel.testing.memory_stream import MemoryStream
from postel.testing.network import MemoryHost, MemoryListener
from postel.testing.power import Ailment, PowerDisk

S = TypeVar("S")
T = TypeVar("T")
_STREAMS_BEFORE_SWEEP: Final = 64


class Machine:
    """Made for one host, with a disk of its own below `root`; or with a place on a disk that others share.

    ails    what is wrong with the disk (testing.power.Ailment); it stays so over a power cut.
    """

    def __init__(self, host: MemoryHost, root: Path, shared: PowerDisk | None = None) -> None:
        self.host = host
        self.ails: Ailment | None = None
        self._root = root
        self._shared = shared
        self._number = 1
        self._past: list[_Life] = []
        self._life = self._begin(shared or PowerDisk(_made(root / "1")))

    @property
    def power(self) -> PowerDisk:
        """The disk."""
        return self._life.power

    @property
    def boot(self) -> str:
        """Names this run of its operating system: another one after a power cut."""
        return self.power.vfs

    @property
    def folder(self) -> Path:
        """Where its data are."""
        return _made(self._root) if self._shared else self.power.directory

    @property
    def network(self) -> PoweredHost:
        """The host's network, while there is power."""
        return self._life.network

    async def open_database(self, directory: Path) -> Any:
        """The database on its disk, whatever the name of the directory."""
        return await self._life.open_database(self.folder)

    def cut_power(self, rng: random.Random) -> None:
        """The power goes, and is there again at once. What is opened from now on finds what the disk has kept."""
        if self._shared:
            raise ValueError("a disk that others share is cut for all of them")
        cut = self.power.cut_now(rng)
        self._life.end()
        self._past.append(self._life)
        self._number += 1
        self._life = self._begin(PowerDisk(cut.lay_out(_made(self._root / str(self._number)))))

    async def close(self) -> None:
        """Nothing of it is needed any more, the dead included."""
        for life in (*self._past, self._life):
            await life.bury(is_own=self._shared is None)

    def _begin(self, power: PowerDisk) -> _Life:
        if not self._shared:
            power.ails = self._ailment
        return _Life(self.host, power)

    def _ailment(self, what: str, path: str) -> int | None:
        return None if self.ails is None else self.ails(what, path)


class _Life:
    """From one power cut to the next."""

    def __init__(self, host: MemoryHost, power: PowerDisk) -> None:
        self.power = power
        self.grave = _Grave()
        self.network = PoweredHost(host, self.grave)
        self._databases: list[PoweredDatabase] = []

    async def open_database(self, folder: Path) -> PoweredDatabase:
        inner = await SqliteDatabase.open(folder, threaded=False, vfs=self.power.vfs)
        self._databases.append(PoweredDatabase(inner, self.grave))
        return self._databases[-1]

    def end(self) -> None:
        self.grave.is_dead = True
        self.network.end()

    async def bury(self, *, is_own: bool) -> None:
        self.grave.is_dead = self.grave.is_closed = True
        self.network.end()
        for database in self._databases:
            await database.inner.close()
        if is_own:
            self.power.close()


class _Grave:
    """Where whoever asks without power waits."""

    def __init__(self) -> None:
        self.is_dead = False
        self.is_closed = False

    async def wait(self) -> Any:
        if self.is_closed:
            raise asyncio.CancelledError
        await asyncio.get_running_loop().create_future()

    async def living(self, act: Awaitable[T]) -> T:
        """What it gives, if there is still power then."""
        try:
            found = await act
        except Exception:
            if self.is_dead:
                await self.wait()
            raise
        if self.is_dead:
            await self.wait()
        return found


class PoweredDatabase:
    """A database on a powered machine."""

    def __init__(self, inner: SqliteDatabase, grave: _Grave) -> None:
        self.inner = inner
        self._grave = grave

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def write(self, work: Work[T]) -> T:
        """See Database."""
        if self._grave.is_dead:
            await self._grave.wait()
        return await self._grave.living(self.inner.write(work))

    async def share(self, work: Shared[S, T], item: S, weight: int = 1) -> T:
        """See Database."""
        if self._grave.is_dead:
            await self._grave.wait()
        return await self._grave.living(self.inner.share(work, item, weight))

    async def read(self, work: Work[T]) -> T:
        """See Database."""
        if self._grave.is_dead:
            await self._grave.wait()
        return await self.inner.read(work)


class PoweredHost:
    """A net.Network: a host's, until the power goes."""

    def __init__(self, host: MemoryHost, grave: _Grave) -> None:
        self._host = host
        self._grave = grave
        self._streams: list[MemoryStream] = []
        self._listeners: list[MemoryListener] = []

    def own_addresses(self) -> frozenset[IPAddress]:
        """See Network."""
        return self._host.own_addresses()

    async def dial(self, to: Endpoint, *, timeout_s: float, source: IPAddress | None = None) -> MemoryStream:
        """See Network."""
        if self._grave.is_dead:
            await self._grave.wait()
        stream = await self._grave.living(self._host.dial(to, timeout_s=timeout_s, source=source))
        self._remember(stream)
        return stream

    async def listen(
        self, at: Endpoint, handler: Handler, *, socket: socket.socket | None = None
    ) -> MemoryListener:
        """See Network."""

        async def serve(stream: Stream) -> None:
            if isinstance(stream, MemoryStream):
                self._remember(stream)
            await handler(stream)

        listener = await self._host.listen(at, serve, socket=socket)
        self._listeners.append(listener)
        return listener

    def end(self) -> None:
        """All connections break, and nobody listens."""
        for listener in self._listeners:
            listener.close_now()
        for stream in self._streams:
            stream.break_off("connection reset by peer", keep=False)
        self._listeners.clear()
        self._streams.clear()

    def _remember(self, stream: MemoryStream) -> None:
        if len(self._streams) >= _STREAMS_BEFORE_SWEEP:
            self._streams = [old for old in self._streams if not old.is_over]
        self._streams.append(stream)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
