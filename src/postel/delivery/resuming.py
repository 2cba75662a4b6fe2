"""Which transfers can go on where they stopped, by what name, and how often at once.

Implements  RFC 1845 2 (the TRANSID: unique, and the same again after an interruption), 3 (a client that was
            interrupted).
Gives       Resuming, transid_of.
Not here    The offset, and RCPT after it: proto.smtp. The order of hosts: delivery.walk.

The TRANSID is made of what the transaction is, so it needs no store: after a restart, or a kill, the same message for
the same recipients has the same one. It names transactions whose recipients were all accepted; if some are refused,
those who are left are another transaction with another name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from postel.mail import Envelope
from postel.net import Endpoint
from postel.proto.smtp import TRANSID_LIMIT, Offered, is_transid
from postel.queue import Job, Outcome, Relayed

# What is told anew each time may differ each time, though the transaction is the same.
_CHANGING: Final = frozenset({"BY"})
PAUSE_S: Final = 1.0  # RFC 1845 3: time for the other side to notice; a Postel notices at once
IDLE_BREAKS: Final = 3  # interruptions in a row without an octet more
BREAKS: Final = 1000  # interruptions of one message in one go


def transid_of(job: Job, envelope: Envelope, hostname: str) -> str:
    """The name of a transaction, of 80 characters at most."""
    facts = (
        str(job.queue_id),
        job.content_id,
        job.size_bytes,
        str(envelope.reverse_path),
        sorted((name, value) for name, value in envelope.parameters.items() if name not in _CHANGING),
        [(str(one.forward_path), sorted(one.parameters.items())) for one in envelope.recipients],
    )
    local = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    room = TRANSID_LIMIT - len(local) - len("<@>")
    # RFC 1845 2: an address literal is no token; what is too long is cut to its last labels.
    labels = [label for label in re.sub(r"[^A-Za-z0-9.-]", "", hostname).split(".") if label]
    while len(labels) > 1 and len(".".join(labels)) > room:
        labels.pop(0)
    transid = f"<{local}@{'.'.join(labels)[:room].rstrip('.') or 'localhost'}>"
    return transid if is_transid(transid) else f"<{local}@localhost>"


@dataclass(slots=True)
class Resuming:
    """What an agent knows of the transfers of one lane.

    from_bytes    the least size of a message that is worth it.
    last          the host that has the beginning of the message in hand.
    """

    hostname: str
    from_bytes: int
    last: Endpoint | None = None
    _offset: int = -1
    _breaks: int = 0
    _idle: int = 0

    def name(self, job: Job, envelope: Envelope, offered: Offered) -> str | None:
        """The TRANSID to use; None for none. Binary content has no lines to go on at."""
        is_binary = (envelope.parameters.get("BODY") or "").upper() == "BINARYMIME"
        is_worth_it = (
            job.size_bytes >= self.from_bytes and not is_binary and "PRDR" not in envelope.parameters
        )
        if "CHECKPOINT" not in offered or not is_worth_it:
            return None
        return transid_of(job, envelope, self.hostname)

    def may_go_on(self, offset: int, outcomes: Mapping[int, Outcome]) -> bool:
        """Whether an interrupted transfer goes on at once; `offset` is where it had gone on the last time.

        Not where some have the message already: the others are tried again by the schedule.
        """
        self._idle = 0 if offset > self._offset else self._idle + 1
        self._offset = max(offset, self._offset)
        self._breaks += 1
        is_all_open = not any(isinstance(outcome, Relayed) for outcome in outcomes.values())
        return is_all_open and self._idle < IDLE_BREAKS and self._breaks < BREAKS

    def forget(self) -> None:
        """The next message begins."""
        self.last, self._offset, self._breaks, self._idle = None, -1, 0, 0
