"""One performance of a transcript by a server role.

Gives       Stage, Mismatch.
Not here    How the client's octets are cut: players.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, Final

from postel.proto import NEED_DATA, PAUSED
from postel.testing.transcript.parse import Never, Sees, Transcript
from postel.testing.transcript.role import Role, show

_WILD: Final = re.compile(r"(\.\.\.|\$\w+)")
_EVENT: Final = re.compile(r"(\w+)(?:\((.*)\))?")


class Mismatch(AssertionError):
    """The performance differs from the transcript."""


class Stage:
    """Feeds the role, answers its events as the transcript says, and keeps what it said and showed."""

    def __init__(self, transcript: Transcript, role: Role) -> None:
        self.role = role
        self._transcript = transcript
        self._expected = deque(step for step in transcript.steps if isinstance(step, Sees))
        self._said = bytearray()
        self._bound: dict[str, str] = {}
        self._never: list[str] = []
        self._unordered: str = getattr(role, "unordered", "")
        self.shown: list[str] = []
        self._run()

    def feed(self, pieces: Iterable[bytes]) -> None:
        """Give the role octets, piece by piece; b"" closes the client's side."""
        for piece in pieces:
            self.role.talk.receive(piece)
            self._run()

    def silence(self) -> None:
        """Let the present state's time run out."""
        self.role.talk.timed_out()
        self._run()

    def tls(self) -> None:
        """Do the handshake."""
        self.role.tls_started()
        self._run()

    def _run(self) -> None:
        talk = self.role.talk
        while (event := talk.next_event()) is not NEED_DATA and event is not PAUSED:
            answer = None
            for seen in self.role.watch(event):
                self.shown.append(_text_of(seen))
                step = self._expected[0] if self._expected else None
                if step is not None and is_like(step.pattern, seen):
                    self._expected.popleft()
                    answer = step.answer
            self.role.answer(event, answer)
        self._said += talk.data_to_send()

    # What the transcript demands.

    def take_lines(self) -> list[str]:
        """All whole lines said and not yet looked at."""
        *lines, rest = bytes(self._said).split(b"\r\n")
        self._said = bytearray(rest)
        return [line.decode() for line in lines]

    def demand_line(self, pattern: str, line: int) -> None:
        """The next line said is like `pattern`."""
        found, text = self._next_line(pattern)
        if not found or not self.matches(pattern, text):
            self.fail(line, f"expected {pattern!r}, the server said {text!r}")
        for prefix in self._never:
            if text.startswith(prefix):
                self.fail(line, f"{text!r} must not be said any more")

    def _next_line(self, pattern: str) -> tuple[bool, str]:
        """Take the next line said; where lines may come in any order, the first one that is like the pattern."""
        *lines, rest = bytes(self._said).split(b"\r\n")
        texts = [line.decode() for line in lines]
        place = 0
        if self._unordered and pattern.startswith(self._unordered):
            loose = next(
                (n for n, text in enumerate(texts) if not text.startswith(self._unordered)), len(texts)
            )
            place = next((n for n, text in enumerate(texts[:loose]) if self._is_like(pattern, text)), 0)
        if not texts:
            return False, "(nothing)"
        taken = texts.pop(place)
        del lines[place]
        self._said = bytearray(b"".join(line + b"\r\n" for line in lines) + rest)
        return True, taken

    def _is_like(self, pattern: str, text: str) -> bool:
        return re.fullmatch("".join(self._part(part) for part in _WILD.split(pattern)), text) is not None

    def matches(self, pattern: str, text: str) -> bool:
        """Whether a said line is like a pattern; its $names are bound."""
        match = re.fullmatch("".join(self._part(part) for part in _WILD.split(pattern)), text)
        if match is None:
            return False
        self._bound.update(match.groupdict())
        return True

    def _part(self, part: str) -> str:
        if part == "...":
            return ".*"
        if part.startswith("$") and len(part) > 1:
            bound = self._bound.get(part[1:])
            return f"(?P<{part[1:]}>\\S+)" if bound is None else re.escape(bound)
        return re.escape(part)

    def demand_event(self, step: Sees) -> None:
        """The event was seen, in its order."""
        if self._expected and self._expected[0].line <= step.line:
            last = ", ".join(self.shown[-4:])
            self.fail(step.line, f"expected {step.pattern}, the last events were {last}")

    def forbid(self, step: Never) -> None:
        """No line from here on begins so."""
        self._never.append(step.prefix)

    def demand_close(self, line: int) -> None:
        """The server has ended the session."""
        if not self.role.talk.over:
            self.fail(line, "the server has not closed")

    def demand_quiet(self) -> None:
        """Nothing was said beyond the transcript."""
        if self._said:
            self.fail(len(self._transcript.lines) - 1, f"the server said more: {bytes(self._said)!r}")

    def fail(self, line: int, why: str) -> None:
        """Raise Mismatch with the place in the file."""
        transcript = self._transcript
        raise Mismatch(f"{transcript.name}:{line + 1}: {why}\n    {transcript.lines[line]}")


def is_like(pattern: str, event: Any) -> bool:
    """Whether an event is what an `=` line names: `Name`, `Name(value, field=value)`; other fields are free."""
    match = _EVENT.fullmatch(pattern)
    if match is None or match[1] != type(event).__name__:
        return False
    names = [field.name for field in fields(event)]
    for place, argument in enumerate(match[2].split(", ") if match[2] else []):
        name, is_named, value = argument.partition("=")
        if not is_named or name not in names:
            name, value = names[place], argument
        if value != _shown(getattr(event, name)):
            return False
    return True


def _shown(value: object) -> str:
    return show(value) or "<>"


def _text_of(event: Any) -> str:
    values = ", ".join(f"{field.name}={_shown(getattr(event, field.name))[:60]}" for field in fields(event))
    return f"{type(event).__name__}({values})"
