"""Letters come in by LMTP and go out by IMAP and POP3 byte for byte, behind the fields that delivery puts before them.

With POSTEL_LETTERS=FOLDER in the environment, the letters there: one in each file, or mbox files.
"""

from __future__ import annotations

import os
import poplib
import re
import smtplib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from peer_programs import PATIENCE_S, eventually
from postel_process import PASSWORD, PostelProcess
from tls_kit import trusting
from tools.compare_letters import Letter, letters_in
from tools.compare_letters import Server as ImapServer

from corpus_kit import Letters

pytestmark = [pytest.mark.peer, pytest.mark.slow]

_CONFIG: Final = 'hostname = "mail.example.org"\n[[domain]]\nname = "example.org"\n'
_BEFORE: Final = re.compile(
    rb"Return-Path: <n\d+@example\.net>\r\nDelivered-To: ann@example\.org\r\n"
    rb"Received: from [^\r\n]+\r\n(?:[ \t][^\r\n]+\r\n)+(?P<end>\r\n)?"
)
_STRUCTURE: Final = b"ENVELOPE BODYSTRUCTURE BODY BODY.PEEK[TEXT] BODY.PEEK[1] BODY.PEEK[1.1] BODY.PEEK[2]"


def letters() -> list[Letter]:
    """Every line ends in CRLF, the last one too: so it must be in SMTP."""
    if folder := os.environ.get("POSTEL_LETTERS"):
        found = letters_in(Path(folder))
    else:
        made = [*Letters(20261126).some(150), *Letters(20261127, is_tame=True).some(50)]
        found = (Letter(f"letter {number}", letter) for number, letter in enumerate(made))
    return [Letter(one.name, one.octets.removesuffix(b"\r\n") + b"\r\n") for one in found]


@pytest.fixture
def postel(tmp_path: Path) -> Iterator[PostelProcess]:
    made = PostelProcess(tmp_path / "postel", _CONFIG, protocols=("lmtp", "imaps", "pop3"))
    with made:
        made.start()
        yield made


def deliver(postel: PostelProcess, some: list[Letter], recipient: str) -> None:
    """All in one session. Each has a reverse path of its own, to know it by."""
    with smtplib.LMTP("127.0.0.1", postel.port("lmtp"), timeout=PATIENCE_S) as client:
        client.ehlo()
        for number, letter in enumerate(some):
            options = ["BODY=8BITMIME", *(["SMTPUTF8"] if client.has_extn("SMTPUTF8") else [])]
            client.sendmail(f"n{number}@example.net", [recipient], letter.octets, options)


def imap_client(postel: PostelProcess, user: str) -> ImapServer:
    port = postel.port("imaps")
    return ImapServer(f"imaps://{quote(user)}:{quote(PASSWORD)}@127.0.0.1:{port}")


def taken_by_pop3(postel: PostelProcess, user: str) -> list[bytes]:
    """All that RETR gives; as large as LIST says."""
    client = poplib.POP3("127.0.0.1", postel.port("pop3"), timeout=PATIENCE_S)
    with closing(client):
        client.stls(trusting())
        client.utf8()
        client.user(user)
        client.pass_(PASSWORD)
        sizes = [int(line.split()[1]) for line in client.list()[1]]
        found = [
            b"".join(line + b"\r\n" for line in client.retr(number + 1)[1]) for number in range(len(sizes))
        ]
        client.quit()
    assert [len(octets) for octets in found] == sizes
    return found


def test_what_came_by_lmtp_goes_out_byte_for_byte(
    postel: PostelProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        poplib, "_MAXLINE", 1 << 24
    )  # it takes no more than 2048 octets in a line, letters may
    some, ann = letters(), postel.add_account("ann@example.org")
    deliver(postel, some, ann)
    client = imap_client(postel, ann)
    assert client.fill(some) == []
    appended = client.fetch(b"1:*", _STRUCTURE)
    eventually(
        lambda: b"MESSAGES %d)" % len(some) in client.ask(b"STATUS INBOX (MESSAGES)")[0], "all are there"
    )
    client.ask(b"EXAMINE INBOX")
    delivered = client.fetch(b"1:*", b"RFC822.SIZE BODY.PEEK[]")
    structures = client.fetch(b"1:*", _STRUCTURE)
    seen = set()
    for number, found in delivered.items():
        octets = found["BODY[]"]
        which = int(octets[len(b"Return-Path: <n") : octets.index(b"@")])
        seen.add(which)
        assert octets.endswith(some[which].octets), some[which].name
        before = _BEFORE.fullmatch(octets.removesuffix(some[which].octets))
        assert before is not None, octets[:1000]
        assert int(found["RFC822.SIZE"]) == len(octets)
        if not before["end"]:  # else the letter has no header section, and must not continue ours
            assert structures[number] == appended[which + 1], some[which].name
    assert seen == set(range(len(some)))
    client.close()
    assert taken_by_pop3(postel, ann) == [found["BODY[]"] for _, found in sorted(delivered.items())]
