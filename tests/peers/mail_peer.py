"""What the tests ask of another mail server, be it Postfix or Exim."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from peer_programs import public_folder


@dataclass(frozen=True, slots=True)
class Smarthost:
    """Where a peer sends all its mail, over TLS and with a login by this mechanism."""

    address: str
    port: int
    mechanism: str
    user: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerPlan:
    """What a mail server is to be.

    address         where it listens, on port 25, and where its own connections come from.
    name_server     who answers it on port 53.
    domains         its own: `mailboxes` are the local parts that it knows in all of them.
    relay_domains   it is a backup for these.
    login           name and password of one who may relay, by `mechanism`, over TLS. Exim only.
    smarthost       all its mail goes there. Exim only.
    sasl            the socket of a Dovecot that knows who may log in, and then relay, over TLS. Postfix only.
    lmtp            where mail for `lmtp_domains` goes by LMTP: `inet:[192.0.2.1]:24` or `unix:/path`. Postfix only.
    withheld        keywords that it does not offer though it could. Postfix only.
    message_size    the largest message it takes, in octets. Postfix only.
    more            lines for its configuration. Postfix only.

    Programs on 127.0.0.1 may relay; Postels come from other addresses.
    """

    hostname: str
    address: str
    name_server: str
    domains: Sequence[str] = ()
    mailboxes: Sequence[str] = ()
    relay_domains: Sequence[str] = ()
    mechanism: str = "PLAIN"
    login: tuple[str, str] | None = None
    smarthost: Smarthost | None = None
    sasl: Path | None = None
    lmtp: str = ""
    lmtp_domains: Sequence[str] = ()
    withheld: Sequence[str] = ()
    message_size: int = 50_000_000
    more: str = ""


class MailPeer(Protocol):
    """A mail server that is not Postel."""

    plan: PeerPlan

    def start(self) -> None:
        """Returns when it accepts connections."""

    def stop(self) -> None:
        """Nothing of it is left running."""

    def flush(self) -> None:
        """Try now what waits in its queue."""

    def waiting(self) -> int:
        """How many messages are in its queue."""

    def letters(self, local_part: str) -> list[bytes]:
        """What it delivered into a mailbox of its own, with the line ends of this machine."""

    def defer(self, local_part: str) -> None:
        """Answer 450 to this recipient, until `admit`."""

    def admit(self) -> None:
        """Defer nobody any more."""

    def log(self) -> str:
        """All it has logged."""


MakePeer: TypeAlias = Callable[[Path, PeerPlan], MailPeer]


@contextmanager
def running(make: MakePeer, plan: PeerPlan) -> Iterator[MailPeer]:
    with public_folder(plan.hostname) as folder:
        peer = make(folder, plan)
        try:
            peer.start()
            yield peer
        finally:
            print(peer.log())  # pytest shows it when the test fails
            peer.stop()


def maildir_letters(maildir: Path) -> list[bytes]:
    """The letters in a maildir, the oldest first."""
    paths = [path for part in ("new", "cur") for path in (maildir / part).glob("*")]
    return [path.read_bytes() for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns)]
