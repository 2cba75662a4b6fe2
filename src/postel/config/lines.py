"""Where in a TOML file each key stands, so that a mistake can be named by its line.

The standard library's tomllib does the reading; it keeps no positions. This finds them for text that
tomllib has already accepted, so it can be plain about syntax.

Gives       key_lines(text) -> {("listen", 1, "address"): 12, ...}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]

_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_KEY: Final = re.compile(r"""[ \t]*(?:([A-Za-z0-9_-]+)|"((?:[^"\\]|\\.)*)"|'([^']*)')[ \t]*(\.)?""")
_SCALAR: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"""+'
    r"|'''.*?'''+"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|[^\s,\[\]{}#]+",
    re.DOTALL,
)


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """The line, counted from 1, of every table, array element and key."""
    finder = _Finder(text)
    finder.run()
    return finder.lines


@dataclass(slots=True)
class _Finder:
    text: str
    at: int = 0
    table: KeyPath = ()
    lines: dict[KeyPath, int] = field(default_factory=dict)
    counts: dict[KeyPath, int] = field(default_factory=dict)

    def run(self) -> None:
        self._skip_blank()
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                self._header()
            else:
                self._pair(self.table)
            self._skip_blank()

    def _skip_blank(self) -> None:
        match = _BLANK.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def _key(self) -> Iterator[str]:
        while match := _KEY.match(self.text, self.at):
            self.at = match.end()
            yield next(part for part in match.groups()[:3] if part is not None)
            if not match.group(4):
                return

    def _note(self, path: KeyPath, at: int) -> None:
        self.lines.setdefault(path, self.text.count("\n", 0, at) + 1)

    def _header(self) -> None:
        start = self.at
        is_array = self.text.startswith("[[", self.at)
        self.at += 2 if is_array else 1
        path = self._resolved(tuple(self._key()))
        self.at += 2 if is_array else 1
        if is_array:
            number = self.counts.get(path, 0)
            self.counts[path] = number + 1
            self._note(path, start)
            path = (*path, number)
        self.table = path
        self._note(path, start)

    def _resolved(self, names: tuple[str, ...]) -> KeyPath:
        """A header below an array of tables means its newest element."""
        path: KeyPath = ()
        for name in names[:-1]:
            path = (*path, name)
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        return (*path, *names[-1:])

    def _pair(self, below: KeyPath) -> None:
        start = self.at
        path = (*below, *self._key())
        self._note(path, start)
        self._skip_blank()
        self.at += 1  # the =
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        self._skip_blank()
        if self.text.startswith("[", self.at):
            self._array(path)
        elif self.text.startswith("{", self.at):
            self._inline_table(path)
        else:
            match = _SCALAR.match(self.text, self.at)
            self.at = match.end() if match else self.at + 1

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        number = 0
        self._skip_blank()
        while self.at < len(self.text) and not self.text.startswith("]", self.at):
            self._note((*path, number), self.at)
            self._value((*path, number))
            number += 1
            self._skip_comma()
        self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        self._skip_blank()
        while self.at < len(self.text) and not self.text.startswith("}", self.at):
            self._pair(path)
            self._skip_comma()
        self.at += 1

    def _skip_comma(self) -> None:
        self._skip_blank()
        if self.text.startswith(",", self.at):
            self.at += 1
        self._skip_blank()
