"""A session as a person sees it on a terminal.

Gives       Screen.

Every line has the seconds it took, who spoke, and what was said; below it stands what that means and by which
clause, and, with an exclamation mark, what is wrong with it. Colours are for terminals only, and never where
NO_COLOR is set (no-color.org).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, Final

import click

from postel.cli.context import plain
from postel.cli.debug.happenings import ContentSaid, Ended, Happening, Noted, Replied, Said, Secured
from postel.cli.debug.words import about_keyword, about_reply
from postel.proto.smtp import HELLOS, Complaint

_MARGIN: Final = " " * 12
_CONTENT_LINES: Final = 12  # of content that are shown
_COLOURS: Final = {2: "green", 3: "green", 4: "yellow", 5: "red"}


def is_colourful() -> bool:
    """Whether standard output wants colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


class Screen:
    """Prints what happens. `is_brief` leaves the explanations out, but not the complaints."""

    def __init__(self, *, is_brief: bool = False, has_colours: bool | None = None) -> None:
        self._is_brief = is_brief
        self._has_colours = is_colourful() if has_colours is None else has_colours

    def __call__(self, happening: Happening) -> None:
        """An Audience."""
        match happening:
            case Said(shown, _, means, rfc):
                self._line("C", shown, fg="cyan", bold=True)
                self._explain(means, rfc)
            case ContentSaid(data):
                self._content(data)
            case Replied():
                self._reply(happening)
            case Secured(facts, took_s, complaints):
                self._line("=", "TLS", took_s, fg="green")
                for name, value in facts:
                    self._print(f"{_MARGIN}  {name + ':':<17}{plain(value)}")
                self._complain(complaints)
            case Noted(text, took_s):
                self._line("=", text, took_s)
            case Ended(by, complaint):
                self._line("=", f"closed by the {by}")
                self._complain([complaint] if complaint else [])

    def _reply(self, replied: Replied) -> None:
        reply, is_offer = replied.reply, replied.verb in HELLOS and replied.reply.is_positive
        colour = _COLOURS.get((reply.code or 0) // 100, "magenta")
        for number, line in enumerate(reply.lines):
            text = line.decode("utf-8", "replace")
            self._line("S", text, replied.took_s if number == 0 else None, fg=colour)
            if is_offer and number:
                self._explain(*about_keyword(reply.texts[number]))
        if not is_offer:
            for means, rfc in about_reply(replied.verb, reply):
                self._explain(means, rfc)
        self._complain(replied.complaints)

    def _content(self, data: bytes) -> None:
        lines = data.decode("utf-8", "replace").splitlines()
        for line in lines[:_CONTENT_LINES]:
            self._line("C", line, fg="cyan")
        if len(lines) > _CONTENT_LINES:
            self._explain(f"... {len(lines) - _CONTENT_LINES} more lines, {len(data)} octets in all", "")

    def _line(self, who: str, text: str, took_s: float | None = None, **style: Any) -> None:
        took = f"{took_s:9.3f} s" if took_s is not None else " " * 11
        self._print(f"{took} {who} " + self._styled(plain(text), **style))

    def _explain(self, means: str, rfc: str) -> None:
        if means and not self._is_brief:
            clause = f"  (RFC {rfc})" if rfc[:1].isdigit() else ""
            self._print(_MARGIN + self._styled(f"  {plain(means)}{clause}", dim=True))

    def _complain(self, complaints: Iterable[Complaint]) -> None:
        for complaint in complaints:
            text = f"! {plain(complaint.text)} (RFC {complaint.rfc})"
            self._print(_MARGIN + self._styled(text, fg="magenta", bold=True))

    def _styled(self, text: str, **style: Any) -> str:
        return click.style(text, **style) if self._has_colours else text

    def _print(self, text: str) -> None:
        click.echo(text.rstrip(), color=self._has_colours)
