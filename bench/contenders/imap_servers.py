"""IMAP servers with one account: Postel, and Dovecot over a Maildir.

Gives       IMAP_SERVERS, ImapServer, USER, PASSWORD.
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
from pathlib import Path
from typing import Final, TypeAlias

from bench.contenders.contender import DOMAIN, HOSTNAME, environment, free_port

USER: Final = f"ann@{DOMAIN}"
PASSWORD: Final = "the-sesame-of-ann"
_PATIENCE_S: Final = 30.0
_NOBODY: Final = 65534
_POSTEL: Final = """\
hostname = "{hostname}"
data = "data"
[[listen]]
protocol = "imap"
address = "127.0.0.1:{port}"
[[domain]]
name = "{domain}"
[login]
plaintext = ["127.0.0.0/8"]
[log]
level = "error"
"""
_DOVECOT: Final = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={nobody} gid={nobody} home={folder}/mail
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
}}
"""


def _postel(folder: Path, port: int) -> list[str]:
    command = [str(Path(sys.executable).with_name("postel")), "--config", str(folder / "postel.toml")]
    (folder / "postel.toml").write_text(_POSTEL.format(hostname=HOSTNAME, domain=DOMAIN, port=port))
    add = [*command, "account", "add", USER, "--password-stdin"]
    given = f"{PASSWORD}\n".encode()
    subprocess.run(add, input=given, check=True, stdout=subprocess.DEVNULL, env=environment())
    return [*command, "serve"]


def _dovecot(folder: Path, port: int) -> list[str]:
    program = shutil.which("dovecot", path="/usr/sbin:/usr/bin")
    if program is None or os.geteuid() != 0:
        raise RuntimeError("it needs root, and the Debian package dovecot-imapd")
    folder.chmod(0o755)
    for name in ("run", "state", "mail"):
        (folder / name).mkdir()
    shutil.chown(folder / "mail", _NOBODY, _NOBODY)
    config = _DOVECOT.format(folder=folder, port=port, password=PASSWORD, nobody=_NOBODY)
    (folder / "dovecot.conf").write_text(config)
    return [program, "-c", str(folder / "dovecot.conf"), "-F"]


ImapServer: TypeAlias = Callable[[Path, int], Sequence[str]]
IMAP_SERVERS: Final[Mapping[str, ImapServer]] = {"postel": _postel, "dovecot": _dovecot}


@contextmanager
def served(server: ImapServer, directory: Path | None) -> Iterator[int]:
    """The port of a server that greets. Raises RuntimeError, TimeoutError."""
    with tempfile.TemporaryDirectory(dir=directory, prefix="postel-bench-") as name:
        folder, port = Path(name), free_port()
        command = server(folder, port)
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(
                command, cwd=folder, env=environment(), start_new_session=True, stdout=output, stderr=output
            )
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE_S)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int) -> None:
    ends_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < ends_s:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as one:
            if one.recv(4) == b"* OK":
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing greets on port {port}")
