"""Postel as it is installed: `postel serve` and a configuration file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.contenders.contender import DOMAIN, HOSTNAME, Foreground, Purpose, Setting, free_port

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
[delivery]
allow_loopback = true
{rest}
"""
_REST: Final = {
    Purpose.DISCARD: '[relay]\ndomains = ["{domain}"]\n[route]\n"{domain}" = "discard"\n',
    Purpose.RELAY: '[relay]\ndomains = ["{domain}"]\n[route]\n"{domain}" = "smtp:[127.0.0.1]:{sink}"\n',
    Purpose.MAILBOX: '[[domain]]\nname = "{domain}"\n',
}


class PostelContender:
    """The default configuration, but for the limits that would refuse so many sessions from one address."""

    name = "postel"

    def is_installed(self) -> bool:
        return _POSTEL.exists()

    def start(self, setting: Setting) -> Foreground:
        port = free_port()
        config = setting.folder / "postel.toml"
        rest = _REST[setting.purpose].format(domain=DOMAIN, sink=setting.sink_port)
        top = "" if setting.workers == 1 else f"workers = {setting.workers}\n"
        config.write_text(_CONFIG.format(hostname=HOSTNAME, port=port, rest=rest + setting.extra, top=top))
        if setting.purpose is Purpose.MAILBOX:
            add = [
                str(_POSTEL),
                "--config",
                str(config),
                "account",
                "add",
                f"ann@{DOMAIN}",
                "--password-stdin",
            ]
            subprocess.run(add, input=b"a long password of ann\n", check=True, stdout=subprocess.DEVNULL)
        return Foreground([str(_POSTEL), "--config", str(config), "serve"], port, folder=setting.folder)
