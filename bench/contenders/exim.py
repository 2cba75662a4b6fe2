"""Exim as Debian builds it, in a root directory of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from bench.contenders.chroot import copy_programs, make_null, write_users
from bench.contenders.contender import (
    HOSTNAME,
    REPOSITORY,
    Foreground,
    Purpose,
    Setting,
    count_files,
    free_port,
)

EXIM: Final = REPOSITORY / ".peers/exim/usr/sbin/exim4"
_USER: Final = "Debian-exim"  # compiled in, by name; the numbers are ours
_NUMBERS: Final = {_USER: 64998, "ann": 64992}
_ROUTERS: Final = {
    Purpose.DISCARD: "driver = redirect\n  data = :blackhole:\n",
    Purpose.RELAY: "driver = manualroute\n  route_list = * 127.0.0.1\n  self = send\n  transport = sink\n",
    Purpose.MAILBOX: "driver = accept\n  transport = maildir\n",
}
_CONFIG: Final = """\
primary_hostname = {hostname}
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
acl_smtp_rcpt = accept
host_lookup =
rfc1413_query_timeout = 0s
never_users =
keep_environment =
tls_advertise_hosts =
smtp_accept_max = {sessions}
smtp_accept_queue_per_connection = 0
smtp_accept_queue = 0
queue_run_max = 20
remote_max_parallel = 20
message_size_limit = {size}
log_file_path = /var/log/exim4/%slog

begin routers
all:
  {router}
begin transports
sink:
  driver = smtp
  port   = {sink}
maildir:
  driver         = appendfile
  directory      = /mail/ann
  maildir_format = true
  user           = ann
  group          = ann

begin retry
* * F,1d,1m
"""


class EximContender:
    """As Debian builds it, with no limit on the messages of a connection that are delivered at once.

    It forks for each message: more sessions than it is let here only make it slower.
    """

    name = "exim"
    purposes = frozenset(Purpose)
    has_dead_domain = False
    most_sessions = 500

    def missing(self) -> str:
        if not EXIM.exists():
            return "no Exim: tools/install-bench-peers.sh"
        return "" if os.geteuid() == 0 else "only root can run it"

    def start(self, setting: Setting) -> Foreground:
        root, port = setting.folder, free_port()
        _lay_out(root)
        (root / "etc/exim4/exim4.conf").write_text(
            _CONFIG.format(
                hostname=HOSTNAME,
                port=port,
                sessions=self.most_sessions,
                size=setting.size_bytes,
                router=_ROUTERS[setting.purpose],
                sink=setting.sink_port,
            )
        )
        command = ["/usr/sbin/chroot", str(root), "/usr/sbin/exim4", "-bdf", "-q1m"]
        return Foreground(command, port, setting, count_files(root / "mail/ann/new"))


def _lay_out(root: Path) -> None:
    """Its root directory, but for the configuration."""
    root.chmod(0o755)
    copy_programs(root, {"/usr/sbin/exim4": EXIM})
    (root / "usr/sbin/exim4").chmod(0o4755)
    write_users(root, _NUMBERS)
    make_null(root)
    for name in ("etc/exim4", "var/spool/exim4", "var/log/exim4", "mail", "tmp", "root"):
        (root / name).mkdir(parents=True)
    for name in ("var/spool/exim4", "var/log/exim4"):
        os.chown(root / name, _NUMBERS[_USER], _NUMBERS[_USER])
    os.chown(root / "mail", _NUMBERS["ann"], _NUMBERS["ann"])
