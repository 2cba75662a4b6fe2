"""An account's mailboxes as another client sees them, to compare with what a program has done."""

from __future__ import annotations

import imaplib
import re
import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from example_org import Server
from letters import read
from peer_programs import PATIENCE_S, eventually
from postel_process import PASSWORD

_FLAGS: Final = re.compile(rb"FLAGS \(([^)]*)\)")


@dataclass(frozen=True)
class Kept:
    """One letter in a mailbox: its octets, and its flags without \\Recent."""

    octets: bytes
    flags: frozenset[str]


class Mailboxes(ABC):
    """Somebody's mailboxes on some server, whose names are divided by slashes."""

    @abstractmethod
    def connect(self) -> imaplib.IMAP4:
        """A client, logged in."""

    @contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        """The same, for a while."""
        client = self.connect()
        try:
            yield client
        finally:
            client.logout()

    def fill(self, name: str, *letters: bytes, flags: str = "") -> None:
        """Put letters into a mailbox, which is made where there is none."""
        with self.client() as client:
            client.create(name)
            for letter in letters:
                _ok(client.append(name, flags, "", letter))

    def letters(self, name: str = "INBOX") -> dict[str, Kept]:
        """The letters of a mailbox by their subjects; nothing is changed by looking."""
        with self.client() as client:
            _ok(client.select(name, readonly=True))
            answers = _ok(client.fetch("1:*", "(FLAGS BODY.PEEK[])")) if _count(client, name) else []
        found = [_kept(answer) for answer in answers if isinstance(answer, tuple)]
        by_subject = {read(one.octets)["subject"]: one for one in found}
        assert len(by_subject) == len(found), "nothing is there twice"
        return by_subject

    def names(self) -> set[str]:
        """All mailboxes."""
        with self.client() as client:
            return {line.decode().rpartition(' "/" ')[2].strip('"') for line in _ok(client.list())}

    def change(self, name: str, subject: str, flags: str, how: str = "+FLAGS") -> None:
        """Change the flags of one letter; \\Deleted expunges it."""
        with self.client() as client:
            _ok(client.select(name))
            (numbers,) = _ok(client.search(None, "SUBJECT", f'"{subject}"'))
            _ok(client.store(numbers.decode(), how, flags))
            client.expunge()

    def wait_until(self, name: str, subjects: set[str]) -> dict[str, Kept]:
        """The letters, as soon as there are just these."""
        eventually(lambda: set(self.letters(name)) == subjects, f"{subjects} in {name}")
        return self.letters(name)


@dataclass(frozen=True)
class ImapAccount(Mailboxes):
    """An account on the shared server."""

    server: Server
    address: str

    @property
    def port(self) -> int:
        """Of imaps."""
        return self.server.postel.port("imaps")

    def connect(self) -> imaplib.IMAP4:
        """By TLS that is verified."""
        context = ssl.create_default_context(cafile=str(self.server.authority))
        client = imaplib.IMAP4_SSL("127.0.0.1", self.port, ssl_context=context, timeout=PATIENCE_S)
        client.login(self.address, PASSWORD)
        return client


def _count(client: imaplib.IMAP4, name: str) -> bool:
    (line,) = _ok(client.status(name, "(MESSAGES)"))
    return b"(MESSAGES 0)" not in line


def _kept(answer: tuple[bytes, bytes]) -> Kept:
    head, octets = answer
    flags = _FLAGS.search(head)
    assert flags is not None, head
    return Kept(octets, frozenset(flags[1].decode().split()) - {"\\Recent"})


def _ok(answer: tuple[str, list[bytes]]) -> list[bytes]:
    kind, data = answer
    assert kind == "OK", data
    return data
