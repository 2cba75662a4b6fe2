"""Limits of the store.

Gives       StoreOptions.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOptions:
    """What an account may have, and what is kept.

    name_bytes      of a mailbox name, in UTF-8.
    name_levels     of a mailbox name: how deep the tree may be.
    mailboxes       of an account.
    subscriptions   of an account.
    keyword_bytes   of one keyword.
    keywords        of one message.
    annotations     entries of a mailbox, and of an account for the server, for each who writes them.
    annotation_bytes  of one value.
    rights          identifiers in the access control list of a mailbox.
    keep_s          how long expunged mail can be had back.
    tombstones      ranges of expunged UIDs that a mailbox remembers, so that a client that comes back learns just
                    these; beyond, the oldest half is forgotten, and such a client is told of more than it needs.
    snapshot_bytes  memory for snapshots of mailboxes.
    piece           messages changed by one transaction of a long command: others who write wait so long, some
                    milliseconds.
    """

    name_bytes: int = 1000
    name_levels: int = 32
    mailboxes: int = 10_000
    subscriptions: int = 20_000
    keyword_bytes: int = 128
    keywords: int = 100
    annotations: int = 200
    annotation_bytes: int = 64 * 1024
    rights: int = 200
    keep_s: float = 14 * 24 * 3600.0
    tombstones: int = 4096
    snapshot_bytes: int = 64 * 1024 * 1024
    piece: int = 5000
