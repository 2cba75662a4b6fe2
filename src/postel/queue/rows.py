"""Values as the queue's tables hold them.

Gives       format_... and parse_... of parameters, replies, origins and tries; member_key.

What we wrote ourselves is parsed without mercy for what we did not: a row that does not parse is damage.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from typing import Final

from postel.mail import NO_PARAMETERS, Mailbox, Parameters, Reply, Status
from postel.queue.job import Origin

_TRIES_LIMIT: Final = 100  # instants of attempts that are told
_REPLY_LIMIT: Final = 4000  # characters of a remote server's words


def format_parameters(parameters: Parameters) -> str:
    """Parameters as text, empty for none."""
    return json.dumps(dict(parameters), separators=(",", ":")) if parameters else ""


def parse_parameters(text: str) -> Parameters:
    """Undo `format_parameters`."""
    return json.loads(text) if text else NO_PARAMETERS


def format_reply(reply: Reply) -> str:
    """A reply as text; its newlines stay."""
    return f"{reply.code} {reply.status or '-'} {reply.text[:_REPLY_LIMIT]}"


def parse_reply(text: str) -> Reply | None:
    """Undo `format_reply`; None for the empty text."""
    if not text:
        return None
    code, status, words = text.split(" ", 2)
    return Reply(int(code), None if status == "-" else Status.parse(status), words)


@lru_cache(maxsize=256)
def format_origin(origin: Origin) -> str:
    """An origin as text."""
    return json.dumps({k: v for k, v in asdict(origin).items() if v is not None}, separators=(",", ":"))


@lru_cache(maxsize=256)
def parse_origin(text: str) -> Origin:
    """Undo `format_origin`."""
    return Origin(**json.loads(text))


def format_try(received_at: float, now: float) -> str:
    """One more attempt, to be appended: whole seconds since the message came."""
    return f" {max(0, round(now - received_at))}"


def parse_tries(tries: str) -> tuple[int, ...]:
    """The latest attempts, in seconds since the message came."""
    return tuple(int(word) for word in tries.split()[-_TRIES_LIMIT:])


def member_key(mailbox: Mailbox, *, is_ours: bool) -> str:
    """By what two recipients are the same one: letter case counts in the local parts of others (RFC 5321 2.4)."""
    return mailbox.folded if is_ours else f"{mailbox.local_part.text}@{mailbox.domain.ascii}"
