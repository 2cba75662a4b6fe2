"""A Postfix of our own: its own configuration, queue and data; the machine's is not touched."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from bench.contenders.postfix_files import command, lay_out
from mail_peer import PeerPlan, maildir_letters
from peer_programs import need_root, program, run
from tls_kit import certificate

# Its own addresses must be those of an interface, and the loopback interface admits to 127.0.0.1 only. So it
# listens where master.cf says, and is told that this is its address too.
_MAIN: Final = """\
proxy_interfaces = {address}
smtp_bind_address = {address}
smtp_tcp_port = 25
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access hash:{folder}/access
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_received_header = yes
smtp_tls_security_level = may
smtp_tls_loglevel = 1
smtputf8_enable = yes
relay_domains = {relay_domains}
relay_recipient_maps =
virtual_mailbox_domains = {domains}
virtual_mailbox_maps = texthash:{folder}/mailboxes
transport_maps = texthash:{folder}/transport
smtpd_sasl_type = dovecot
smtpd_sasl_path = {sasl}
smtpd_sasl_auth_enable = {has_sasl}
smtpd_sasl_security_options = noanonymous
smtpd_discard_ehlo_keywords = {withheld}
message_size_limit = {message_size}
virtual_mailbox_limit = {message_size}
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
"""


class PostfixInstance:
    """A mail_peer.MailPeer."""

    def __init__(self, folder: Path, plan: PeerPlan) -> None:
        """`folder` must be one that other users can reach."""
        need_root("Postfix")
        self._postfix = program("postfix")
        self._postqueue = program("postqueue", "postfix")
        self.plan = plan
        self._folder = folder
        self._config = folder / "etc"
        self._changes = 0
        self._lay_out()

    def _lay_out(self) -> None:
        plan, folder = self.plan, self._folder
        cert, key = certificate(plan.hostname, folder / "tls")
        main = _MAIN.format(
            folder=folder,
            address=plan.address,
            certificate=cert,
            key=key,
            domains=" ".join(plan.domains),
            relay_domains=" ".join([*plan.relay_domains, *plan.lmtp_domains]),
            withheld=" ".join(plan.withheld),
            message_size=plan.message_size,
            sasl=plan.sasl or "none",
            has_sasl="yes" if plan.sasl else "no",
        )
        lay_out(folder, plan.hostname, f"{plan.address}:25", main + plan.more, name_server=plan.name_server)
        mailboxes = [f"{name}@{domain} {name}/\n" for domain in plan.domains for name in plan.mailboxes]
        (folder / "mailboxes").write_text("".join(mailboxes))
        (folder / "transport").write_text("".join(f"{name} lmtp:{plan.lmtp}\n" for name in plan.lmtp_domains))
        self._access("")

    def _command(self, word: str) -> None:
        run(*command(self._postfix, self._folder, word))

    def start(self) -> None:
        _make_room_for_log_lines()
        self._command("start")  # returns when the master process listens

    def stop(self) -> None:
        self._command("stop")

    def flush(self) -> None:
        run(self._postqueue, "-c", self._config, "-f")

    def waiting(self) -> int:
        return sum(
            1 for line in run(self._postqueue, "-c", self._config, "-j").splitlines() if json.loads(line)
        )

    def letters(self, local_part: str) -> list[bytes]:
        return maildir_letters(self._folder / "mail" / local_part)

    def defer(self, local_part: str) -> None:
        self._access(
            "".join(f"{local_part}@{domain} 450 4.2.0 come back later\n" for domain in self.plan.domains)
        )

    def admit(self) -> None:
        self._access("")

    def _access(self, table: str) -> None:
        """The server looks before each session whether the table has another time, in whole seconds."""
        path = self._folder / "access"
        path.write_text(table)
        run(program("postmap", "postfix"), "-c", self._config, f"hash:{path}")
        self._changes += 1
        changed_at = int(time.time()) + self._changes
        os.utime(f"{path}.db", (changed_at, changed_at))

    def log(self) -> str:
        path = self._folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""


def _make_room_for_log_lines() -> None:
    """The master process sends its log to a process that it has yet to start: once the socket is full of lines, and
    Linux lets it hold ten, each waits for the other for ever."""
    waiting = Path("/proc/sys/net/unix/max_dgram_qlen")
    with suppress(OSError):  # another kernel, or one that lets nobody write here
        if int(waiting.read_text()) < 512:
            waiting.write_text("512")
