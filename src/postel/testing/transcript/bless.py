"""Write what the server says now over the S lines of a transcript that no longer match.

Gives       bless(transcript, make_role) -> the new text.

Only S lines change, and of them only those of turns that differ; the diff is for a person to read.
"""

from __future__ import annotations

from postel.testing.transcript.parse import (
    ClientSays,
    Closes,
    ServerSays,
    Silence,
    StartsTls,
    Step,
    Transcript,
)
from postel.testing.transcript.players import MakeRole
from postel.testing.transcript.stage import Stage


def bless(transcript: Transcript, make_role: MakeRole) -> str:
    """The transcript's text with the S lines as they are said now."""
    stage = Stage(transcript, make_role(transcript.settings))
    lines: list[str | None] = list(transcript.lines)
    insertions: dict[int, list[str]] = {}
    for turn in _turns(transcript.steps):
        for step in turn:
            _act(stage, step)
        _bless_turn(stage, turn, lines, insertions)
    text = []
    for number, line in enumerate(lines):
        text += [line] if line is not None else []
        text += insertions.get(number, [])
    return "\n".join(text) + "\n"


def _turns(steps: tuple[Step, ...]) -> list[list[Step]]:
    """Steps from one thing that the client does to the next."""
    turns: list[list[Step]] = [[]]
    for step in steps:
        is_more = isinstance(step, ClientSays) and bool(turns[-1]) and isinstance(turns[-1][-1], ClientSays)
        if _is_of_client(step) and not is_more:
            turns.append([])
        turns[-1].append(step)
    return turns


def _is_of_client(step: Step) -> bool:
    return isinstance(step, ClientSays | StartsTls | Silence) or step == Closes(step.line, "client")


def _act(stage: Stage, step: Step) -> None:
    match step:
        case ClientSays():
            stage.feed([step.data])
        case StartsTls():
            stage.tls()
        case Silence():
            stage.silence()
        case Closes(side="client"):
            stage.feed([b""])


def _bless_turn(
    stage: Stage, turn: list[Step], lines: list[str | None], insertions: dict[int, list[str]]
) -> None:
    said = stage.take_lines()
    expected = [step for step in turn if isinstance(step, ServerSays)]
    if len(said) == len(expected) and all(
        stage.matches(step.pattern, line) for step, line in zip(expected, said, strict=True)
    ):
        return
    place = expected[0].line if expected else turn[-1].line if turn else len(lines) - 1
    for step in expected:
        lines[step.line] = None
    insertions[place] = [f"S {line}" for line in said]
