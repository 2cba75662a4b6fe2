"""Letters go through IMAP byte for byte, and Dovecot says the same of them.

With POSTEL_LETTERS=FOLDER in the environment, of the letters there: one in each file, or mbox files.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from dovecot_instance import dovecot
from example_org import Server
from loopback import own_address
from peer_programs import need_root
from postel_process import PASSWORD
from tools.compare_letters import Letter, compare, letters_in
from tools.compare_letters import Server as ImapServer

from corpus_kit import Letters

pytestmark = [pytest.mark.peer, pytest.mark.slow]

KITT: Final = "kitt@store.example"


def letters() -> list[Letter]:
    if folder := os.environ.get("POSTEL_LETTERS"):
        return list(letters_in(Path(folder)))
    made = Letters(20261125, is_tame=True).some(150)
    return [Letter(f"letter {number}", letter) for number, letter in enumerate(made, 1)]


def test_dovecot_says_the_same_of_what_came_in_and_went_out(server: Server, bob: str) -> None:
    need_root("Dovecot on port 24")
    some = letters()
    with dovecot(own_address(port=24), {KITT: PASSWORD}) as store, ExitStack() as sessions:
        port = server.postel.port("imaps")
        ours = ImapServer(f"imaps://{quote(bob)}:{quote(PASSWORD)}@127.0.0.1:{port}")
        theirs = ImapServer(f"imap://{quote(KITT)}:{quote(PASSWORD)}@{store.address}")
        for one in (ours, theirs):
            sessions.callback(one.close)
            assert one.fill(some) == []
        differences = [str(difference) for difference in compare(some, ours, theirs)]
        assert not differences, "\n".join([f"{len(differences)} differences", *differences[:1000]])
