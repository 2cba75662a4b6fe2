"""What the server says in the transcripts, heard by the client machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from postel.proto import NEED_DATA, imap
from postel.proto.imap import client_values as heard
from postel.testing.transcript import Transcript, read_transcripts
from postel.testing.transcript.parse import ServerSays

TRANSCRIPTS = read_transcripts(Path(__file__).parents[2] / "transcripts" / "imap")


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda transcript: transcript.name)
def test_the_client_understands_every_line(transcript: Transcript) -> None:
    client = imap.ImapClient(is_greeted=True)
    said = [step.pattern for step in transcript.steps if isinstance(step, ServerSays)]
    for line in said:
        client.receive(line.encode() + b"\r\n")
        while (event := client.next_event()) is not NEED_DATA:
            assert not isinstance(event, heard.Lost), line
            if isinstance(event, heard.Completed):
                assert event.tag.decode() == line.split(" ")[0]
                assert event.told.condition.value.decode() in line
            if isinstance(event, heard.Remark) and event.told.code:
                assert f"[{event.told.code.format().decode()}]" in line
