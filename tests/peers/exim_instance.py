"""An Exim of our own, in a root directory of its own: it looks nowhere else for its files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from bench.contenders.chroot import copy_programs, make_null, write_users
from bench.contenders.exim import EXIM
from child_process import ChildProcess
from loopback import accepts
from mail_peer import PeerPlan, maildir_letters
from peer_programs import eventually, missing, need_root, program, run
from tls_kit import certificate

_EXIM: Final = "/usr/sbin/exim4"
_USER: Final = "Debian-exim"  # compiled in, by name; the numbers are ours
_NUMBER: Final = 64998

_CONFIG: Final = """\
primary_hostname = {hostname}
local_interfaces = {address}
daemon_smtp_ports = 25
domainlist local_domains = {domains}
domainlist relay_to_domains = {relay_domains}
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
acl_smtp_data_prdr = check_each
prdr_enable = true
host_lookup =
rfc1413_query_timeout = 0s
never_users = root
keep_environment =
tls_advertise_hosts = *
tls_certificate = /etc/exim4/cert.pem
tls_privatekey = /etc/exim4/key.pem
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
log_file_path = /var/log/exim4/%slog
log_selector = +tls_cipher +smtp_confirmation +received_recipients +8bitmime
queue_run_in_order = true

begin acl
check_rcpt:
  defer   local_parts = ${{if exists{{/deferred}}{{${{readfile{{/deferred}}{{:}}}}}}{{}}}}
          message     = come back later
  accept  hosts       = 127.0.0.1
  accept  authenticated = *
  accept  domains     = +local_domains
          endpass
          message     = no such mailbox
          verify      = recipient
  accept  domains     = +relay_to_domains
  deny    message     = relay not permitted

check_each:
  deny    local_parts = picky
          message     = not this for me
  accept

begin routers
mailboxes:
  driver      = accept
  domains     = +local_domains
  local_parts = {mailboxes}
  transport   = maildir
{smarthost}
abroad:
  driver      = dnslookup
  domains     = ! +local_domains
  transport   = smtp
  no_more

begin transports
smtp:
  driver    = smtp
  interface = {address}
  port      = 25
submission:
  driver    = smtp
  interface = {address}
  port      = 25
  hosts_require_auth = *
  hosts_require_tls = *
maildir:
  driver         = appendfile
  directory      = /mail/$local_part_data
  maildir_format = true
  user           = {user}
  group          = {user}
  return_path_add = true

begin retry
* * F,1d,1s

begin authenticators
{authenticators}
"""

_SMARTHOST: Final = """\
smarthost:
  driver     = manualroute
  domains    = ! +local_domains
  transport  = submission
  route_list = * {address}::{port}
  no_more
"""

_SERVERS: Final = {
    "PLAIN": """\
server:
  driver           = plaintext
  public_name      = PLAIN
  server_prompts   = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id    = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
""",
    "LOGIN": """\
server:
  driver           = plaintext
  public_name      = LOGIN
  server_prompts   = <| Username: | Password:
  server_condition = ${{if and{{{{eq{{$auth1}}{{{user}}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
  server_set_id    = $auth1
  server_advertise_condition = ${{if def:tls_in_cipher}}
""",
}

_CLIENTS: Final = {
    "PLAIN": "client:\n  driver = plaintext\n  public_name = PLAIN\n  client_send = <; ^{user}^{password}\n",
    "LOGIN": "client:\n  driver = plaintext\n  public_name = LOGIN\n  client_send = <; ; {user} ; {password}\n",
}


class EximInstance:
    """A mail_peer.MailPeer."""

    def __init__(self, folder: Path, plan: PeerPlan) -> None:
        """`folder` must be one that other users can reach."""
        need_root("Exim")
        if not EXIM.exists():
            missing("no Exim: Debian package exim4-daemon-light, unpacked by tools/install-peers.sh")
        self.plan = plan
        self._root = folder
        self._process: ChildProcess | None = None
        copy_programs(folder, {_EXIM: EXIM})
        (folder / _EXIM.lstrip("/")).chmod(0o4755)
        self._lay_out()

    def _lay_out(self) -> None:
        plan, root = self.plan, self._root
        for name in ("etc/exim4", "var/spool/exim4", "var/log/exim4", "mail", "tmp", "root"):
            (root / name).mkdir(parents=True)
        make_null(root)
        write_users(root, {_USER: _NUMBER})
        (root / "etc/resolv.conf").write_text(f"nameserver {plan.name_server}\n")
        cert, key = certificate(plan.hostname, root / "tls")
        shutil.copyfile(cert, root / "etc/exim4/cert.pem")
        shutil.copyfile(key, root / "etc/exim4/key.pem")
        (root / "etc/exim4/exim4.conf").write_text(
            _CONFIG.format(
                hostname=plan.hostname,
                address=plan.address,
                user=_USER,
                domains=" : ".join(plan.domains),
                relay_domains=" : ".join(plan.relay_domains),
                mailboxes=" : ".join(plan.mailboxes),
                smarthost=self._smarthost(),
                authenticators=self._authenticators(),
            )
        )
        for name in ("var/spool/exim4", "var/log/exim4", "mail", "etc/exim4/key.pem"):
            os.chown(root / name, _NUMBER, _NUMBER)

    def _smarthost(self) -> str:
        hop = self.plan.smarthost
        return "" if hop is None else _SMARTHOST.format(address=hop.address, port=hop.port)

    def _authenticators(self) -> str:
        parts = []
        if self.plan.login is not None:
            user, password = self.plan.login
            parts.append(_SERVERS[self.plan.mechanism].format(user=user, password=password))
        if (hop := self.plan.smarthost) is not None:
            parts.append(_CLIENTS[hop.mechanism].format(user=hop.user, password=hop.password))
        return "\n".join(parts)

    def _command(self, *arguments: str) -> list[str | Path]:
        return [program("chroot", "coreutils"), self._root, _EXIM, *arguments]

    def start(self) -> None:
        self._process = ChildProcess(self._command("-bdf", "-q1s"), environment={"TZ": "UTC"})
        process = self._process
        eventually(
            lambda: accepts(self.plan.address, 25) or not process.is_running, "Exim accepts connections"
        )
        assert process.is_running, "\n".join(process.lines)

    def stop(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None

    def flush(self) -> None:
        run(*self._command("-qff"))

    def waiting(self) -> int:
        return int(run(*self._command("-bpc")))

    def letters(self, local_part: str) -> list[bytes]:
        return maildir_letters(self._root / "mail" / local_part)

    def defer(self, local_part: str) -> None:
        (self._root / "deferred").write_text(local_part)

    def admit(self) -> None:
        (self._root / "deferred").unlink()

    def log(self) -> str:
        return "".join(
            path.read_text(errors="replace") for path in (self._root / "var/log/exim4").glob("*log")
        )
