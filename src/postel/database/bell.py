"""Wakes other processes that have the database open, as soon as a commit of ours concerns them.

Gives       Bell.
Not here    Which commit concerns whom: `Transaction.announce`, `Database.hear`.

Who wants to hear has a datagram socket in the directory `bells` beside the database; who rings sends the names of
the channels to each. So nothing polls while nothing happens, and a process needs to know of no other.

A socket whose process is gone is removed by the next who rings. What a busy process has no room for is sent again
a moment later. A ring is lost when its process dies between the commit and the ring: the slow look of
database.sqlite is for that.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from postel.observe import logger

log = logger("database")

DIRECTORY: Final = "bells"
ALL: Final = frozenset({""})  # in place of more channels than a datagram should carry
_OCTETS_LIMIT: Final = 4096  # of one ring
_READ_LIMIT: Final = 65536
_RINGS_AT_ONCE: Final = 200  # read before others on the loop have their turn
_PATH_LIMIT: Final = 100  # of a unix socket's name: 104 octets at the least
_AGAIN_S: Final = 0.005


class Bell:
    """One process's ear and voice beside one database. `heard` gets the channels that others have rung.

    Nothing here raises for trouble with the file system: then there is no bell, `is_hearing` is False.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, beside: Path, heard: Callable[[Collection[str]], None]
    ) -> None:
        self._loop = loop
        self._directory = beside / DIRECTORY
        self._heard = heard
        self._name = secrets.token_hex(8)
        self._folder: int | None = None
        self._ear: socket.socket | None = None
        self._voice: socket.socket | None = None
        self._late: dict[str, set[str]] = {}  # what others had no room for

    @property
    def is_hearing(self) -> bool:
        """Whether rings of others reach us."""
        return self._ear is not None

    def start_hearing(self) -> None:
        """Have an ear from now on."""
        if self._ear is not None:
            return
        ear = None
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            ear = _datagram_socket()
            ear.bind(self._path(self._name))
            self._loop.add_reader(ear, self._read)
        except (OSError, NotImplementedError) as trouble:
            log.trouble("bell_missing", because=str(trouble))
            if ear is not None:
                ear.close()
        else:
            self._ear = ear

    def ring(self, channels: Collection[str]) -> None:
        """Wake every other process that hears."""
        for name in self._others():
            self._ring_one(name, channels)

    def close(self) -> None:
        """Neither hear nor ring any more. What is late is tried once more."""
        for name, channels in list(self._late.items()):
            self._send(name, channels)
        self._late.clear()
        if self._ear is not None:
            self._loop.remove_reader(self._ear)
            self._ear.close()
            with suppress(OSError):
                os.unlink(self._directory / self._name)
        if self._voice is not None:
            self._voice.close()
        if self._folder is not None:
            os.close(self._folder)
        self._ear = self._voice = self._folder = None

    # Ringing

    def _others(self) -> list[str]:
        try:
            return [name for name in os.listdir(self._directory) if name != self._name]
        except OSError:  # nobody has ever wanted to hear
            return []

    def _ring_one(self, name: str, channels: Collection[str]) -> None:
        if name in self._late:
            self._late[name].update(channels)
        elif not self._send(name, channels):
            self._late[name] = set(channels)
            self._loop.call_later(_AGAIN_S, self._ring_again, name)

    def _ring_again(self, name: str) -> None:
        channels = self._late.pop(name, None)
        if channels:
            self._ring_one(name, channels)

    def _send(self, name: str, channels: Collection[str]) -> bool:
        """Whether there is nothing more to do: it was told, or is gone."""
        if self._voice is None:
            self._voice = _datagram_socket()
        try:
            self._voice.sendto(_format(channels), self._path(name))
        except BlockingIOError:
            return False
        except ConnectionRefusedError:  # its process was killed
            with suppress(OSError):
                os.unlink(self._directory / name)
        except OSError:  # it has ended meanwhile, or belongs to a stranger
            pass
        return True

    # Hearing

    def _read(self) -> None:
        channels: set[str] = set()
        with suppress(OSError):
            for _ in range(_RINGS_AT_ONCE):
                assert self._ear is not None
                channels.update(self._ear.recv(_READ_LIMIT).decode("utf-8", "replace").split("\n"))
        if channels:
            self._heard(ALL if "" in channels else channels)

    def _path(self, name: str) -> str:
        """Where a socket is; by way of the open directory where the name is too long for a socket."""
        path = str(self._directory / name)
        if len(os.fsencode(path)) <= _PATH_LIMIT:
            return path
        if self._folder is None:
            self._folder = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._folder}/{name}"


def _datagram_socket() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made


def _format(channels: Collection[str]) -> bytes:
    text = "\n".join(sorted(channels)).encode()
    return text if len(text) <= _OCTETS_LIMIT else b""
