"""The transcripts of the machine, spoken to the whole service: what is wrong in form is refused, and nothing else.

There the answers beyond form are made up, so here only that is compared: BAD, or OK or NO. Transcripts of machines set
up in another way than this service are left to the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from imap_stage import heard, set_stage
from smtp_world import PASSWORD

from postel.net import Stream
from postel.testing.transcript import (
    ClientSays,
    Closes,
    ServerSays,
    Silence,
    StartsTls,
    Transcript,
    read_transcripts,
)

_DIRECTORY: Final = Path(__file__).parents[1] / "transcripts" / "imap"
_LETTERS: Final = "30"
_TAGGED: Final = re.compile(r"([^*+]\S*) (OK|NO|BAD)\b")
_LOGIN: Final = f'LOGIN kitt@example.org "{PASSWORD}"'.encode()
DIFFERENT: Final[Mapping[str, tuple[str, str]]] = {
    "append-broken": ("g", "MULTIAPPEND is offered: another message may follow"),
    "authenticate": ("d", "the password is another one, so what follows is one more answer to a challenge"),
    "esearch": ("h", "CONTEXT is offered, and with it UPDATE"),
    "fetch": ("q", "CONDSTORE is offered, and with it MODSEQ"),
    "first-session": ("a002 a003 a004 a005", "there is no mrc"),
    "language": ("c e", "I18NLEVEL=2 is not offered"),
    "list": ("g", "LIST-MYRIGHTS is offered"),
    "multisearch": ("tag2 tag3", "no mailbox is selected"),
    "quota": ("c d", "QUOTASET is not offered"),
    "replace": ("b e", "there is no message 2001; Drafts is there, and the literal is waited for"),
    "search": ("n", "WITHIN is offered, and with it YOUNGER"),
    "status": ("c", "CONDSTORE is offered, and with it HIGHESTMODSEQ"),
    "store": ("h", "CONDSTORE is offered, and with it UNCHANGEDSINCE"),
    "urlauth": ("a", "the URL is of another server"),
}
TRANSCRIPTS: Final = [
    replace(one, settings={**one.settings, "letters": _LETTERS})
    for one in read_transcripts(_DIRECTORY)
    if not set(one.settings) - {"also"} and one.name != "logout"  # which goes on after the end
]


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda transcript: transcript.name)
async def test_the_service_refuses_what_the_machine_refuses(transcript: Transcript) -> None:
    expected = _conditions(step.pattern for step in transcript.steps if isinstance(step, ServerSays))
    async with set_stage(transcript) as (stream, _):
        said = _conditions(await _speak(transcript, stream))
    different, reason = DIFFERENT.get(transcript.name, ("", ""))
    found = {
        tag for tag, word in expected.items() if tag not in said or (word == "BAD") != (said[tag] == "BAD")
    }
    assert found == set(different.split()), reason


async def _speak(transcript: Transcript, stream: Stream) -> list[str]:
    """All that is said while the client's lines are, up to where it would begin TLS, wait or close."""
    said = await heard(stream)
    for step in transcript.steps:
        if isinstance(step, StartsTls | Silence | Closes):
            break
        if isinstance(step, ClientSays):
            await stream.write(step.data.replace(b"LOGIN kitt sesame", _LOGIN))
            said += await heard(stream)
    return said


def _conditions(lines: Iterable[str]) -> dict[str, str]:
    """The word of each tagged line, by its tag."""
    return {match[1]: match[2] for line in lines if (match := _TAGGED.match(line))}


def test_most_transcripts_are_spoken() -> None:
    assert len(TRANSCRIPTS) >= 60
