"""Postfix with a configuration of its own; the machine's is not touched. It must be run as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from bench.contenders.contender import (
    DOMAIN,
    HOSTNAME,
    Purpose,
    Setting,
    count_files,
    free_port,
    wait_until_it_listens,
)

_NOBODY: Final = 65534
_MAIN: Final = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = {hostname}
mydestination =
mynetworks = 127.0.0.1/32
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
alias_maps =
alias_database =
smtpd_client_connection_count_limit = 0
{purpose}
{tuning}
"""
_PURPOSES: Final = {
    Purpose.DISCARD: "relay_domains = {domain}\nrelay_recipient_maps =\ntransport_maps = inline:{{{domain}=discard:}}",
    Purpose.RELAY: (
        "relay_domains = {domain}\nrelay_recipient_maps =\n"
        "transport_maps = inline:{{{{{domain}=smtp:[127.0.0.1]:{sink}}}}}\n"
    ),
    Purpose.MAILBOX: (
        "virtual_mailbox_domains = {domain}\nvirtual_mailbox_maps = inline:{{ann@{domain}=ann/}}\n"
        "virtual_mailbox_base = {folder}/mail\nvirtual_uid_maps = static:65534\nvirtual_gid_maps = static:65534\n"
    ),
}
# What its own tuning guide recommends for one busy machine.
_TUNING: Final = "default_process_limit = 250\nqmgr_message_active_limit = 40000\nin_flow_delay = 0\n"
_MASTER: Final = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n - n 60  1 pickup
cleanup   unix  n - n -   0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n -   - trivial-rewrite
bounce    unix  - - n -   0 bounce
defer     unix  - - n -   0 bounce
trace     unix  - - n -   0 bounce
verify    unix  - - n -   1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n -   - proxymap
proxywrite unix - - n -   1 proxymap
smtp      unix  - - n -   - smtp
relay     unix  - - n -   - smtp
showq     unix  n - n -   - showq
error     unix  - - n -   - error
retry     unix  - - n -   - error
discard   unix  - - n -   - discard
virtual   unix  - n n -   - virtual
anvil     unix  - - n -   1 anvil
scache    unix  - - n -   1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class PostfixContender:
    """As installed, or tuned."""

    def __init__(self, name: str, *, tuned: bool) -> None:
        self.name = name
        self._is_tuned = tuned

    def is_installed(self) -> bool:
        return shutil.which("postfix", path="/usr/sbin") is not None and os.geteuid() == 0

    def start(self, setting: Setting) -> _Postfix:
        return _Postfix(setting, _TUNING if self._is_tuned else "")


class _Postfix:
    def __init__(self, setting: Setting, tuning: str) -> None:
        folder = setting.folder
        folder.chmod(0o755)
        self.port = free_port()
        self._folder = folder
        for name in ("etc", "queue", "data", "mail"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix")
        shutil.chown(folder / "mail", _NOBODY, _NOBODY)
        purpose = _PURPOSES[setting.purpose].format(domain=DOMAIN, sink=setting.sink_port, folder=folder)
        main = _MAIN.format(folder=folder, hostname=HOSTNAME, purpose=purpose, tuning=tuning)
        (folder / "etc/main.cf").write_text(main + setting.extra)
        (folder / "etc/master.cf").write_text(_MASTER.format(port=self.port))
        self._command("start")
        wait_until_it_listens(self.port)
        self.delivered = count_files(folder / "mail/ann/new")

    def _command(self, word: str) -> None:
        command = ["/usr/sbin/postfix", "-c", str(self._folder / "etc"), word]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def root(self) -> int:
        return int(Path(self._folder / "queue/pid/master.pid").read_text())

    def stop(self) -> None:
        self._command("stop")
