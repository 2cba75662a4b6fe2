"""The listening sockets of several workers, which their supervisor opens and keeps.

Gives       SharedPorts, Port.
Not here    Sockets of a server that is one process: app.ports, app.listeners.

Each worker has a socket of its own at every TCP address, and the kernel divides new connections among them; unix
sockets and those that systemd has opened are one for all. The supervisor keeps them all open: who connects while a
worker is being replaced waits in its socket for the successor.
"""

from __future__ import annotations

import os
import socket
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from postel.app.part import ONE_WORKERS
from postel.app.ports import OpenPorts, Sockets, cannot_listen, is_privileged
from postel.config import BadConfig, Listen, Loaded
from postel.net import Endpoint, listening_socket, parse_endpoint, remove_socket_file, sharing_sockets
from postel.observe import logger

log = logger("app")

_Key: TypeAlias = tuple[Endpoint, bool]  # where, and whether it is for one worker only


@dataclass(slots=True)
class Port:
    """One listener's sockets, by the number of the worker. `inode` of the file that we have made for it."""

    protocol: str
    wanted: Endpoint
    sockets: list[socket.socket]
    inode: int | None

    @property
    def key(self) -> _Key:
        """What makes it the same port at a reload."""
        return self.wanted, self.protocol == ONE_WORKERS

    @property
    def place(self) -> str:
        """Where it really listens, for people."""
        name = self.sockets[0].getsockname()
        return f"unix:{os.fsdecode(name)}" if self.wanted.is_unix else str(Endpoint(name[0], name[1]))

    def close(self) -> None:
        """Nobody comes in here any more, once the workers have closed theirs."""
        for opened in self.sockets:
            opened.close()
        if self.inode is not None:
            remove_socket_file(self.wanted.host, self.inode)


class SharedPorts:
    """All that is open for so many workers."""

    def __init__(self, workers: int, open_before: OpenPorts) -> None:
        self._workers = workers
        self._before = open_before
        self._ports: list[Port] = []

    def __len__(self) -> int:
        return len(self._ports)

    def open(self, loaded: Loaded, *, only_privileged: bool = False) -> None:
        """Open what is configured and not open yet. Raises BadConfig, with the line of what cannot be."""
        for listen in list(self._missing(loaded)):
            if not only_privileged or is_privileged(parse_endpoint(listen.address or "")):
                self._open_one(loaded, listen)

    def open_new(self, loaded: Loaded) -> list[Port]:
        """Open what a new configuration has besides: these. What cannot be opened is logged."""
        new = []
        for listen in list(self._missing(loaded)):
            try:
                new.append(self._open_one(loaded, listen))
            except BadConfig as bad:
                mistake = bad.mistakes[0]
                log.trouble("listen_failed", file=mistake.file, line=mistake.line, because=mistake.text)
        return new

    def close_unwanted(self, loaded: Loaded) -> None:
        """Close what the configuration in force does not have; the workers have closed theirs."""
        protocols: defaultdict[_Key, deque[str]] = defaultdict(deque)
        for listen in loaded.config.listen:
            protocols[_key(listen.protocol, listen.address)].append(listen.protocol)
        for port in list(self._ports):
            if protocols[port.key]:
                self._rename(port, protocols[port.key].popleft())
            else:
                self._ports.remove(port)
                log.event("listener_closed", listener=port.place, protocol=port.protocol)
                port.close()

    def of(self, number: int) -> Sockets:
        """The sockets of one worker."""
        mine = (port for port in self._ports if number == 0 or port.protocol != ONE_WORKERS)
        return Sockets((port.wanted, port.sockets[number]) for port in mine)

    def close_those_of_others(self, number: int) -> None:
        """In a worker, which has these by its birth: nobody else's sockets must stay open because of it."""
        mine = {id(port.sockets[number]) for port in self._ports}
        for port in self._ports:
            for opened in port.sockets:
                if id(opened) not in mine:
                    opened.close()

    def close(self) -> None:
        """Close all."""
        while self._ports:
            self._ports.pop().close()

    @staticmethod
    def _rename(port: Port, protocol: str) -> None:
        if port.protocol != protocol:
            port.protocol = protocol
            log.event("listening", listener=port.place, protocol=protocol)

    def _missing(self, loaded: Loaded) -> Iterator[Listen]:
        there = Counter(port.key for port in self._ports)
        for listen in loaded.config.listen:
            key = _key(listen.protocol, listen.address)
            there[key] -= 1
            if there[key] < 0:
                yield listen

    def _open_one(self, loaded: Loaded, listen: Listen) -> Port:
        endpoint = parse_endpoint(listen.address or "")
        opened = self._before.sockets.take(endpoint)
        inode = None
        try:
            if listen.protocol == ONE_WORKERS and opened is None:
                opened = listening_socket(endpoint)
            sockets = [opened] * self._workers if opened else sharing_sockets(endpoint, self._workers)
            if endpoint.is_unix and opened is None:
                inode = os.stat(endpoint.host).st_ino
        except OSError as error:
            raise BadConfig([cannot_listen(loaded, listen, error)]) from None
        port = Port(listen.protocol, endpoint, sockets, inode)
        self._ports.append(port)
        log.event("listening", listener=port.place, protocol=listen.protocol)
        return port


def _key(protocol: str, address: str | None) -> _Key:
    return parse_endpoint(address or ""), protocol == ONE_WORKERS
