"""Postfix with a configuration of its own; the machine's is not touched. It must be run as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Final

from bench.contenders.contender import (
    DEAD_DOMAIN,
    DOMAIN,
    HOSTNAME,
    Purpose,
    Setting,
    count_files,
    free_port,
    wait_until_it_listens,
)
from bench.contenders.postfix_files import command, lay_out

_PURPOSES: Final = {
    Purpose.DISCARD: "relay_domains = {domain}\nrelay_recipient_maps =\ntransport_maps = inline:{{{domain}=discard:}}",
    Purpose.RELAY: (
        "relay_domains = {domain} {dead}\nrelay_recipient_maps =\n"
        "transport_maps = inline:{{{{{domain}=smtp:[127.0.0.1]:{sink}}},{{{dead}=smtp:[127.0.0.2]:{sink}}}}}\n"
    ),
    Purpose.MAILBOX: "virtual_mailbox_domains = {domain}\nvirtual_mailbox_maps = inline:{{ann@{domain}=ann/}}\n",
}
_LIMITS: Final = (
    "smtpd_client_connection_count_limit = 0\nmessage_size_limit = {size}\nvirtual_mailbox_limit = {size}"
)
# What its own tuning guide recommends for one busy machine.
_TUNING: Final = "default_process_limit = 250\nqmgr_message_active_limit = 40000\nin_flow_delay = 0\n"


class PostfixContender:
    """As installed, or tuned."""

    purposes = frozenset(Purpose)
    has_dead_domain = True

    def __init__(self, name: str, *, tuned: bool) -> None:
        self.name = name
        self.most_sessions = 240 if tuned else 90
        self._is_tuned = tuned

    def missing(self) -> str:
        if shutil.which("postfix", path="/usr/sbin") is None:
            return "no Postfix: tools/install-bench-peers.sh"
        return "" if os.geteuid() == 0 else "only root can run it"

    def start(self, setting: Setting) -> _Postfix:
        return _Postfix(setting, _TUNING if self._is_tuned else "")


class _Postfix:
    def __init__(self, setting: Setting, tuning: str) -> None:
        folder = setting.folder
        folder.chmod(0o755)
        self.port = free_port()
        self._folder = folder
        self.account = setting.account
        purpose = _PURPOSES[setting.purpose].format(domain=DOMAIN, dead=DEAD_DOMAIN, sink=setting.sink_port)
        limits = _LIMITS.format(size=setting.size_bytes)
        lay_out(folder, HOSTNAME, f"127.0.0.1:{self.port}", "\n".join([purpose, limits, tuning]))
        self._command("start")
        wait_until_it_listens(self.port)
        self.account.watch(int((folder / "queue/pid/master.pid").read_text()))
        self.delivered = count_files(folder / "mail/ann/new")

    def _command(self, word: str) -> None:
        subprocess.run(
            self.account.joined(command("/usr/sbin/postfix", self._folder, word)),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        self._command("stop")
