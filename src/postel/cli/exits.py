"""Exit statuses that programs which call sendmail know: sysexits.h.

Gives       their names, Exit, status_for.
"""

from __future__ import annotations

from typing import Final

from postel.mail import Reply

OK: Final = 0
USAGE: Final = 64  # the command line makes no sense
DATA: Final = 65  # the message, or an address in it, makes no sense
NO_USER: Final = 67  # there is no such recipient
UNAVAILABLE: Final = 69  # refused for good
TRY_LATER: Final = 75
NOT_ALLOWED: Final = 77
CONFIG: Final = 78

_SENDERS: Final = frozenset({7, 8})  # details of x.1.z that speak of the reverse path (RFC 3463 3.2)
_ADDRESS: Final = 1  # subject: addressing
_POLICY: Final = 7  # subject: security and policy


class Exit(Exception):
    """The end, with this status; the text says why."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def status_for(reply: Reply) -> int:
    """What a reply to a recipient amounts to."""
    if reply.is_positive:
        return OK
    if reply.is_transient:
        return TRY_LATER
    status = reply.best_status
    if status.subject == _ADDRESS:
        return DATA if status.detail in _SENDERS else NO_USER
    return NOT_ALLOWED if status.subject == _POLICY or reply.code in (530, 535) else UNAVAILABLE
