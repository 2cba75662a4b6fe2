"""Programs that hand their mail to /usr/sbin/sendmail, where that is Postel's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pytest
from example_org import Server
from letters import BODY, body_of, read
from peer_programs import program, run, secret_file

pytestmark = [pytest.mark.peer, pytest.mark.slow]

SENDMAIL: Final = Path(sys.executable).with_name("postel-sendmail")
TEXT: Final = BODY.replace("\r\n", "\n")


def environment(server: Server, home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "TERM": "dumb",
        "MAILRC": "/dev/null",
        "POSTEL_CONFIG": str(server.postel.config),
    }


def test_mutt_hands_over_a_letter(server: Server, ann: str, bob: str, tmp_path: Path) -> None:
    settings = f"""
        set sendmail="{SENDMAIL} -oem -oi"
        set from="{ann}" use_from=yes use_envelope_from=yes
        set copy=no record="" hostname="client.example.net" charset="utf-8" send_charset="utf-8"
        """
    rc = secret_file(tmp_path / "muttrc", settings)
    run(
        program("mutt"), "-n", "-F", rc, "-s", "Grüße", "--", bob,
        stdin=TEXT.encode(), environment=environment(server, tmp_path),
    )  # fmt: skip
    letter = server.postel.letter(bob)
    assert read(letter)["Subject"] == "Grüße"
    assert read(letter)["Return-Path"] == f"<{ann}>"
    assert body_of(letter) == TEXT


def test_s_nail_hands_over_a_letter_to_several(server: Server, ann: str, bob: str, tmp_path: Path) -> None:
    carol = server.person("carol")
    run(
        program("s-nail"), "-:/", "-Sv15-compat", f"-Smta={SENDMAIL}", "-Sttycharset=utf-8", "-Ssendwait",
        f"-Sfrom={ann}", "-r", ann, "-s", "Grüße", "-b", carol, bob,
        stdin=TEXT.encode(), environment=environment(server, tmp_path),
    )  # fmt: skip
    letters = [server.postel.letter(person) for person in (bob, carol)]
    assert [read(letter)["Return-Path"] for letter in letters] == [f"<{ann}>"] * 2
    assert [body_of(letter) for letter in letters] == [TEXT] * 2
    assert carol.encode() not in letters[0], "a blind copy stays blind"
