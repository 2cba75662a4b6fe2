"""The SMTP server machine as a role in transcripts.

Settings (`with:`) are fields of ServerOptions, WishOptions and SmtpLimits by name, `is_tls = yes`, and `offers`:
extensions that are not offered unless asked for. Lists are with
blanks. Answers are names from the reply catalogues, replies written out, replies with `|` between them for
each recipient, `334 text` for a SASL challenge, or
`355 OFFSET RECIPIENTS` for a transaction that goes on, or `supply octets` for what the URL of a BURL names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from postel.mail import Reply, parse_hold_until
from postel.mail import replies as shared
from postel.proto.smtp import (
    Bdat,
    Burl,
    Chunk,
    ChunkEnd,
    DataAborted,
    GroupRule,
    Resumption,
    ServerOptions,
    SmtpLimits,
    SmtpServer,
    WishOptions,
    replies,
)

HOSTNAME: Final = "mx.example.org"
_WISHES: Final = frozenset(field.name for field in fields(WishOptions))
# A transcript's answer to EHLO shows the extensions that it is about, and those that everybody knows.
_UNLESS_ASKED: Final = frozenset({"CHUNKING", "BINARYMIME", "PRDR", "LIMITS", "REQUIRETLS"})
_LIMITS: Final = frozenset(field.name for field in fields(SmtpLimits))


class SmtpRole:
    """A server named mx.example.org that says yes to everything unless the transcript answers otherwise."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._chunks: list[bytes] = []
        is_tls = settings.get("is_tls") == "yes"
        self.talk = SmtpServer(options_of(settings), is_tls=is_tls)

    def watch(self, event: Any) -> tuple[Any, ...]:
        """Chunks are joined, and shown before what follows them; those of aborted content are not shown."""
        if isinstance(event, Chunk):
            self._chunks.append(event.data)
            return ()
        if isinstance(event, Bdat | Burl | ChunkEnd):  # content is one, however many chunks bring it
            return (event,)
        chunks, self._chunks = self._chunks, []
        if chunks and not isinstance(event, DataAborted):
            return (Chunk(b"".join(chunks)), event)
        return (event,)

    def answer(self, event: Any, answer: str | None) -> None:
        """By name, written out, or as a challenge."""
        if answer is None:
            self.talk.answer(None)
        elif answer.startswith("355"):
            offset, recipients = map(int, answer[4:].split())
            self.talk.resume(Resumption(offset, recipients))
        elif " | " in answer:
            self.talk.answer_each([reply_of(text.strip()) for text in answer.split("|")])
        elif answer.startswith("supply "):
            octets = answer.removeprefix("supply ").encode().decode("unicode_escape").encode("latin-1")
            self._chunks.append(self.talk.supply(octets) or b"")
            self.talk.answer(None)
        elif answer.startswith("334"):
            self.talk.challenge(answer[4:].encode())
        else:
            self.talk.answer(reply_of(answer))

    def tls_started(self) -> None:
        """The handshake is done."""
        self.talk.tls_started()


def reply_of(text: str) -> Reply:
    """A reply by its name in a catalogue, or written out."""
    named = getattr(replies, text, None) or getattr(shared, text, None)
    return named if isinstance(named, Reply) else Reply.parse(text)


def options_of(settings: Mapping[str, str]) -> ServerOptions:
    """The options that a transcript's `with:` lines ask for."""
    limits = {name: int(value) for name, value in settings.items() if name in _LIMITS}
    wishes = {name: _wish(name, value) for name, value in settings.items() if name in _WISHES}
    options: dict[str, Any] = {"hostname": HOSTNAME, "limits": SmtpLimits(**limits)}
    options["wishes"] = WishOptions(**wishes)
    options["withheld"] = _UNLESS_ASKED - frozenset(settings.get("offers", "").split())
    for name, value in settings.items():
        if name not in _LIMITS | _WISHES | {"is_tls", "offers"}:
            options[name] = _setting(name, value)
    return ServerOptions(**options)


def _wish(name: str, value: str) -> Any:
    match name:
        case "priority_profile":
            return value
        case "hold_until":
            return parse_hold_until(value)
        case "no_soliciting":
            return tuple(value.split())
        case _:
            return int(value)


def _setting(name: str, value: str) -> Any:
    match name:
        case "mechanisms":
            return tuple(value.split())
        case "withheld":
            return _UNLESS_ASKED | frozenset(value.split())
        case "commands" | "spoken":
            return frozenset(value.split())
        case "group_rule":
            return GroupRule(value)
        case _:
            return {"yes": True, "no": False}.get(value, value)
