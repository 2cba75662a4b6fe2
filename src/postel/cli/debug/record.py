"""A session as a transcript, in the form of our own tests: a report of a fault is a test.

Gives       Record, Steps.
Not here    The form itself: testing.transcript.

What the server says is to be taken literally, so what the form has signs for is written `...`, any text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from postel.cli.debug.happenings import ContentSaid, Ended, Happening, Replied, Said, Secured
from postel.cli.debug.words import about_reply
from postel.proto.smtp import HELLOS, keyword_of

_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]+")
_SIGNS: Final = re.compile(r"\$(?=\w)|\s{2,}(?=#)|\.\.\.")


class Record:
    """Collects a transcript; `text` is the whole of it."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._hostname = ""
        self._offered: dict[str, list[str]] = {}  # by the first answer to EHLO
        self._lines: list[str] = []

    def __call__(self, happening: Happening) -> None:
        """An Audience."""
        match happening:
            case Said(_, recorded):
                self._say(recorded.encode("utf-8", "surrogateescape") + b"\r\n")
            case ContentSaid(data, is_chunk):
                if is_chunk:
                    self._lines.append(f"C| {_escaped(data)}")
                else:
                    for line in data.splitlines(keepends=True):
                        self._say(line)
            case Replied(verb, reply):
                if not self._hostname and reply.texts:
                    self._hostname = (reply.texts[0].split() or [""])[0]
                if verb in HELLOS and reply.is_positive and not self._offered:
                    self._offered = dict(map(keyword_of, reply.texts[1:]))
                self._lines += [f"S {_literal(line)}" for line in reply.lines]
            case Secured():
                self._lines.append("...TLS")
            case Ended(by):
                self._lines.append(f"close {by}")

    def _say(self, line: bytes) -> None:
        """As it is, where a transcript can say it so."""
        text = line.removesuffix(b"\r\n").decode("utf-8", "replace")
        is_plain = line.endswith(b"\r\n") and text.isprintable() and text == text.rstrip()
        if is_plain and not re.search(r"\s{2,}#", text):
            self._lines.append(f"C {text}".rstrip() if text else "C ")
        else:
            self._lines.append(f"C| {_escaped(line)}")

    def _settings(self) -> Iterator[tuple[str, str]]:
        """What a Postel that offers the same has to be told."""
        if _PLAIN.fullmatch(self._hostname):
            yield "hostname", self._hostname
        offered = {keyword: words for keyword, words in self._offered.items() if _PLAIN.fullmatch(keyword)}
        if offered:
            yield "offers", " ".join(offered)
        if "STARTTLS" in offered:
            yield "has_tls", "yes"
        mechanisms = " ".join(filter(_PLAIN.fullmatch, offered.get("AUTH", [])))
        if mechanisms:
            yield "mechanisms", mechanisms

    @property
    def text(self) -> str:
        """The transcript."""
        head = [f"title:  {self._title}", "rfc:    5321 3"]
        head += [f"with:   {name} = {value}" for name, value in self._settings()]
        return "\n".join([*head, "", *self._lines]) + "\n"


def _escaped(data: bytes) -> str:
    text = data.decode("latin-1").encode("unicode_escape").decode()
    return re.sub(r"\{(?=.+?\*\d+\})|\s(?=\s*#)", lambda match: f"\\x{ord(match[0]):02x}", text)


def _literal(line: bytes) -> str:
    text = line.decode("utf-8", "replace").rstrip()
    text = text if text.isprintable() else "".join(c if c.isprintable() else "..." for c in text)
    return _SIGNS.sub("...", text)


class Steps:
    """Collects what happens as JSON."""

    def __init__(self) -> None:
        self._steps: list[dict[str, Any]] = []

    def __call__(self, happening: Happening) -> None:
        """An Audience."""
        match happening:
            case Said(shown, _, means, rfc):
                self._add("client", line=shown, means=means, rfc=rfc)
            case ContentSaid(data):
                self._add("content", octets=len(data))
            case Replied(verb, reply, took_s, complaints):
                explained = [text for text, _ in about_reply(verb, reply)]
                said = [line.decode("utf-8", "replace") for line in reply.lines]
                self._add(
                    "server", to=verb, code=reply.code, lines=said, took_s=round(took_s, 4), means=explained
                )
                self._complain(*complaints)
            case Secured(facts, took_s, complaints):
                self._add("tls", took_s=round(took_s, 4), facts=dict(facts))
                self._complain(*complaints)
            case Ended(by, complaint):
                self._add("closed", by=by)
                self._complain(*([complaint] if complaint else []))

    def _add(self, kind: str, **facts: Any) -> None:
        self._steps.append({"what": kind, **facts, "complaints": []})

    def _complain(self, *complaints: Any) -> None:
        self._steps[-1]["complaints"] = [{"text": one.text, "rfc": one.rfc} for one in complaints]

    @property
    def text(self) -> str:
        """All of it."""
        return json.dumps(self._steps, ensure_ascii=False, indent=2)
