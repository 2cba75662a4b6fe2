"""The events of all rooms, by name: what the log can say, and what it means.

Names are stable: operators' alarms hang on them. The reference page is made of this table, and a test
reads the code for events that are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EVENTS: Final[Mapping[str, str]] = {
    # app
    "ready": "Every listener accepts connections.",
    "stopping": "A stop was asked for; sessions finish their current command.",
    "stopped": "Everything is closed; what waits in the queue is on disk.",
    "reloaded": "Configuration and certificates were read anew.",
    "reload_failed": "The new configuration has mistakes; the old one stays in force.",
    "certificate_made": "No certificate is configured, so a self-signed one was made.",
    "listening": "A listener is open.",
    # hooks
    "hook_failed": "A hook raised, took too long or answered nonsense: the mail was deferred.",
    "hook_skipped": "Too many hooks were busy, so one was not told of an event.",
    # store
    "maildrop_lock_stuck": "The lock of a maildrop could not be renewed or freed; it is free when its lease ends.",
}
