"""Every transcript of tests/transcripts/smtp, acted out by every player of a server machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from postel.testing.transcript import (
    SERVER_PLAYERS,
    Bytewise,
    ClientSays,
    Player,
    SmtpRole,
    Transcript,
    read_transcripts,
)

TRANSCRIPTS = read_transcripts(Path(__file__).parents[2] / "transcripts" / "smtp")


def is_slow(transcript: Transcript, player: Player) -> bool:
    """Whether much is to be said octet by octet."""
    said = sum(len(step.data) for step in transcript.steps if isinstance(step, ClientSays))
    return isinstance(player, Bytewise) and said > 20_000


PERFORMANCES = [
    pytest.param(
        transcript,
        player,
        id=f"{transcript.name}, {player.name}",
        marks=[pytest.mark.slow] if is_slow(transcript, player) else [],
    )
    for transcript in TRANSCRIPTS
    for player in SERVER_PLAYERS
]


@pytest.mark.parametrize(("transcript", "player"), PERFORMANCES)
def test_the_session_goes_as_written(transcript: Transcript, player: Player) -> None:
    player.play(transcript, SmtpRole)


def test_every_transcript_says_what_it_shows_and_by_which_clause() -> None:
    assert len(TRANSCRIPTS) >= 40
    assert all(transcript.title and transcript.rfc for transcript in TRANSCRIPTS)
