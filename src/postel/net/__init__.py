"""The edge to the world: streams, listeners, the wall clock, worker threads. Floor 2.

Rooms above take a `Network`, a `Clock` and `Workers` as arguments and never open a socket, look at a
clock or start a thread themselves; so a test can give them an internet that lives in one process.
"""

from postel.net.clock import Clock, SystemClock
from postel.net.collection import settle_for_good, without_collection
from postel.net.endpoint import Endpoint, parse_endpoint
from postel.net.faults import ConnectionLost, DialFailed, TimedOut
from postel.net.network import READ_LIMIT, Handler, Listener, Network, Stream, TlsInfo
from postel.net.proxied_stream import ProxiedStream, read_proxy_header
from postel.net.proxy_header import BadProxyHeader, ProxyHeader, parse_proxy_header
from postel.net.remembered import Facts, Remembered, RememberedHere, RememberedTogether
from postel.net.sockets import listening_socket, remove_socket_file, sharing_sockets
from postel.net.tcp import TcpListener, TcpNetwork
from postel.net.workers import ThreadWorkers, Workers

__all__ = [
    "READ_LIMIT",
    "BadProxyHeader",
    "Clock",
    "ConnectionLost",
    "DialFailed",
    "Endpoint",
    "Facts",
    "Handler",
    "Listener",
    "Network",
    "ProxiedStream",
    "ProxyHeader",
    "Remembered",
    "RememberedHere",
    "RememberedTogether",
    "Stream",
    "SystemClock",
    "TcpListener",
    "TcpNetwork",
    "ThreadWorkers",
    "TimedOut",
    "TlsInfo",
    "Workers",
    "listening_socket",
    "parse_endpoint",
    "parse_proxy_header",
    "read_proxy_header",
    "remove_socket_file",
    "settle_for_good",
    "sharing_sockets",
    "without_collection",
]
