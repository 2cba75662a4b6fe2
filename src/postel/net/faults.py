"""What can go wrong between two hosts. These are facts of the world, not bugs.

Gives       TimedOut, ConnectionLost, DialFailed.
"""

from __future__ import annotations


class TimedOut(Exception):
    """The peer did not send, or did not take what we send, in the time given. The stream stays usable."""


class ConnectionLost(Exception):
    """The connection is gone: reset, cut, or aborted by us. Its text says how, in a few words."""


class DialFailed(Exception):
    """No connection could be made.

    reason  short text for logs and reports: "connection refused", "timed out", "no route to host".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
