"""Postel as it is installed: `postel serve` and a configuration file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from bench.contenders.contender import (
    DEAD_DOMAIN,
    DOMAIN,
    HOSTNAME,
    Foreground,
    Purpose,
    Setting,
    environment,
    free_port,
)
from postel.config import Config

_POSTEL: Final = Path(sys.executable).with_name("postel")
_CONFIG: Final = """\
hostname = "{hostname}"
data = "data"
{top}
[[listen]]
protocol = "smtp"
address = "127.0.0.1:{port}"
[limits]
connections = 20000
connections_per_address = 20000
message_size = "{size}"
[delivery]
allow_loopback = true
{rest}
"""
_REST: Final = {
    Purpose.DISCARD: '[relay]\ndomains = ["{domain}"]\n[route]\n"{domain}" = "discard"\n',
    Purpose.RELAY: (
        '[relay]\ndomains = ["{domain}", "{dead}"]\n[route]\n'
        '"{domain}" = "smtp:[127.0.0.1]:{sink}"\n"{dead}" = "smtp:[127.0.0.2]:{sink}"\n'
    ),
    Purpose.MAILBOX: '[[domain]]\nname = "{domain}"\n',
}
_HOOK: Final = "async def rcpt(facts):\n    return None\n"


class PostelContender:
    """The default configuration, but for the limits that would refuse so many sessions from one address.

    workers     processes that serve.
    has_hook    it asks a hook that does nothing about each recipient.
    """

    purposes = frozenset(Purpose)
    has_dead_domain = True
    most_sessions = 20_000

    def __init__(self, name: str = "postel", *, workers: int = 1, has_hook: bool = False) -> None:
        self.name = name
        self._workers = workers
        self._has_hook = has_hook

    def missing(self) -> str:
        if not _POSTEL.exists():
            return "Postel is not installed beside this Python"
        has_workers = any(field.name == "workers" for field in msgspec.structs.fields(Config))
        return "" if self._workers == 1 or has_workers else "there is no setting `workers`"

    def start(self, setting: Setting) -> Foreground:
        port, folder = free_port(), setting.folder
        rest = _REST[setting.purpose].format(domain=DOMAIN, dead=DEAD_DOMAIN, sink=setting.sink_port)
        if self._has_hook:
            (folder / "nothing.py").write_text(_HOOK)
            rest += '[hooks]\nfiles = ["nothing.py"]\n'
        top = "" if self._workers == 1 else f"workers = {self._workers}\n"
        (folder / "postel.toml").write_text(
            _CONFIG.format(hostname=HOSTNAME, port=port, size=setting.size_bytes, rest=rest, top=top)
        )
        if setting.purpose is Purpose.MAILBOX:
            account = _command(folder, "account", "add", f"ann@{DOMAIN}", "--password-stdin")
            subprocess.run(
                account,
                input=b"a long password of ann\n",
                check=True,
                stdout=subprocess.DEVNULL,
                env=environment(),
            )
        return Foreground(_command(folder, "serve"), port, setting)


def _command(folder: Path, *words: str) -> list[str]:
    return [str(_POSTEL), "--config", str(folder / "postel.toml"), *words]
