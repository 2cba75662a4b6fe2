"""Transcripts: how they are read, when a performance differs, and how they are blessed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from postel.mail import parse_reverse_path
from postel.proto.smtp import Connected, Mail
from postel.testing.transcript import (
    SERVER_PLAYERS,
    AtOnce,
    Bytewise,
    ClientSays,
    Mismatch,
    RandomSplits,
    Sees,
    ServerSays,
    SmtpRole,
    WholeLines,
    bless,
    parse_transcript,
)
from postel.testing.transcript.parse import escape, unescape
from postel.testing.transcript.stage import is_like

HEAD = "title:  one\nrfc:    5321 3.1\nwith:   faults = 3\n\n"
GOOD = """S 220 $name ESMTP ...                  # $name is bound here
C HELO client.example.net
= Hello(client.example.net, is_extended=False)
S 250 $name
C QUIT
S 221 2.0.0 $name closing
close server
"""


def play(text: str) -> None:
    transcript = parse_transcript("one", HEAD + text)
    for player in SERVER_PLAYERS:
        player.play(transcript, SmtpRole)


def test_a_transcript_is_read_with_its_head_and_its_steps() -> None:
    transcript = parse_transcript(
        "one", HEAD + "# why\nC NOOP  # a comment\nC a # b\n= Mail(<>) -> 550 No\nS 2...\n"
    )
    assert (transcript.title, transcript.rfc, transcript.settings) == ("one", "5321 3.1", {"faults": "3"})
    assert transcript.steps == (
        ClientSays(5, b"NOOP\r\n"),
        ClientSays(6, b"a # b\r\n"),
        Sees(7, "Mail(<>)", "550 No"),
        ServerSays(8, "2..."),
    )


@pytest.mark.parametrize(
    "text", ["no head", "title: x\nC NOOP\n", HEAD + "X what\n", HEAD + "close door\n", "title: x"]
)
def test_what_is_no_transcript_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(ValueError, match="one"):
        parse_transcript("one", text)


def test_raw_octets_are_written_with_escapes_and_repeats() -> None:
    assert unescape(r"{ab*3}\r\n\x00\\") == b"ababab\r\n\x00\\"
    assert escape(b"a\r\n\xff") == r"a\r\n\xff"


def test_a_good_performance_is_silent() -> None:
    play(GOOD)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("S 250 $name", "S 250 other"),
        ("S 250 $name\n", ""),
        ("close server\n", "S 250 more\n"),
        ("= Hello(client.example.net", "= Hello(server.example.net"),
        ("C QUIT\nS 221 2.0.0 $name closing\n", ""),
        ("S 250 $name", "! 2\nS 250 $name"),
        ("= Hello(client.example.net, is_extended=False)", "= Frob"),
    ],
)
def test_a_difference_is_told_with_its_place(before: str, after: str) -> None:
    assert before in GOOD
    with pytest.raises(Mismatch, match=r"one:\d+: "):
        play(GOOD.replace(before, after))


def test_what_is_said_beyond_the_transcript_is_a_difference() -> None:
    with pytest.raises(Mismatch, match="said more"):
        play("S 220 ...\nC NOOP\n")


def test_events_are_named_by_place_or_by_field() -> None:
    mail = Mail(parse_reverse_path("<a@b.org>"), {"SIZE": "5", "SMTPUTF8": None})
    assert is_like("Mail", mail)
    assert is_like("Mail(a@b.org)", mail)
    assert is_like("Mail(reverse_path=a@b.org, parameters=SIZE=5 SMTPUTF8)", mail)
    assert not is_like("Mail(c@d.org)", mail)
    assert not is_like("Rcpt(a@b.org)", mail)
    assert not is_like("Mail(", mail)
    assert is_like("Connected", Connected())


def test_each_player_gives_all_octets_in_their_order() -> None:
    turn = [b"EHLO a\r\n", b"MAIL FROM:<>\r\n"]
    for player in (WholeLines(), Bytewise(), AtOnce(), RandomSplits(3)):
        assert b"".join(player.cut(turn)) == b"".join(turn)
        assert list(player.cut([])) == []
    assert list(RandomSplits(3).cut(turn)) == list(RandomSplits(3).cut(turn))
    assert list(RandomSplits(3).cut(turn)) != list(RandomSplits(4).cut(turn))


def test_blessing_rewrites_only_what_differs() -> None:
    transcript = parse_transcript("one", HEAD + GOOD.replace("S 250 $name", "S 299 old\nS 298 older"))
    text = bless(transcript, SmtpRole)
    assert text == HEAD + GOOD.replace("S 250 $name", "S 250 mx.example.org")
    again = parse_transcript("one", text)
    assert bless(again, SmtpRole) == text


def test_blessing_writes_what_was_never_expected() -> None:
    text = bless(parse_transcript("one", HEAD + "S 220 ...\nC NOOP\nsilence\n"), SmtpRole)
    assert text.endswith("C NOOP\nS 250 2.0.0 OK\nsilence\nS 421 4.4.2 mx.example.org Timeout, closing\n")


@pytest.mark.slow
def test_files_are_played_and_blessed_from_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "one.txt"
    file.write_text(HEAD + "S 220 ...\nC NOOP\nS 251 ...\n")
    command = [sys.executable, "-m", "postel.testing.transcript", str(file)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1
    blessed = subprocess.run([*command, "--bless"], check=True, capture_output=True, text=True)
    assert "+S 250 2.0.0 OK" in blessed.stdout
    assert subprocess.run(command, check=False).returncode == 0
