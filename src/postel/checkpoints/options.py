"""How much is kept of transactions that are interrupted, and how long.

Implements  RFC 1845 3 (a time "defined by the operational policies of the server administrator").
Gives       CheckpointOptions.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointOptions:
    """Limits of what is kept.

    keep_s          how long a transaction is kept after its last sign of life. RFC 1845 3 recommends 48 hours.
    transactions    kept at a time, those under way and the answers of finished ones among them.
    per_client      the same for one account, or one address where nobody is logged in.
    octets          content of all interrupted transactions together.
    spare_octets    what must be free on the disk beside it; with less, nothing is kept.
    step_octets     after so much content what has come is made durable: as much is lost at most when power fails.
    takeover_s      how long a session waits for an older one of the same client to let go of a transaction.

    A transaction that finds no room is none the worse for it: it is only not kept.
    """

    keep_s: float = 48 * 3600.0
    transactions: int = 1000
    per_client: int = 20
    octets: int = 1_000_000_000
    spare_octets: int = 1_000_000_000
    step_octets: int = 4 * 1024 * 1024
    takeover_s: float = 30.0
