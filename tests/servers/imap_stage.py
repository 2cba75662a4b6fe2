"""Transcripts of IMAP acted out to the whole service, with its store, in a mailbox that is filled beforehand.

`with: letters = read flag` puts letters with these subjects into kitt's INBOX; a number is that many. Lines that begin
with `=` say what others do at that moment: `= ann says SETACL INBOX kitt lr` in a session of her own with her INBOX
selected, or `= news comes`, a letter to kitt with that subject. The times are those of the fake clock.

`python tests/servers/imap_stage.py FILE...` writes what is said now over the S lines that no longer match.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from imap_world import SERVER, Client, World, world

from postel.net import Stream, TimedOut
from postel.testing import simulate
from postel.testing.transcript import ClientSays, Sees, ServerSays, Transcript, parse_transcript
from postel.testing.transcript.service import Cut, Meanwhile, play_service

DIRECTORY: Final = Path(__file__).parents[1] / "transcripts" / "imap_service"
_MOMENT: Final = re.compile(r"(\S+) (says|comes)(?: (.*))?")
_QUIET_S: Final = 0.001


def letter(subject: str) -> bytes:
    """What kitt has got."""
    head = {
        "From": "Ann <ann@example.net>",
        "To": "kitt@example.org",
        "Subject": subject,
        "Date": "Mon, 23 Nov 2026 12:00:00 +0000",
        "Message-ID": f"<{subject}@example.net>",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
    }
    return "".join(f"{name}: {value}\r\n" for name, value in head.items()).encode() + (
        f"\r\nabout {subject}\r\n".encode()
    )


async def play(transcript: Transcript, cut: Cut | None = None) -> None:
    """Raises Mismatch where the service says something else."""
    async with set_stage(transcript) as (stream, meanwhile):
        await play_service(transcript, stream, cut=cut, meanwhile=meanwhile)


@asynccontextmanager
async def set_stage(transcript: Transcript) -> AsyncIterator[tuple[Stream, Meanwhile]]:
    """The stage as the transcript begins: a connection to the service, and what others can do."""
    async with world() as w:
        subjects = transcript.settings.get("letters", "").split()
        if len(subjects) == 1 and subjects[0].isdigit():
            subjects = [f"letter{n}" for n in range(1, int(subjects[0]) + 1)]
        await w.put(*map(letter, subjects))
        stream = await w.client.dial(SERVER, timeout_s=10)
        others: dict[str, Client] = {}

        async def meanwhile(moment: str) -> None:
            await _happen(w, others, moment)

        try:
            yield stream, meanwhile
        finally:
            await stream.close()
            for other in others.values():
                await other.stream.close()


async def _happen(w: World, others: dict[str, Client], moment: str) -> None:
    match = _MOMENT.fullmatch(moment)
    assert match is not None, moment
    who, verb, what = match.groups()
    if verb == "comes":
        await w.put(letter(who))
        return
    if who not in others:
        others[who] = await w.login(f"{who}@example.org")
    await others[who].ok(what)


async def bless(transcript: Transcript) -> str:
    """The text with the S lines as they are said now; what still matches stays as it is written."""
    try:
        await play(transcript)
    except AssertionError:
        return await _written_anew(transcript)
    return "\n".join(transcript.lines) + "\n"


async def _written_anew(transcript: Transcript) -> str:
    steps = {step.line: step for step in transcript.steps}
    text: list[str] = []
    async with set_stage(transcript) as (stream, meanwhile):
        text += [f"S {line}" for line in await heard(stream)]
        head = transcript.lines.index("") + 1
        text = [*transcript.lines[:head], *text]
        for number, line in enumerate(transcript.lines[head:], head):
            step = steps.get(number)
            if isinstance(step, ServerSays):
                continue
            text.append(line)
            if isinstance(step, ClientSays):
                await stream.write(step.data)
            elif isinstance(step, Sees):
                await meanwhile(step.pattern)
            if isinstance(step, ClientSays | Sees):
                text += [f"S {said}" for said in await heard(stream)]
    return "\n".join(text) + "\n"


async def heard(stream: Stream) -> list[str]:
    """All that is said until there is quiet."""
    heard = b""
    while True:
        try:
            more = await stream.read(_QUIET_S)
        except TimedOut:
            break
        if not more:
            break
        heard += more
    return heard.decode().split("\r\n")[:-1]


def _bless_files(paths: list[Path]) -> None:
    for path in paths:
        before = path.read_text("utf-8")
        transcript = parse_transcript(path.stem, before)
        after: list[str] = []

        async def write(transcript: Transcript = transcript, after: list[str] = after) -> None:
            after.append(await bless(transcript))

        simulate(write)
        sys.stdout.writelines(
            difflib.unified_diff(before.splitlines(True), after[0].splitlines(True), str(path), "blessed")
        )
        path.write_text(after[0], "utf-8")


if __name__ == "__main__":
    _bless_files([Path(name) for name in sys.argv[1:]])
