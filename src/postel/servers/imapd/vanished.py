"""What went from a mailbox while a client was away.

Implements  RFC 7162 3.2.5 and 3.2.6 (VANISHED (EARLIER)).
Gives       gone_since.
Not here    What is remembered of it: store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from postel.proto.imap import UidSet

if TYPE_CHECKING:
    from postel.servers.imapd.selected import Selected
    from postel.servers.imapd.session import ImapSession


async def gone_since(session: ImapSession, box: Selected, modseq: int, among: UidSet | None) -> UidSet:
    """The UIDs that went after a mod-sequence, of those that are asked for; None: of all.

    They may name some that the client never saw, as RFC 7162 3.2.5.2 allows, and never a message that is there.
    """
    gone = UidSet.covering(await session.parts.store.expunged_since(box.id, modseq))
    if among is not None:
        gone &= among
    return UidSet.covering(_without(gone.ranges, box.view.uids))


def _without(ranges: Sequence[tuple[int, int]], uids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges without the UIDs (ascending) that are there: tombstones may name more than went."""
    there = iter(uids)
    uid = next(there, None)
    for low, high in ranges:
        while uid is not None and uid < low:
            uid = next(there, None)
        while uid is not None and uid <= high:
            if low < uid:
                yield low, uid - 1
            low = uid + 1
            uid = next(there, None)
        if low <= high:
            yield low, high
