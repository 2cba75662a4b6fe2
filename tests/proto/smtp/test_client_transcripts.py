"""Transcripts with the roles swapped, and the server's own replies as the client reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from postel.proto.smtp import ReplyLimits
from postel.proto.smtp.reply_reader import ReplyReader
from postel.testing.transcript import ServerSays, Transcript, read_transcripts
from postel.testing.transcript.smtp_client import CLIENT_PLAYERS, SmtpClientPlayer

TRANSCRIPTS = Path(__file__).parents[2] / "transcripts"


@pytest.mark.parametrize("player", CLIENT_PLAYERS, ids=lambda player: player.name)
@pytest.mark.parametrize(
    "transcript", read_transcripts(TRANSCRIPTS / "smtp_client"), ids=lambda transcript: transcript.name
)
def test_the_client_plays_its_part(transcript: Transcript, player: SmtpClientPlayer) -> None:
    player.play(transcript)


@pytest.mark.parametrize(
    "transcript", read_transcripts(TRANSCRIPTS / "smtp"), ids=lambda transcript: transcript.name
)
def test_the_client_understands_every_reply_of_our_server(transcript: Transcript) -> None:
    patterns = [step.pattern for step in transcript.steps if isinstance(step, ServerSays)]
    if "..." in patterns:
        return  # any number of lines, any text
    reader = ReplyReader(ReplyLimits())
    reader.receive(b"".join(pattern.encode() + b"\r\n" for pattern in patterns))
    ends = sum(pattern[3:4] != "-" for pattern in patterns)
    for _ in range(ends):
        assert reader.next_reply() is not None
    assert reader.next_reply() is None
