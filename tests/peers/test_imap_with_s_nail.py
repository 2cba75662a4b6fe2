"""S-nail, the mail program that takes its orders by lines, reading by IMAP."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from example_org import Server
from imap_account import ImapAccount
from letters import body_of, compose, read
from peer_programs import program, run
from postel_process import PASSWORD

pytestmark = [pytest.mark.peer, pytest.mark.slow]


def test_s_nail_reads_finds_copies_flags_and_deletes(server: Server, bob: str, tmp_path: Path) -> None:
    account = ImapAccount(server, bob)
    subjects = ("read me", "copy me", "delete me", "flag me", "keep me")
    account.fill("INBOX", *(compose(bob, bob, subject, f"about {subject}\r\n") for subject in subjects))
    where = f"imaps://{quote(bob, safe='')}:{quote(PASSWORD)}@localhost:{account.port}"
    options = ("v15-compat", "tls-verify=strict", f"tls-ca-file={server.authority}", "tls-ca-no-defaults")
    orders = (
        "type 1", f"copy 2 {where}/Archive", "flag 4", "delete 3", "search '(body \"about keep\")'", "quit"
    )  # fmt: skip
    said = run(
        program("s-nail"), "-:/", "-N", *(f"-S{option}" for option in options), "-f", f"{where}/INBOX",
        stdin="\n".join(orders).encode(),
        environment={"HOME": str(tmp_path), "MAILRC": "/dev/null"},
    )  # fmt: skip
    assert "about read me" in said
    assert said.count("keep me") == 1, said
    inbox = account.letters()
    assert {subject: kept.flags for subject, kept in inbox.items()} == {
        "read me": {"\\Seen"},
        "copy me": {"\\Seen"},
        "flag me": {"\\Flagged"},
        "keep me": set(),
    }
    (copy,) = account.letters("Archive").values()
    assert (read(copy.octets)["Subject"], body_of(copy.octets).strip()) == ("copy me", "about copy me")
