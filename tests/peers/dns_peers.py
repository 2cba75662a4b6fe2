"""Name servers: unbound with a zone of ours, and our own in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from child_process import ChildProcess
from peer_programs import PATIENCE_S, program

from postel.net import Endpoint, TcpNetwork
from postel.testing import DnsServer, Zone

_UNBOUND: Final = """\
server:
  interface: {address}@{port}
  access-control: 127.0.0.0/8 allow
  do-ip6: no
  do-not-query-localhost: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  logfile: ""
  use-syslog: no
  module-config: "iterator"
  num-threads: 1
  local-zone: "refused.invalid." always_refuse
  local-zone: "2.0.192.in-addr.arpa." nodefault
remote-control:
  control-enable: no
auth-zone:
  name: "."
  zonefile: "{folder}/zone"
  for-downstream: no
  for-upstream: yes
"""

# It is the root of a DNS that has nothing else.
_ROOT: Final = """\
. 60 IN SOA ns.invalid. hostmaster.invalid. 1 3600 600 86400 60
. 60 IN NS ns.invalid.
$TTL 60
"""


@contextmanager
def unbound(folder: Path, zone: str, address: str, port: int) -> Iterator[Endpoint]:
    """A resolver whose whole world is this zone."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "zone").write_text(_ROOT + _as_master_file(zone))
    config = folder / "unbound.conf"
    config.write_text(_UNBOUND.format(address=address, port=port, folder=folder))
    process = ChildProcess([program("unbound"), "-d", "-c", config], folder=folder)
    try:
        process.wait_for(lambda line: "start of service" in line, "that it serves")
        yield Endpoint(address, port)
    finally:
        process.end()


def _as_master_file(zone: str) -> str:
    """A master file wants a blank at the start of a line to mean the name before."""
    lines = [line.strip() for line in zone.splitlines() if line.strip()]
    return "".join(f"{line}\n" if line.split()[0].endswith(".") else f"  {line}\n" for line in lines)


@contextmanager
def own_dns_server(zone: str, address: str, port: int) -> Iterator[Endpoint]:
    """The DNS server of Postel's test kit, in a thread of its own."""
    is_over = asyncio.Event()
    started: Future[tuple[asyncio.AbstractEventLoop, Endpoint]] = Future()

    async def serve() -> None:
        try:
            server = await DnsServer.start(Zone.parse(zone), TcpNetwork(), Endpoint(address, port))
        except OSError as error:
            started.set_exception(error)
            return
        started.set_result((asyncio.get_running_loop(), server.endpoint))
        await is_over.wait()
        await server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        loop, endpoint = started.result(PATIENCE_S)
        try:
            yield endpoint
        finally:
            loop.call_soon_threadsafe(is_over.set)
    finally:
        thread.join(PATIENCE_S)
