"""Every transcript of tests/transcripts/pop3, acted out in every way."""

from pathlib import Path

import pytest

from postel.testing.transcript import SERVER_PLAYERS, Player, Pop3Role, Transcript, read_transcripts

DIRECTORY = Path(__file__).parents[2] / "transcripts" / "pop3"
TRANSCRIPTS = read_transcripts(DIRECTORY)


@pytest.mark.parametrize("player", SERVER_PLAYERS, ids=lambda player: player.name)
@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda transcript: transcript.name)
def test_the_server_plays_its_part(transcript: Transcript, player: Player) -> None:
    player.play(transcript, Pop3Role)


def test_there_are_transcripts_and_each_says_what_it_shows() -> None:
    assert len(TRANSCRIPTS) >= 20
    assert all(transcript.title and transcript.rfc for transcript in TRANSCRIPTS)
