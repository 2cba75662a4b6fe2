"""Where a listener listens and a connection ends: an IP address and port, or a unix socket's path.

Gives       Endpoint, parse_endpoint.
Not here    Names: they are looked up before (dns, routing); an endpoint is always an address.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address

from postel.mail import BadSyntax, IPAddress


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One end of a stream.

    host    the text of an IP address, or the absolute path of a unix socket ("" when it has no name).
    port    0 to 65535; 0 for unix sockets, and for "any free port" when listening.
    """

    host: str
    port: int = 0

    @property
    def ip(self) -> IPAddress | None:
        """The address; None for a unix socket."""
        return _ip(self.host)

    @property
    def is_unix(self) -> bool:
        """Whether this is a unix socket."""
        return _ip(self.host) is None

    def __str__(self) -> str:
        ip = _ip(self.host)
        if ip is None:
            return f"unix:{self.host}"
        return f"[{self.host}]:{self.port}" if ip.version == 6 else f"{self.host}:{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """Parse "127.0.0.1:25", "[::1]:25" or "unix:/run/postel/lmtp". Raises BadSyntax."""
    if text.startswith("unix:"):
        return _parse_unix(text.removeprefix("unix:"))
    host, colon, port = text.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    ip = _ip(host[1:-1] if is_bracketed else host)
    if not colon or ip is None or is_bracketed != (ip.version == 6):
        raise BadSyntax("an endpoint is 192.0.2.1:25, [2001:db8::1]:25 or unix:/path")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise BadSyntax("a port is a number from 0 to 65535")
    return Endpoint(str(ip), int(port))


def _parse_unix(path: str) -> Endpoint:
    if not path.startswith("/") or "\0" in path:
        raise BadSyntax("a unix socket is given by its absolute path")
    return Endpoint(path)


@lru_cache(maxsize=4096)
def _ip(host: str) -> IPAddress | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
