"""Transcripts of tests/transcripts/imap_service, played to the whole service: its answers, not only their form."""

from __future__ import annotations

import pytest
from imap_stage import DIRECTORY, play

from postel.testing.transcript import AtOnce, Bytewise, Transcript, read_transcripts
from postel.testing.transcript.service import Cut

TRANSCRIPTS = read_transcripts(DIRECTORY)


@pytest.mark.parametrize("cut", [AtOnce().cut, Bytewise().cut], ids=["at once", "bytewise"])
@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda transcript: transcript.name)
async def test_the_service_plays_its_part(transcript: Transcript, cut: Cut) -> None:
    await play(transcript, cut)


def test_there_are_transcripts_and_each_says_what_it_shows() -> None:
    assert all(transcript.title and transcript.rfc for transcript in TRANSCRIPTS)
