"""Servers with the mailboxes of one account: Postel, and Dovecot over a Maildir.

Gives       IMAP_SERVERS, Served, served, add_account, USER, PASSWORD.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.contenders.accounting import Account, accounted, settle
from bench.contenders.contender import DOMAIN, HOSTNAME, environment, free_port
from bench.load.imap import Client
from bench.load.letters import letter
from bench.load.source import Load, run_load

USER: Final = f"ann@{DOMAIN}"
PASSWORD: Final = "the-sesame-of-ann"
_PATIENCE_S: Final = 30.0
_ARRIVAL_S: Final = 600.0  # for all letters to be in the mailbox
_REST_S: Final = 10.0  # work in the background is over: it rests, too, several times as long as a batch takes
_NOBODY: Final = 65534
_POSTEL: Final = """\
hostname = "{hostname}"
data = "data"
[[listen]]
protocol = "imap"
address = "127.0.0.1:{imap}"
[[listen]]
protocol = "pop3"
address = "127.0.0.1:{pop3}"
[[listen]]
protocol = "lmtp"
address = "127.0.0.1:{lmtp}"
[[domain]]
name = "{domain}"
[login]
plaintext = ["127.0.0.0/8"]
[limits]
connections_per_address = 10000
"""
_DOVECOT: Final = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
first_valid_uid = 1
first_valid_gid = 1
postmaster_address = postmaster@{domain}
hostname = {hostname}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={nobody} gid={nobody} home={folder}/mail allow_all_users=yes
}}
mail_max_userip_connections = 1000
service imap {{
  process_limit = 1000
}}
service imap-login {{
  process_min_avail = 1
  service_count = 0
  inet_listener imap {{
    port = {imap}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A server that greets, on ports of 127.0.0.1."""

    folder: Path
    account: Account
    imap: int = field(default_factory=free_port)
    pop3: int = field(default_factory=free_port)
    lmtp: int = field(default_factory=free_port)

    def formatted(self, config: str) -> str:
        """A configuration with its facts filled in."""
        return config.format(
            folder=self.folder,
            imap=self.imap,
            pop3=self.pop3,
            lmtp=self.lmtp,
            hostname=HOSTNAME,
            domain=DOMAIN,
            password=PASSWORD,
            nobody=_NOBODY,
        )

    def client(self) -> Client:
        """A session over IMAP, logged in."""
        client = Client(self.imap)
        client.ask(f'LOGIN {USER} "{PASSWORD}"'.encode())
        return client

    def wait_for(self, count: int) -> float:
        """So many letters are in INBOX: how many seconds that took, 0 where they were there. Raises TimeoutError."""
        client = self.client()
        began_s, waited_s = time.monotonic(), 0.0
        while waited_s < _ARRIVAL_S:
            if client.count_of(b"INBOX") >= count:
                client.close()
                return waited_s
            time.sleep(0.01)
            waited_s = time.monotonic() - began_s
        raise TimeoutError(f"fewer than {count} letters came")


@dataclass(frozen=True, slots=True)
class ImapServer:
    """prepare     lays out its folder: the command that serves.
    fill        puts letters into INBOX, as fast as it can be done.
    most_sessions   that it holds at a time as it is configured here.
    """

    prepare: Callable[[Served], Sequence[str]]
    fill: Callable[[Served, int], None]
    most_sessions: int


def _postel(there: Served) -> list[str]:
    (there.folder / "postel.toml").write_text(there.formatted(_POSTEL))
    add_account(there, USER)
    return [*_command(there), "serve"]


def _command(there: Served) -> list[str]:
    return [str(Path(sys.executable).with_name("postel")), "--config", str(there.folder / "postel.toml")]


def add_account(there: Served, user: str) -> None:
    """Give a Postel another account, with PASSWORD."""
    add = [*_command(there), "account", "add", user, "--password-stdin"]
    given = f"{PASSWORD}\n".encode()
    subprocess.run(add, input=given, check=True, stdout=subprocess.DEVNULL, env=environment())


def _fill_by_lmtp(there: Served, count: int) -> None:
    run_load(Load(there.lmtp, min(20, count), count, is_letters=True))
    there.wait_for(count)


def _dovecot(there: Served) -> list[str]:
    program = shutil.which("dovecot", path="/usr/sbin:/usr/bin")
    if program is None or os.geteuid() != 0:
        raise RuntimeError("it needs root, and the Debian packages dovecot-imapd, -pop3d and -lmtpd")
    there.folder.chmod(0o755)
    for name in ("run", "state", "mail", "mail/cur", "mail/new", "mail/tmp"):
        (there.folder / name).mkdir()
        if name.startswith("mail"):
            shutil.chown(there.folder / name, _NOBODY, _NOBODY)
    (there.folder / "dovecot.conf").write_text(there.formatted(_DOVECOT))
    return [program, "-c", str(there.folder / "dovecot.conf"), "-F"]


def _fill_maildir(there: Served, count: int) -> None:
    for number in range(1, count + 1):
        octets = letter(number)
        stored = octets.replace(b"\r\n", b"\n")
        name = f"{1700000000 + number}.M{number}P1.bench,S={len(stored)},W={len(octets)}:2,"
        path = there.folder / "mail/cur" / name
        path.write_bytes(stored)
        os.chown(path, _NOBODY, _NOBODY)


IMAP_SERVERS: Final[Mapping[str, ImapServer]] = {
    "postel": ImapServer(_postel, _fill_by_lmtp, 9900),
    "dovecot": ImapServer(_dovecot, _fill_maildir, 900),
}


@contextmanager
def served(name: str, directory: Path | None, letters: int = 0) -> Iterator[Served]:
    """A server of this name with so many letters in INBOX, at rest. Raises RuntimeError, OSError."""
    server = IMAP_SERVERS[name]
    with tempfile.TemporaryDirectory(dir=directory, prefix="postel-bench-") as made, accounted() as account:
        folder = Path(made)
        there = Served(folder, account)
        command = account.joined(list(server.prepare(there)))
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(
                command, cwd=folder, env=environment(), start_new_session=True, stdout=output, stderr=output
            )
        account.watch(process.pid)
        try:
            _wait_until_it_greets(there)
            if letters:
                server.fill(there, letters)
                settle(account, _ARRIVAL_S, _REST_S)
            yield there
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait_until_it_greets(there: Served) -> None:
    ends_s = time.monotonic() + _PATIENCE_S
    for port, greeting in ((there.imap, b"* OK"), (there.pop3, b"+OK"), (there.lmtp, b"220")):
        while not _greets(port, greeting):
            if time.monotonic() > ends_s:
                raise TimeoutError(f"nothing greets on port {port}")
            time.sleep(0.05)


def _greets(port: int, greeting: bytes) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as one:
        return one.recv(len(greeting)) == greeting
    return False
