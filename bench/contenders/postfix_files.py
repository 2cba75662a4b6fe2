"""The files of a Postfix that stands beside the machine's: its own configuration, queue, data and log.

Gives       lay_out, command, NOBODY.
Used by     the measurements, and the tests that speak with real mail servers.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

NOBODY: Final = 65534

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
virtual_uid_maps = static:{nobody}
virtual_gid_maps = static:{nobody}
virtual_mailbox_base = {folder}/mail
"""

# service type private unpriv chroot wakeup maxproc command
_MASTER: Final = """\
{listen} inet n - n - - smtpd
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
smtp      unix  - - {confined} -   - smtp
relay     unix  - - {confined} -   - smtp
lmtp      unix  - - n -   - lmtp
showq     unix  n - n -   - showq
error     unix  - - n -   - error
retry     unix  - - n -   - error
discard   unix  - - n -   - discard
virtual   unix  - n n -   - virtual
anvil     unix  - - n -   1 anvil
scache    unix  - - n -   1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


def lay_out(folder: Path, hostname: str, listen: str, more: str, *, name_server: str = "") -> None:
    """Write the configuration into `folder`/etc, and make what it needs beside it.

    folder      one that other users can reach; Postfix gives up root.
    listen      address:port.
    more        lines for main.cf; what they say of a setting is what counts.
    name_server asked by the clients, which are then confined to the queue directory and read an etc/resolv.conf of
                their own there; "" is the machine's.
    """
    for name in ("etc", "queue/etc", "data", "mail"):
        (folder / name).mkdir(parents=True)
    shutil.chown(folder / "data", "postfix")
    shutil.chown(folder / "mail", NOBODY, NOBODY)
    main = _MAIN.format(folder=folder, hostname=hostname, nobody=NOBODY)
    (folder / "etc/main.cf").write_text(_overridden(main, more))
    confined = "y" if name_server else "n"
    (folder / "etc/master.cf").write_text(_MASTER.format(listen=listen, confined=confined))
    if name_server:
        (folder / "queue/etc/resolv.conf").write_text(f"nameserver {name_server}\n")


def _overridden(main: str, more: str) -> str:
    """Postfix warns of a setting that is there twice."""
    said = {line.partition("=")[0].strip() for line in more.splitlines()}
    kept = [line for line in main.splitlines() if line.partition("=")[0].strip() not in said]
    return "\n".join([*kept, more])


def command(program: str, folder: Path, *words: str) -> list[str]:
    """The command line of one of its programs for the instance in `folder`."""
    return [program, "-c", str(folder / "etc"), *words]
