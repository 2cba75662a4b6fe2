"""OpenSMTPD as Debian builds it, in a root directory of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from bench.contenders.chroot import copy_programs, make_null, write_users
from bench.contenders.contender import (
    DOMAIN,
    HOSTNAME,
    REPOSITORY,
    Foreground,
    Purpose,
    Setting,
    count_files,
    free_port,
)

_UNPACKED: Final = REPOSITORY / ".peers/opensmtpd"
_USERS: Final = {"opensmtpd": 64990, "opensmtpq": 64991, "ann": 64992}
_HOMES: Final = {"opensmtpd": "/var/lib/opensmtpd/empty", "ann": "/home/ann"}
_PROGRAMS: Final = ("/usr/sbin/smtpd", "/usr/sbin/smtpctl", "/usr/libexec/opensmtpd/mail.maildir")
_FOLDERS: Final = (
    "etc",
    "tmp",
    "root",
    "home/ann",
    "var/run",
    "var/mail",
    "var/spool/smtpd",
    "var/lib/opensmtpd/empty",
)
_RELAY: Final = "relay host smtp://127.0.0.1:{sink}"
_ACTIONS: Final = {
    Purpose.DISCARD: _RELAY,
    Purpose.RELAY: _RELAY,
    Purpose.MAILBOX: 'maildir "/home/ann/Maildir"',
}
_CONFIG: Final = """\
smtp max-message-size {size}
listen on 127.0.0.1 port {port} hostname {hostname}
action "it" {action}
match from any for domain "{domain}" action "it"
"""


class OpensmtpdContender:
    """As Debian builds it.

    It has no route that throws mail away; for that its relaying is paused, so that it is charged with less than the
    others.
    """

    name = "opensmtpd"
    purposes = frozenset(Purpose)
    has_dead_domain = False
    most_sessions = 1000

    def missing(self) -> str:
        if not _UNPACKED.exists():
            return "no OpenSMTPD: tools/install-bench-peers.sh"
        return "" if os.geteuid() == 0 else "only root can run it"

    def start(self, setting: Setting) -> Foreground:
        root, port = setting.folder, free_port()
        _lay_out(root)
        action = _ACTIONS[setting.purpose].format(sink=setting.sink_port)
        (root / "etc/smtpd.conf").write_text(
            _CONFIG.format(
                size=setting.size_bytes, port=port, hostname=HOSTNAME, action=action, domain=DOMAIN
            )
        )
        inside = ["/usr/sbin/chroot", str(root)]
        count = count_files(root / "home/ann/Maildir/new") if setting.purpose is Purpose.MAILBOX else None
        server = Foreground([*inside, "/usr/sbin/smtpd", "-d"], port, setting, count)
        if setting.purpose is Purpose.DISCARD:
            subprocess.run([*inside, "/usr/sbin/smtpctl", "pause", "mta"], check=True, capture_output=True)
        return server


def _lay_out(root: Path) -> None:
    """Its root directory, but for the configuration."""
    root.chmod(0o755)
    shell = {"/bin/sh": Path("/bin/sh").resolve()}  # what delivers to a Maildir is run by one
    copy_programs(root, shell | {name: _UNPACKED / name.lstrip("/") for name in _PROGRAMS})
    write_users(root, _USERS, _HOMES)
    make_null(root)
    for name in _FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "var/spool/smtpd").chmod(0o711)
    os.chown(root / "home/ann", _USERS["ann"], _USERS["ann"])
    os.chown(root / "usr/sbin/smtpctl", 0, _USERS["opensmtpq"])
    (root / "usr/sbin/smtpctl").chmod(0o2755)
