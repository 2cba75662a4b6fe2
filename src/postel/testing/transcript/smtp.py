"""The SMTP server machine as a role in transcripts.

Settings (`with:`) are fields of ServerOptions and SmtpLimits by name, and `is_tls = yes`. Lists are written with
blanks. Answers are names from the reply catalogues, replies written out, or `334 text` for a SASL challenge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from postel.mail import Reply
from postel.mail import replies as shared
from postel.proto.smtp import Chunk, DataAborted, GroupRule, ServerOptions, SmtpLimits, SmtpServer, replies

HOSTNAME: Final = "mx.example.org"
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
        chunks, self._chunks = self._chunks, []
        if chunks and not isinstance(event, DataAborted):
            return (Chunk(b"".join(chunks)), event)
        return (event,)

    def answer(self, event: Any, answer: str | None) -> None:
        """By name, written out, or as a challenge."""
        if answer is None:
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
    options: dict[str, Any] = {"hostname": HOSTNAME, "limits": SmtpLimits(**limits)}
    for name, value in settings.items():
        if name not in _LIMITS and name != "is_tls":
            options[name] = _setting(name, value)
    return ServerOptions(**options)


def _setting(name: str, value: str) -> Any:
    match name:
        case "mechanisms":
            return tuple(value.split())
        case "withheld":
            return frozenset(value.split())
        case "group_rule":
            return GroupRule(value)
        case _:
            return {"yes": True, "no": False}.get(value, value)
