"""Every transcript of tests/transcripts/smtp, acted out by every player of a server machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from postel.testing.transcript import SERVER_PLAYERS, Player, SmtpRole, Transcript, read_transcripts

TRANSCRIPTS = read_transcripts(Path(__file__).parents[2] / "transcripts" / "smtp")


@pytest.mark.parametrize("player", SERVER_PLAYERS, ids=lambda player: player.name)
@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda transcript: transcript.name)
def test_the_session_goes_as_written(transcript: Transcript, player: Player) -> None:
    player.play(transcript, SmtpRole)


def test_every_transcript_says_what_it_shows_and_by_which_clause() -> None:
    assert len(TRANSCRIPTS) >= 40
    assert all(transcript.title and transcript.rfc for transcript in TRANSCRIPTS)
