"""The base subject: what the letters of one discussion have in common.

Implements  RFC 5256 2.1 and 5 (subject artifacts).
Gives       base_subject.
"""

from __future__ import annotations

import re
from typing import Final

# RFC 5256 5: BLOBCHAR is anything but brackets; all blanks have become single spaces by step (1).
_BLOBS: Final = re.compile(r"(?:\[[^\[\]]*+\] *+)++")
_LEADER: Final = re.compile(
    r" ++|(?:\[[^\[\]]*+\] *+)*+(?:re|fwd?) *+(?:\[[^\[\]]*+\] *+)?+:", re.IGNORECASE | re.ASCII
)
_BLANKS: Final = re.compile(r"[ \t\r\n]+")
_TRAILER: Final = "(fwd)"
_FORWARDED: Final = "[fwd:"


def base_subject(subject: str) -> tuple[str, bool]:
    """The base of a decoded subject, and whether it is one of a reply or of a forwarded letter. Costs O(n)."""
    text = _BLANKS.sub(" ", subject)  # (1)
    at, end, is_reply = 0, len(text), False
    while True:
        end, was_forwarded = _before_trailers(text, at, end)  # (2)
        at, was_led = _after_leaders(text, at, end)  # (3) to (5)
        is_reply = is_reply or was_forwarded or was_led
        inner = at + len(_FORWARDED)
        if inner >= end or text[at:inner].lower() != _FORWARDED or text[end - 1] != "]":
            return text[at:end], is_reply
        at, end, is_reply = inner, end - 1, True  # (6)


def _before_trailers(text: str, at: int, end: int) -> tuple[int, bool]:
    was_forwarded = False
    while end > at:
        if text[end - 1] == " ":
            end -= 1
        elif text[max(end - len(_TRAILER), at) : end].lower() == _TRAILER:
            end, was_forwarded = end - len(_TRAILER), True
        else:
            break
    return end, was_forwarded


def _after_leaders(text: str, at: int, end: int) -> tuple[int, bool]:
    was_led = False
    while True:
        if leader := _LEADER.match(text, at, end):
            was_led = was_led or leader.group().endswith(":")
            at = leader.end()
        elif blobs := _BLOBS.match(text, at, end):
            # (4): no more is taken than leaves something. After the last of them is no leader, or it had been found.
            return blobs.end() if blobs.end() < end else text.rindex("[", at, end), was_led
        else:
            return at, was_led
