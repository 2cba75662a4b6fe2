"""Listening sockets that are open before the server is: systemd's, and those that only root may open.

Gives       OpenPorts, Sockets, cannot_listen.
Not here    Listening at all other addresses: app.listeners. Ports of several workers: app.shared_ports.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from postel.app import systemd
from postel.config import BadConfig, Listen, Loaded, Mistake
from postel.net import Endpoint, listening_socket, parse_endpoint
from postel.observe import logger

log = logger("app")

_FIRST_FREE: Final = 1024  # the ports below need a right


class Sockets:
    """Listening sockets, each for one listener at that endpoint. Whoever takes one closes it."""

    def __init__(self, there: Iterable[tuple[Endpoint, socket.socket]] = ()) -> None:
        self._there = list(there)

    def __iter__(self) -> Iterator[tuple[Endpoint, socket.socket]]:
        return iter(list(self._there))

    def __contains__(self, endpoint: Endpoint) -> bool:
        return any(at == endpoint for at, _ in self._there)

    def add(self, endpoint: Endpoint, opened: socket.socket) -> None:
        """One more."""
        self._there.append((endpoint, opened))

    def take(self, endpoint: Endpoint) -> socket.socket | None:
        """The socket for a listener there, if one is open already."""
        for number, (at, _) in enumerate(self._there):
            if at == endpoint:
                return self._there.pop(number)[1]
        return None

    def close(self) -> None:
        """Close what nobody took."""
        while self._there:
            self._there.pop()[1].close()


class OpenPorts:
    """What is open before the server is."""

    def __init__(self, sockets: Sockets | None = None) -> None:
        """These sockets; without them, what systemd has opened is taken over."""
        self.sockets = sockets or Sockets(systemd.inherited_sockets(os.environ).items())

    def open_privileged(self, loaded: Loaded) -> None:
        """As root, open the configured ports below 1024. Raises BadConfig, with the line that names one."""
        if os.geteuid() != 0:
            return
        for listen in loaded.config.listen:
            endpoint = parse_endpoint(listen.address or "")
            if endpoint in self.sockets or not is_privileged(endpoint):
                continue
            try:
                self.sockets.add(endpoint, listening_socket(endpoint))
            except OSError as error:
                raise BadConfig([cannot_listen(loaded, listen, error)]) from None

    def close_others(self) -> None:
        """Close the sockets that no listener has taken: nobody would ever answer there."""
        for endpoint, _ in self.sockets:
            log.trouble("socket_unused", listener=endpoint, because="no [[listen]] has this address")
        self.sockets.close()

    def close(self) -> None:
        """Close what is left; for a server that did not come to be, and harmless after it."""
        self.sockets.close()


def is_privileged(endpoint: Endpoint) -> bool:
    """Whether a right is needed to listen there."""
    return 0 < endpoint.port < _FIRST_FREE


def cannot_listen(loaded: Loaded, listen: Listen, error: OSError) -> Mistake:
    """Why a listener cannot be opened, and what to do, with its line."""
    endpoint = parse_endpoint(listen.address or "")
    line = loaded.line("listen", loaded.config.listen.index(listen), "address")
    why = _why_not_unix(endpoint, error) if endpoint.is_unix else _why_not(endpoint, error)
    return Mistake(loaded.file, line, f"cannot listen at {endpoint}: {why}")


def _why_not(endpoint: Endpoint, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program has this port; stop it, or choose another address"
    if error.errno == errno.EADDRNOTAVAIL:
        return "no interface of this machine has this address; say 0.0.0.0 or [::] for all there are"
    if error.errno in (errno.EACCES, errno.EPERM) and endpoint.port < _FIRST_FREE:
        return (
            "ports below 1024 need a right; start as root (Postel becomes its user when they are open), or let "
            "systemd give the right, as deploy/postel.service does"
        )
    return _words(error)


def _why_not_unix(endpoint: Endpoint, error: OSError) -> str:
    folder = Path(endpoint.host).parent
    if error.errno == errno.EADDRINUSE:
        return "another program listens there, or a file of that name is in the way; remove it"
    if error.errno == errno.ENOENT:
        return f"there is no directory {folder}; make it"
    if error.errno == errno.EACCES:
        return f"this user may not make files in {folder}; change that, or name another path"
    return _words(error)


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
