"""Read a configuration file: all its mistakes at once, each with its line and what to do.

Gives       load(path, environment) -> Loaded; parse(text, ...) for text at hand; BadConfig.
Order       TOML syntax; ${NAME} and { file = "…" }; keys and types; the grammar of each value.
Not here    One setting against another, and warnings: config.check.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

from postel.config.kinds import parser_of
from postel.config.lines import KeyPath, key_lines
from postel.config.settings import Config, Section
from postel.mail import BadSyntax

MISTAKES_LIMIT: Final = 50
SECRET_LIMIT: Final = 64 * 1024  # octets of a { file = "…" }

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_WHERE: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?P<key>key in )?\$(?P<path>[^`]*)`)?$", re.DOTALL)
# What to do about a complaint of tomllib with these words; otherwise, quotes are what is missing mostly.
_REMEDIES: Final = (
    ("overwrite a value", "the name is there twice; leave one of them out"),
    ("declare", "the table is there twice; join the two"),
    ("table declaration", "a table's name stands in brackets, as in [limits] or [[listen]]"),
)
# How msgspec says what it expected, and how we say it.
_EXPECTED: Final = re.compile(
    r"Expected `(?P<kinds>[^`]+)`(?P<items> of length)?(?: (?P<how>[<>]=?) (?P<bound>\d+))?.*"
)
_KINDS: Final = {
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "str": "text in quotes",
    "array": "a list: [...]",
    "object": "a table: { ... }",
}
_BOUNDS: Final = {">=": "of at least", "<=": "of at most", ">": "above", "<": "below"}
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<name>.*)`")
_STEP: Final = re.compile(r"\[(\d+)\]|\[\.\.\.\]|\.?([^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with the file, and what to do about it. Line 0 is the file as a whole."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


class BadConfig(Exception):
    """The configuration cannot be used. `mistakes` is never empty."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that holds together key by key, and where each key stands."""

    config: Config
    file: str
    directory: Path
    lines: Mapping[KeyPath, int]

    def source(self, *path: str | int) -> str:
        """`postel.toml:12` for the nearest key that stands in the file; `default` for none."""
        for length in range(len(path), 0, -1):
            if line := self.lines.get(path[:length]):
                return f"{self.file}:{line}"
        return "default"

    def line(self, *path: str | int) -> int:
        """The line of the nearest key that stands in the file, else 0."""
        return next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), 0)

    def resolve(self, path: str) -> Path:
        """A path of the configuration, relative to the file it stands in."""
        return self.directory / path


def load(path: Path, environment: Mapping[str, str]) -> Loaded:
    """Read a file. Raises BadConfig, for a file that cannot be read too."""
    try:
        octets = path.read_bytes()
    except FileNotFoundError:
        raise BadConfig([Mistake(str(path), 0, "there is no such file; name one with --config")]) from None
    except PermissionError:
        raise BadConfig(
            [Mistake(str(path), 0, "cannot be read; whoever runs postel must be allowed to")]
        ) from None
    except OSError as error:
        raise BadConfig([Mistake(str(path), 0, f"cannot be read: {error.strerror}")]) from None
    try:
        text = octets.decode().removeprefix("\ufeff")  # some editors put a byte order mark in front
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise BadConfig([Mistake(str(path), line, "not UTF-8 text; save the file as UTF-8")]) from None
    return parse(text, file=str(path), directory=path.absolute().parent, environment=environment)


def parse(text: str, *, file: str, directory: Path, environment: Mapping[str, str]) -> Loaded:
    """Read a configuration from text; relative paths in it start at `directory`. Raises BadConfig."""
    try:
        return _parse(text, file, directory, environment)
    except RecursionError:
        text = "tables and lists stand in each other so deeply that they cannot be read"
        raise BadConfig([Mistake(file, 0, text)]) from None


def _parse(text: str, file: str, directory: Path, environment: Mapping[str, str]) -> Loaded:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig([_syntax_mistake(file, str(error))]) from None
    except ValueError:  # Python's own limit for the digits of a number
        raise BadConfig([Mistake(file, 0, "a number has more digits than any setting can need")]) from None
    reading = _Reading(file, directory, environment, key_lines(text))
    config = reading.read(data)
    if reading.mistakes:
        raise BadConfig(sorted(reading.mistakes, key=lambda mistake: mistake.line))
    return Loaded(config, file, directory, reading.lines)


def _syntax_mistake(file: str, complaint: str) -> Mistake:
    match = re.search(r"\(at line (\d+), column (\d+)\)", complaint)
    line = int(match.group(1)) if match else 0
    what = re.sub(r" \(at .*\)$", "", complaint)
    remedy = next((remedy for words, remedy in _REMEDIES if words in what), "text values stand in quotes")
    return Mistake(file, line, f"not TOML: {what[:1].lower()}{what[1:]}; {remedy}")


@dataclass(slots=True)
class _Reading:
    file: str
    directory: Path
    environment: Mapping[str, str]
    lines: Mapping[KeyPath, int]
    mistakes: list[Mistake] = field(default_factory=list)

    def read(self, data: dict[str, Any]) -> Config:
        data = self._filled_in(data, ())
        config = self._converted(data)
        for path, complaint in _grammar_complaints(config, Config, ()):
            self._note(path, complaint)
        return config

    def _note(self, path: KeyPath, text: str) -> None:
        line = next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), 0)
        self.mistakes.append(Mistake(self.file, line, f"{_dotted(path)}: {text}" if path else text))

    def _filled_in(self, value: Any, path: KeyPath) -> Any:
        """`${NAME}` from the environment, `{ file = "…" }` from a file."""
        if isinstance(value, str):
            return _VARIABLE.sub(lambda match: self._variable(match.group(1), path), value)
        if isinstance(value, list):
            return [self._filled_in(item, (*path, n)) for n, item in enumerate(value)]
        if isinstance(value, dict):
            if set(value) == {"file"} and isinstance(value["file"], str):
                return self._secret(value["file"], path)
            return {key: self._filled_in(item, (*path, key)) for key, item in value.items()}
        return value

    def _variable(self, name: str, path: KeyPath) -> str:
        if name not in self.environment:
            self._note(path, f"the environment has no {name}; set it, or write the value here")
        return self.environment.get(name, "")

    def _secret(self, name: str, path: KeyPath) -> str:
        try:
            with (self.directory / name).open(encoding="utf-8") as file:
                return file.read(SECRET_LIMIT).rstrip("\r\n")
        except (OSError, ValueError) as error:  # not UTF-8, or a NUL in its name
            why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            self._note(path, f"the file {name} cannot be read ({why})")
            return ""

    def _converted(self, data: dict[str, Any]) -> Config:
        """Convert, noting a mistake and leaving its key out, until what is left is sound."""
        while True:
            try:
                return msgspec.convert(data, Config)
            except msgspec.ValidationError as error:
                path = self._note_complaint(str(error))
                if len(self.mistakes) >= MISTAKES_LIMIT or not _left_out(data, path):
                    raise BadConfig(self.mistakes) from None

    def _note_complaint(self, complaint: str) -> KeyPath:
        match = _WHERE.match(complaint)
        assert match is not None
        path = tuple(int(n) if n else name for n, name in _STEP.findall(match.group("path") or ""))
        what = match.group("what")
        if unknown := _UNKNOWN.fullmatch(what):
            path = (*path, unknown.group("name"))
            what = "there is no such setting" + _suggestion(path)
        elif what.startswith("Invalid enum value"):
            what += "; say " + " or ".join(f'"{choice}"' for choice in _choices(path))
        elif expected := _EXPECTED.fullmatch(what):
            what = _expectation(expected)
        named = tuple(step for step in path if step != "")  # msgspec does not say which key of a dict
        self._note(named, f"{what[:1].lower()}{what[1:]}".replace("`", '"'))
        return path


def _expectation(expected: re.Match[str]) -> str:
    kinds = [kind for kind in expected["kinds"].split(" | ") if kind != "null"]
    said = "say " + " or ".join(_KINDS.get(kind, kind) for kind in kinds)
    if expected["bound"] is None:
        return said
    limit = f"{_BOUNDS[expected['how']]} {expected['bound']}"
    return f"{said} with {limit.removeprefix('of ')} in it" if expected["items"] else f"{said} {limit}"


def _dotted(path: KeyPath) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _left_out(data: Any, path: KeyPath) -> bool:
    """Take the faulty key out of the data. False where it cannot be found."""
    *way, last = path or ("",)
    try:
        holder = data
        for step in way:
            holder = holder[step]
        if isinstance(holder, list) and not isinstance(holder[0], dict):
            return _left_out(data, tuple(way))  # one bad item: the rest of the list has no meaning without it
        del holder[last]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _suggestion(path: KeyPath) -> str:
    names = [name for section in _sections() for name in section.__struct_fields__]
    close = difflib.get_close_matches(str(path[-1]), names, n=1, cutoff=0.75)
    return f'; did you mean "{close[0]}"?' if close else "; see the reference of settings"


def _choices(path: KeyPath) -> tuple[str, ...]:
    """The words that a setting may have."""
    declared: Any = Config
    for step in path:
        declared = _below(declared) if isinstance(step, int) else _declared(declared, step)
    return tuple(_literals(declared))


def _literals(declared: Any) -> Iterator[str]:
    if get_origin(declared) is Literal:
        yield from get_args(declared)
    else:
        for argument in get_args(declared):
            yield from _literals(argument)


def _declared(section: Any, name: str) -> Any:
    """What a table declares of a key, whether it is a section or a dict."""
    if isinstance(section, type) and issubclass(section, Section):
        return get_type_hints(section, include_extras=True)[name]
    section = _below(section)
    return next(
        (kind for kind in get_args(section) if isinstance(kind, type) and issubclass(kind, Section)), section
    )


def _sections() -> Iterator[type[Section]]:
    yield Config
    yield from Section.__subclasses__()


def _grammar_complaints(value: Any, declared: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Run the parser that each text's kind brings along."""
    if isinstance(value, Section):
        hints = get_type_hints(type(value), include_extras=True)
        for name in type(value).__struct_fields__:
            yield from _grammar_complaints(getattr(value, name), hints[name], (*path, name))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _grammar_complaints(item, _below(declared), (*path, number))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _grammar_complaints(item, _below(declared), (*path, key))
    elif isinstance(value, str):
        if "\0" in value:  # neither a path, a name nor a password can
            yield path, "no text holds the character NUL"
        for parse_text in _parsers(declared):
            try:
                parse_text(value)
            except BadSyntax as complaint:
                yield path, str(complaint)


def _below(declared: Any) -> Any:
    """The declared type of a container's values."""
    while get_origin(declared) is Annotated:
        declared = get_args(declared)[0]
    arguments = [argument for argument in get_args(declared) if argument is not Ellipsis]
    return arguments[-1] if arguments else Any


def _parsers(declared: Any) -> Iterator[Any]:
    if get_origin(declared) is Annotated:
        inner, *notes = get_args(declared)
        yield from (parse for note in notes if isinstance(note, msgspec.Meta) and (parse := parser_of(note)))
        yield from _parsers(inner)
    else:
        for argument in get_args(declared):
            yield from _parsers(argument)
