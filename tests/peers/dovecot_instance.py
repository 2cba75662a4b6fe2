"""A Dovecot of our own: a store that takes LMTP and gives POP3 and IMAP, and SASL for a Postfix beside it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from child_process import ChildProcess
from loopback import accepts
from mail_peer import maildir_letters
from peer_programs import eventually, need_root, program, public_folder
from tls_kit import certificate

_NOBODY: Final = 65534
FILLED_AT: Final = 1_500_000_000
MECHANISMS: Final = ("plain", "login", "cram-md5", "digest-md5", "scram-sha-1", "scram-sha-256")

_CONFIG: Final = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
auth_verbose = yes
protocols = lmtp pop3 imap
listen = {address}
hostname = {hostname}
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
mail_location = maildir:{folder}/mail/%n
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={nobody} gid={nobody} home={folder}/mail/%n
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = {address}
    port = 24
  }}
}}
service auth {{
  unix_listener sasl {{
    mode = 0666
  }}
}}
"""


class DovecotInstance:
    """One Dovecot.

    address     where it takes LMTP on port 24, and gives POP3 and IMAP on their own.
    lmtp        its unix socket for LMTP.
    sasl        its unix socket for servers that ask it about logins, as Postfix does.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        passwords: Mapping[str, str],
        *,
        hostname: str = "store.example",
        mechanisms: Sequence[str] = MECHANISMS,
        scheme: str = "PLAIN",
        more: str = "",
    ) -> None:
        """`folder` must be one that other users can reach; `passwords` has them by address, in `scheme`.

        more    of the configuration.
        """
        need_root("Dovecot")
        self._dovecot = program("dovecot", "dovecot-core")
        self.address = address
        self._folder = folder
        self.lmtp = folder / "run/lmtp"
        self.sasl = folder / "run/sasl"
        self._process: ChildProcess | None = None
        for name in ("run", "state", "mail"):
            (folder / name).mkdir()
        shutil.chown(folder / "mail", _NOBODY, _NOBODY)
        cert, key = certificate(hostname, folder / "tls")
        users = "".join(f"{user}:{{{scheme}}}{password}\n" for user, password in passwords.items())
        (folder / "users").write_text(users)
        (folder / "dovecot.conf").write_text(
            _CONFIG.format(
                folder=folder,
                address=address,
                hostname=hostname,
                certificate=cert,
                key=key,
                nobody=_NOBODY,
                mechanisms=" ".join(mechanisms),
            )
            + more
        )

    def start(self) -> None:
        """Returns when it takes LMTP."""
        self._process = ChildProcess([self._dovecot, "-c", self._folder / "dovecot.conf", "-F"])
        eventually(lambda: self._answers(), "Dovecot takes LMTP")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.is_running, self.log() + "\n".join(self._process.lines)
        return accepts(self.address, 24)

    def stop(self) -> None:
        """Nothing of it is left running."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def fill(self, local_part: str, letters: Sequence[bytes]) -> None:
        """Put letters into a mailbox as they are, in this order; nobody may have looked at it yet.

        Each came a second after the one before, the first at FILLED_AT.
        """
        folder = self._folder / "mail" / local_part
        for name in ("cur", "new", "tmp"):
            (folder / name).mkdir(parents=True)
        for number, letter in enumerate(letters):
            path = folder / "cur" / f"{FILLED_AT + number}.fill:2,S"
            path.write_bytes(letter.replace(b"\r\n", b"\n"))
            os.utime(path, (FILLED_AT + number, FILLED_AT + number))
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, _NOBODY, _NOBODY)

    def letters(self, local_part: str) -> list[bytes]:
        """What it has delivered into a mailbox, its lines ending in CRLF again."""
        found = maildir_letters(self._folder / "mail" / local_part)
        return [letter.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for letter in found]

    def log(self) -> str:
        """All it has logged."""
        path = self._folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""


@contextmanager
def dovecot(address: str, passwords: Mapping[str, str], *, more: str = "") -> Iterator[DovecotInstance]:
    """One that runs; its log is shown with a test that fails."""
    with public_folder("dovecot") as folder:
        made = DovecotInstance(folder, address, passwords, more=more)
        try:
            made.start()
            yield made
        finally:
            print(made.log())
            made.stop()
