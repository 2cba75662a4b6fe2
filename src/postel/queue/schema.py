"""The queue's tables.

Gives       MIGRATIONS, State, Watch.

    queue_arrival    one row a message that came a moment ago, and has no row in the other tables: most mail leaves
                     at the first attempt, and never gets any. `owner` is null, or the number of the helper that has it
    queue_message    one row a message, from its 250 until every recipient is settled
    queue_recipient  one row a recipient; settled ones stay until the message goes, so that an alias cannot
                     bring a recipient back who has had it
    queue_errand     one row for the recipients of one message in one lane, with the time of the first that is
                     due: what the scheduler reads. A 10,000-recipient message is one errand of its lane
    queue_lane       lanes that are down, so that a restart does not forget it
    queue_claim      messages in the tables that another process than the scheduling one has in hand
    queue_routes     one row: by which routes all recipients were put into their lanes
    queue_note       "look at this lane", left for the scheduling process by the others

`next_at` of an errand is null while all its recipients are held. `starts_at` of a message is the instant from which
its time counts: when it came, or when it is released. `deadline_at` is the time of a wish for delivery in time, until
it has been acted on.
"""

from __future__ import annotations

import enum
from typing import Final

from postel.database import Migration


class State(enum.IntEnum):
    """Of a recipient."""

    WAITING = 0
    HELD = 1
    SETTLED = 2


class Watch(enum.IntEnum):
    """What the passing of time still does to a message."""

    FRESH = 0  # a warning, then expiry
    WARNED = 1  # expiry
    OVER = 2  # nothing: what is left of it is held


_FIRST: Final = """
CREATE TABLE queue_message (
    id INTEGER PRIMARY KEY,
    reverse_path TEXT NOT NULL,
    parameters TEXT NOT NULL,
    content_id INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    received_at REAL NOT NULL,
    origin TEXT NOT NULL,
    watch INTEGER NOT NULL,
    next_number INTEGER NOT NULL
);
CREATE INDEX queue_message_age ON queue_message (watch, received_at);
CREATE TABLE queue_recipient (
    message_id INTEGER NOT NULL,
    lane TEXT NOT NULL,
    number INTEGER NOT NULL,
    mailbox TEXT NOT NULL,
    domain TEXT NOT NULL,
    original TEXT NOT NULL,
    parameters TEXT NOT NULL,
    state INTEGER NOT NULL,
    next_at REAL NOT NULL,
    attempts INTEGER NOT NULL,
    tries TEXT NOT NULL,
    depth INTEGER NOT NULL,
    parent INTEGER,
    reply TEXT NOT NULL,
    remote TEXT,
    because TEXT NOT NULL,
    PRIMARY KEY (message_id, lane, number)
);
CREATE TABLE queue_errand (
    message_id INTEGER NOT NULL,
    lane TEXT NOT NULL,
    next_at REAL,
    PRIMARY KEY (message_id, lane)
);
CREATE INDEX queue_errand_due ON queue_errand (lane, next_at, message_id);
CREATE TABLE queue_lane (
    name TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    tried_at REAL NOT NULL,
    retry_at REAL NOT NULL,
    reply TEXT NOT NULL,
    remote TEXT,
    because TEXT NOT NULL
);
CREATE TABLE queue_note (
    id INTEGER PRIMARY KEY,
    lane TEXT NOT NULL
);
"""

# The new index for due work holds the priority between lane and time: for each of the few levels in use, what is due
# is one range.
_WISHES: Final = """
ALTER TABLE queue_message ADD COLUMN starts_at REAL NOT NULL DEFAULT 0;
ALTER TABLE queue_message ADD COLUMN deadline_at REAL;
ALTER TABLE queue_message ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queue_errand ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
UPDATE queue_message SET starts_at = received_at;
DROP INDEX queue_message_age;
CREATE INDEX queue_message_age ON queue_message (watch, starts_at);
CREATE INDEX queue_message_deadline ON queue_message (deadline_at) WHERE deadline_at IS NOT NULL;
DROP INDEX queue_errand_due;
CREATE INDEX queue_errand_due ON queue_errand (lane, priority, next_at, message_id);
"""

_ARRIVALS: Final = """
CREATE TABLE queue_arrival (
    id INTEGER PRIMARY KEY,
    lane TEXT NOT NULL,
    reverse_path TEXT NOT NULL,
    parameters TEXT NOT NULL,
    recipients TEXT NOT NULL,
    content_id INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    received_at REAL NOT NULL,
    origin TEXT NOT NULL
);
"""

_CREWS: Final = """
ALTER TABLE queue_arrival ADD COLUMN owner INTEGER;
CREATE TABLE queue_claim (
    message_id INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL
);
CREATE TABLE queue_routes (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL
);
"""

MIGRATIONS: Final = (
    Migration("queue", 1, _FIRST),
    Migration("queue", 2, _WISHES),
    Migration("queue", 3, _ARRIVALS),
    Migration("queue", 4, _CREWS),
)
