"""Read the text form of a transcript.

Gives       Transcript, its steps, parse_transcript, read_transcripts.
Not here    Acting it out: players.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

_COMMENT: Final = re.compile(r"\s{2,}#.*$")
_REPEAT: Final = re.compile(r"\{(.+?)\*(\d+)\}")


@dataclass(frozen=True, slots=True)
class ClientSays:
    """Octets from the client."""

    line: int
    data: bytes


@dataclass(frozen=True, slots=True)
class ServerSays:
    """One line from the server, as a pattern."""

    line: int
    pattern: str


@dataclass(frozen=True, slots=True)
class Sees:
    """An event that the shell must see, and how it answers; None: with the default."""

    line: int
    pattern: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class Never:
    """From here on no line from the server begins with `prefix`."""

    line: int
    prefix: str


@dataclass(frozen=True, slots=True)
class StartsTls:
    """Both sides have done the handshake."""

    line: int


@dataclass(frozen=True, slots=True)
class Closes:
    """One side closes: the client does, or the server must have."""

    line: int
    side: Literal["client", "server"]


@dataclass(frozen=True, slots=True)
class Silence:
    """The client says nothing until the state's timeout."""

    line: int


Step: TypeAlias = ClientSays | ServerSays | Sees | Never | StartsTls | Closes | Silence


@dataclass(frozen=True, slots=True)
class Transcript:
    """One session.

    settings    from the `with:` lines.
    lines       the text's own lines; a step's `line` counts them from 0.
    """

    name: str
    title: str
    rfc: str
    settings: Mapping[str, str]
    steps: tuple[Step, ...]
    lines: tuple[str, ...]


def read_transcripts(directory: Path) -> list[Transcript]:
    """All `*.txt` of a directory, by name."""
    return [parse_transcript(path.stem, path.read_text("utf-8")) for path in sorted(directory.glob("*.txt"))]


def parse_transcript(name: str, text: str) -> Transcript:
    """Parse one transcript. Raises ValueError with the line's number."""
    lines = text.splitlines()
    head, begin = _read_head(name, lines)
    settings: dict[str, str] = {}
    for word, value in head:
        if word == "with":
            key, _, setting = value.partition("=")
            settings[key.strip()] = setting.strip()
    steps = tuple(_read_steps(name, lines, begin))
    return Transcript(
        name, dict(head).get("title", ""), dict(head).get("rfc", ""), settings, steps, tuple(lines)
    )


def _read_head(name: str, lines: list[str]) -> tuple[list[tuple[str, str]], int]:
    head: list[tuple[str, str]] = []
    for number, line in enumerate(lines):
        if not line.strip():
            return head, number + 1
        word, colon, value = line.partition(":")
        if not colon or word not in ("title", "rfc", "with"):
            raise ValueError(f"{name}:{number + 1}: the head has title:, rfc: and with:")
        head.append((word, value.strip()))
    raise ValueError(f"{name}: a blank line ends the head")


def _read_steps(name: str, lines: list[str], begin: int) -> Iterator[Step]:
    for number, raw in enumerate(lines[begin:], begin):
        text = "" if raw.startswith("#") else _COMMENT.sub("", raw)
        if text.strip():
            step = _read_step(number, text)
            if step is None:
                raise ValueError(f"{name}:{number + 1}: not a step: {raw}")
            yield step


def _read_step(number: int, text: str) -> Step | None:
    word, _, rest = text.partition(" ")
    match word:
        case "C":
            return ClientSays(number, rest.encode() + b"\r\n")
        case "C|":
            return ClientSays(number, unescape(rest))
        case "S":
            return ServerSays(number, rest)
        case "=":
            pattern, arrow, answer = rest.partition("->")
            return Sees(number, pattern.strip(), answer.strip() if arrow else None)
        case "!":
            return Never(number, rest.strip())
        case "...TLS":
            return StartsTls(number)
        case "silence":
            return Silence(number)
        case "close" if rest == "client" or rest == "server":
            return Closes(number, "client" if rest == "client" else "server")
        case _:
            return None


def unescape(text: str) -> bytes:
    r"""The octets of a `C|` line: \r \n \t \0 \xNN \\ as in Python, {text*9} repeats."""
    repeated = _REPEAT.sub(lambda match: match[1] * int(match[2]), text)
    return repeated.encode("latin-1").decode("unicode_escape").encode("latin-1")


def escape(data: bytes) -> str:
    """The other way: one printable line."""
    return data.decode("latin-1").encode("unicode_escape").decode()
