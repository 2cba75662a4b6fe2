"""Every transcript of tests/transcripts/imap, acted out in every way."""

from pathlib import Path

import pytest

from postel.testing.transcript import SERVER_PLAYERS, ImapRole, Player, Transcript, read_transcripts

DIRECTORY = Path(__file__).parents[2] / "transcripts" / "imap"
TRANSCRIPTS = read_transcripts(DIRECTORY)


@pytest.mark.parametrize("player", SERVER_PLAYERS, ids=lambda player: player.name)
@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda transcript: transcript.name)
def test_the_server_plays_its_part(transcript: Transcript, player: Player) -> None:
    player.play(transcript, ImapRole)


def test_there_are_transcripts_and_each_says_what_it_shows() -> None:
    assert len(TRANSCRIPTS) >= 40
    assert all(transcript.title and transcript.rfc for transcript in TRANSCRIPTS)
