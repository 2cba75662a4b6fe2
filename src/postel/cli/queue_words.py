"""A queued message in words and in facts.

Gives       row (of the table), page (everything about one), facts (JSON), summary (of the whole queue).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from postel.cli import words
from postel.cli.context import plain
from postel.mail import priority_of
from postel.queue import QueueCounts, QueuedMessage, QueueEntry, RecipientState, State


def row(entry: QueueEntry, now: float) -> dict[str, object]:
    """One line of `queue list`."""
    message, open_ = entry.message, _open(entry.message)
    return {
        "id": message.queue_id,
        "age": words.age(now - message.received_at),
        "size": words.size(message.size_bytes),
        "from": f"<{message.reverse_path}>",
        "to": _recipients(open_),
        "state": _state(message, open_, now),
        "tries": max(one.recipient.attempts for one in open_),
        "next try": _next_try(entry, open_, now),
        "last reply": next((said for one in open_ if (said := _said(entry, one))), ""),
    }


def page(entry: QueueEntry, now: float) -> Iterator[str]:
    """All that is known of one message."""
    message = entry.message
    yield f"Message {message.queue_id}"
    yield f"  from       <{plain(message.reverse_path)}>"
    yield f"  came       {words.instant(message.received_at)}, {words.age(now - message.received_at)} ago"
    yield f"  by         {plain(_origin(message))}"
    yield f"  size       {words.size(message.size_bytes)} ({message.size_bytes} octets)"
    if message.is_scheduled(now):
        yield f"  released   {words.instant(message.starts_at)}, in {words.age(message.starts_at - now)}"
    if message.parameters:
        yield f"  asked for  {plain(_parameters(message))}"
    for one in message.recipients:
        yield from map(plain, _recipient_lines(entry, one, now))


def facts(entry: QueueEntry, now: float) -> dict[str, Any]:
    """The same for programs. Instants are RFC 3339, durations seconds."""
    message = entry.message
    return {
        "id": str(message.queue_id),
        "reverse_path": str(message.reverse_path),
        "received_at": words.iso(message.received_at),
        "age_s": round(now - message.received_at),
        "release_at": words.iso(message.starts_at) if message.is_scheduled(now) else None,
        "priority": priority_of(message.parameters),
        "size_bytes": message.size_bytes,
        "origin": {
            "protocol": message.origin.protocol,
            "client_ip": message.origin.client_ip,
            "account": message.origin.account,
            "listener": message.origin.listener,
        },
        "parameters": dict(message.parameters),
        "recipients": [_recipient_facts(entry, one) for one in message.recipients],
    }


def summary(counts: QueueCounts) -> str:
    """How much there is in all."""
    parts = [words.count(counts.messages, "message"), f"{words.count(counts.waiting, 'recipient')} waiting"]
    if counts.held:
        parts.append(f"{counts.held} held")
    if counts.scheduled:
        parts.append(f"{words.count(counts.scheduled, 'message')} scheduled")
    destinations = words.count(counts.lanes, "destination")
    parts.append(f"{destinations}, {counts.lanes_down} of them down" if counts.lanes_down else destinations)
    return "; ".join(parts)


def _open(message: QueuedMessage) -> Sequence[RecipientState]:
    """The recipients that are not settled; all where none is left, for a moment."""
    return [one for one in message.recipients if one.state is not State.SETTLED] or message.recipients


def _recipients(open_: Sequence[RecipientState]) -> str:
    first = str(open_[0].recipient.mailbox)
    return first if len(open_) == 1 else f"{first} and {len(open_) - 1} more"


def _state(message: QueuedMessage, open_: Sequence[RecipientState], now: float) -> str:
    held = sum(one.state is State.HELD for one in open_)
    if not held:
        return f"released at {words.instant(message.starts_at)}" if message.is_scheduled(now) else "waiting"
    return "held" if held == len(open_) else f"{held} of {len(open_)} held"


def _due_at(entry: QueueEntry, one: RecipientState) -> float | None:
    """When it is tried next; None while it is held. A dead destination is tried by its own schedule."""
    if one.state is not State.WAITING:
        return None
    trouble = entry.lanes_down.get(one.lane)
    return max(one.next_at, trouble.retry_at) if trouble else one.next_at


def _next_try(entry: QueueEntry, open_: Sequence[RecipientState], now: float) -> str:
    due = [at for one in open_ if (at := _due_at(entry, one)) is not None]
    return _when(min(due), now) if due else ""


def _when(at: float, now: float) -> str:
    return "now" if at <= now else f"in {words.age(at - now)}"


def _said(entry: QueueEntry, one: RecipientState) -> str:
    """The last reply, by whom, or why the destination cannot be reached."""
    trouble = entry.lanes_down.get(one.lane)
    if one.reply is not None:
        by = f"{one.remote}: " if one.remote else ""
        return f"{by}{one.reply}" + (f" ({one.because})" if one.because and not one.remote else "")
    return f"{trouble.reply} ({trouble.because})" if trouble else ""


def _origin(message: QueuedMessage) -> str:
    origin = message.origin
    parts = [origin.protocol]
    if origin.client_ip:
        parts.append(f"from {origin.client_ip}")
    if origin.client_name:
        parts.append(f"({origin.client_name})")
    if origin.account:
        parts.append(f"logged in as {origin.account}")
    if origin.listener:
        parts.append(f"at {origin.listener}")
    return " ".join(parts)


def _parameters(message: QueuedMessage) -> str:
    return " ".join(k if v is None else f"{k}={v}" for k, v in message.parameters.items())


def _recipient_lines(entry: QueueEntry, one: RecipientState, now: float) -> Iterator[str]:
    recipient = one.recipient
    was = "" if recipient.original == recipient.mailbox else f", written to {recipient.original}"
    yield f"  to         {recipient.mailbox}{was}"
    due_at = _due_at(entry, one)
    due = f", next try {_when(due_at, now)}" if due_at is not None else ""
    yield f"    {one.state.name.lower()}, destination {one.lane}{due}"
    if one.tries_s:
        tries = ", ".join(words.age(after) for after in one.tries_s)
        yield f"    tried after {tries}"
    if said := _said(entry, one):
        yield f"    {said}"


def _recipient_facts(entry: QueueEntry, one: RecipientState) -> dict[str, Any]:
    due_at = _due_at(entry, one)
    trouble = entry.lanes_down.get(one.lane)
    reply = one.reply or (trouble.reply if trouble else None)
    return {
        "address": str(one.recipient.mailbox),
        "original": str(one.recipient.original),
        "state": one.state.name.lower(),
        "destination": one.lane,
        "destination_down": trouble is not None,
        "attempts": one.recipient.attempts,
        "tried_after_s": list(one.tries_s),
        "next_try_at": None if due_at is None else words.iso(due_at),
        "reply": None if reply is None else str(reply),
        "remote": one.remote,
        "because": one.because or (trouble.because if trouble else ""),
    }
