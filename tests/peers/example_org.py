"""A Postel for example.org, shared by all tests that only need a server to send to and to read from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme
from postel_process import PostelProcess

_CONFIG: Final = """
hostname = "mail.example.org"

[[domain]]
name = "example.org"

[tls]
certificate = "cert.pem"
key = "key.pem"

[login]
attempts = 1000
"""
_PROTOCOLS: Final = ("smtp", "submission", "submissions", "pop3", "pop3s", "imap", "imaps")


@dataclass(frozen=True)
class Server:
    """A running Postel, and the certificate authority that programs shall believe."""

    postel: PostelProcess
    authority: Path
    numbers: Iterator[int]

    def person(self, name: str) -> str:
        """An account that nobody else uses."""
        return self.postel.add_account(f"{name}{next(self.numbers)}@example.org")


def example_org(folder: Path, numbers: Iterator[int], *, login: str = "") -> Server:
    """The server, not started, with a certificate for 127.0.0.1 that can be verified.

    login       more lines of the section `[login]`.
    """
    authority = trustme.CA()
    names = ("127.0.0.1", "localhost", "mail.example.org")
    issued = authority.issue_cert(*names, common_name="mail.example.org")  # fetchmail wants the old field too
    authority.cert_pem.write_to_path(folder / "authority.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    for part in issued.cert_chain_pems:
        part.write_to_path(folder / "cert.pem", append=True)
    return Server(
        PostelProcess(folder, f"{_CONFIG}{login}\n", protocols=_PROTOCOLS), folder / "authority.pem", numbers
    )
