r"""The IMAP server machine as a role in transcripts.

Settings (`with:`) are fields of ImapOptions and ImapLimits by name; `also = WORD...` adds capabilities. A command is
seen by its own name, its values as text: `= Fetch(numbers=1:*, uid=yes)`; what comes in a literal, as `Literal(text)`.
Answers are `OK`, `NO [CODE] text`, `BAD ...`, `BYE ...`, or `+ text` for a SASL challenge; untagged lines go before
them: `* 3 EXISTS | * 1 RECENT | OK`. Untagged lines of the server that stand in a row may come in any order.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, make_dataclass
from typing import Any, Final

from postel.proto import imap
from postel.testing.transcript.role import show

HOSTNAME: Final = "imap.example.org"
CAPABILITIES: Final = (
    "IMAP4rev2 IDLE NAMESPACE ID UNSELECT UIDPLUS MOVE CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE ESEARCH "
    "SEARCHRES BINARY STATUS=SIZE"
)
_LIMITS: Final = frozenset(field.name for field in fields(imap.ImapLimits))
_OPTIONS: Final = frozenset(field.name for field in fields(imap.ImapOptions))
_CONDITIONS: Final = {"OK": imap.OK, "NO": imap.NO, "BAD": imap.BAD, "BYE": imap.BYE}
_ALONE: Final = (
    imap.Append,
    imap.Capability,
    imap.Check,
    imap.Compress,
    imap.Enable,
    imap.Idle,
    imap.Logout,
    imap.Noop,
    imap.Replace,
)


@dataclass(frozen=True, slots=True)
class Literal:
    """All octets of one literal of an upload."""

    text: bytes


class ImapRole:
    """A server named imap.example.org that says OK to everything that is not answered otherwise."""

    unordered = "* "

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self.talk = imap.ImapServer(options_of(settings))
        self._literal = b""

    def watch(self, event: Any) -> tuple[Any, ...]:
        """The command for Received; chunks put together."""
        if isinstance(event, imap.LiteralChunk):
            self._literal += event.data
            return ()
        literal, self._literal = self._literal, b""
        seen = in_words(event.command if isinstance(event, imap.Received) else event)
        return (Literal(literal), seen) if literal else (seen,)

    def answer(self, event: Any, answer: str | None) -> None:
        """As the transcript says; else what the machine does alone, or OK."""
        if answer is not None:
            self._answer(answer)
        elif event.wants_answer:
            self.talk.answer(self._default(event))

    def tls_started(self) -> None:
        """The handshake is done: passwords may be told now."""
        self.talk.tls_started(
            options_of(
                {**self._settings, "offers_starttls": "no", "offers_plaintext": "yes", "mechanisms": "PLAIN"}
            )
        )

    def _answer(self, answer: str) -> None:
        *lines, last = answer.split(" | ")
        for line in lines:
            self.talk.send(line.encode() + b"\r\n")
        word, _, text = last.partition(" ")
        if word == "+":
            self.talk.challenge(text.encode())
        elif word in _CONDITIONS:
            self.talk.answer(_result(_CONDITIONS[word], text))
        else:
            self.talk.answer()

    def _default(self, event: Any) -> imap.Result | None:
        if isinstance(event, imap.AuthResponse | imap.UploadEnd):
            return imap.OK
        if isinstance(event, imap.Received) and not isinstance(event.command, _ALONE):
            return imap.OK
        return None


def _result(condition: imap.Result, text: str) -> imap.Result:
    if not text.startswith("["):
        return condition.saying(text)
    code, _, rest = text[1:].partition("]")
    name, _, data = code.partition(" ")
    return condition.saying(rest.strip(), imap.Code(name.encode(), data.encode()))


def in_words(value: Any) -> Any:
    """A dataclass of the same name, whose fields are text."""
    names = [field.name for field in fields(value)]
    made = make_dataclass(type(value).__name__, [(name, str) for name in names])
    return made(*(_word(getattr(value, name)) for name in names))


def _word(value: object) -> str:
    match value:
        case None:
            return "NIL"
        case bool():
            return "yes" if value else "no"
        case enum.Enum():
            return value.name
        case imap.SequenceSet() | imap.UidSet() | imap.Partial():
            return value.format().decode()
        case imap.Section():
            return f"[{value.format().decode()}]"
        case datetime.datetime():
            return value.isoformat()
        case tuple() | frozenset():
            return " ".join(sorted(map(_word, value)) if isinstance(value, frozenset) else map(_word, value))
        case _ if is_dataclass(value):
            words = (_word(getattr(value, field.name)) or "<>" for field in fields(value))
            return f"{type(value).__name__}[{'; '.join(words)}]"
        case _:
            return show(value)


def options_of(settings: Mapping[str, str]) -> imap.ImapOptions:
    """The options that a transcript's `with:` lines ask for; plaintext login is offered unless they say no."""
    limits = {name: int(value) for name, value in settings.items() if name in _LIMITS}
    options = {name: _setting(name, value) for name, value in settings.items() if name in _OPTIONS}
    more = tuple(settings.get("also", "").split())
    usual = {"offers_plaintext": True, "mechanisms": ("PLAIN",), "capabilities": tuple(CAPABILITIES.split())}
    usual |= options
    usual["capabilities"] = (*usual["capabilities"], *more)  # type: ignore[misc]
    return imap.ImapOptions(**{"hostname": HOSTNAME, **usual, "limits": imap.ImapLimits(**limits)})  # type: ignore[arg-type]


def _setting(name: str, value: str) -> Any:
    if name in ("mechanisms", "capabilities"):
        return tuple(value.split())
    return {"yes": True, "no": False}.get(value, value)
