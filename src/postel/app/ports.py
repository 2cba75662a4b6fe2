"""Listening sockets that are open before the server is: systemd's, and those that only root may open.

Gives       OpenPorts, cannot_listen.
Not here    Listening at all other addresses: app.listeners.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Collection
from pathlib import Path
from typing import Final

from postel.app import systemd
from postel.config import BadConfig, Listen, Loaded, Mistake
from postel.net import Endpoint, listening_socket, parse_endpoint
from postel.observe import logger

log = logger("app")

_FIRST_FREE: Final = 1024  # the ports below need a right


class OpenPorts:
    """Sockets by where they listen. Whoever uses one closes it; `close_others` is for the rest."""

    def __init__(self) -> None:
        """Take over what systemd has opened."""
        self.sockets: dict[Endpoint, socket.socket] = systemd.inherited_sockets(os.environ)

    def open_privileged(self, loaded: Loaded) -> None:
        """As root, open the configured ports below 1024. Raises BadConfig, with the line that names one."""
        if os.geteuid() != 0:
            return
        for listen in loaded.config.listen:
            endpoint = parse_endpoint(listen.address or "")
            if endpoint in self.sockets or not 0 < endpoint.port < _FIRST_FREE:
                continue
            try:
                self.sockets[endpoint] = listening_socket(endpoint)
            except OSError as error:
                raise BadConfig([cannot_listen(loaded, listen, error)]) from None

    def close_others(self, used: Collection[Endpoint]) -> None:
        """Close the sockets that no listener has taken: nobody would ever answer there."""
        for endpoint in [endpoint for endpoint in self.sockets if endpoint not in used]:
            self.sockets.pop(endpoint).close()
            log.trouble("socket_unused", listener=endpoint, because="no [[listen]] has this address")

    def close(self) -> None:
        """Close all; for a server that did not come to be, and harmless after it."""
        for opened in self.sockets.values():
            opened.close()


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
