"""Making sockets as a mail server wants them, and reading their addresses.

Gives       listening_socket, sharing_sockets, dialling_socket, address_of, endpoint_of, remove_socket_file, BACKLOG.
Not here    Using them (net.tcp).
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

from postel.mail import IPAddress
from postel.net.endpoint import Endpoint

BACKLOG: Final = 2048  # connections that the kernel completes before we accept them
# Linux divides new connections among the sockets that share a port; elsewhere the one that came last may get all.
_DIVIDES: Final = sys.platform == "linux"


def address_of(endpoint: Endpoint) -> tuple[str, int] | str:
    """The endpoint as the socket module wants it."""
    return endpoint.host if endpoint.is_unix else (endpoint.host, endpoint.port)


def endpoint_of(address: Any) -> Endpoint:
    """The endpoint of an address as the socket module gives it; without a name, Endpoint("").

    An IPv4 peer of a dual-stack socket is given by its IPv4 address.
    """
    if isinstance(address, tuple):
        return Endpoint(_plain_ip(address[0]), address[1])
    return Endpoint(os.fsdecode(address) if address else "")


@lru_cache(maxsize=4096)
def _plain_ip(text: str) -> str:
    ip = ip_address(text)
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return str(mapped or ip)


def _family(endpoint: Endpoint) -> int:
    ip = endpoint.ip
    if ip is None:
        return socket.AF_UNIX
    return socket.AF_INET if ip.version == 4 else socket.AF_INET6


def answer_at_once(made: socket.socket) -> None:
    """Turn Nagle's algorithm off; connections accepted from a listening socket inherit it.

    We send whole replies and whole groups of commands, so holding back a small segment only costs a round
    trip.
    """
    if made.family != socket.AF_UNIX:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def listening_socket(at: Endpoint) -> socket.socket:
    """A socket bound and listening there. Raises OSError.

    A unix socket's file that no process listens on any more is replaced.
    """
    made = _bound_socket(at, shares=False)
    made.listen(BACKLOG)
    return made


def sharing_sockets(at: Endpoint, count: int) -> list[socket.socket]:
    """So many listening sockets among which the kernel divides the connections that come there. Raises OSError.

    Where it does not divide them, and for a unix socket, all are the same one.
    """
    if at.is_unix or not _DIVIDES:
        return [listening_socket(at)] * count
    _bound_socket(at, shares=False).close()  # nobody else may be there: with another program we do not share
    sockets: list[socket.socket] = []
    try:
        for _ in range(count):
            sockets.append(_bound_socket(at, shares=True))
            at = endpoint_of(sockets[0].getsockname())
        for made in sockets:
            made.listen(BACKLOG)
    except BaseException:
        for made in sockets:
            made.close()
        raise
    return sockets


def _bound_socket(at: Endpoint, *, shares: bool) -> socket.socket:
    made = socket.socket(_family(at), socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        if at.is_unix:
            _remove_if_dead(at.host)
        else:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shares:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if made.family == socket.AF_INET6:
            # One socket per family, so that "::" and "0.0.0.0" can both be listened at.
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address_of(at))
    except BaseException:
        made.close()
        raise
    return made


def _remove_if_dead(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return  # bind will say that the name is taken
        with socket.socket(socket.AF_UNIX) as probe:
            probe.setblocking(False)
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)
            except BlockingIOError:
                return  # its owner is busy, not dead


def remove_socket_file(path: str, inode: int) -> None:
    """Remove a unix socket's file, if it is still the one we made."""
    with contextlib.suppress(FileNotFoundError):
        if os.stat(path).st_ino == inode:
            os.unlink(path)


def dialling_socket(to: Endpoint, source: IPAddress | None) -> socket.socket:
    """A socket to connect with, bound to the source address if any. Raises OSError."""
    made = socket.socket(_family(to), socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        answer_at_once(made)
        if source is not None:
            made.bind((str(source), 0))
    except BaseException:
        made.close()
        raise
    return made
