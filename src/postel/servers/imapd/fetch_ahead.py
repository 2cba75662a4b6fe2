"""Messages that are read along with one that is fetched: programs take them one after the other.

Gives       Ahead.

A transaction costs as much as some letters do. What is in a message never changes (RFC 9051 2.3.1.1), so what was read
ahead stays right; a message that went meanwhile is found to be gone by who looks at the mailbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from postel.store import LetterPage, Store

if TYPE_CHECKING:
    from postel.servers.imapd.selected import Selected

_MESSAGES: Final = 16
_BYTES: Final = 128 * 1024  # of messages that a session may hold


class Ahead:
    """What one session has read of its mailbox and was not asked for yet."""

    def __init__(self) -> None:
        self._last = -1  # the place of the message that was asked for last
        self._page = LetterPage({})

    async def page(self, store: Store, box: Selected, uids: Sequence[int]) -> LetterPage:
        """Messages (UIDs ascending, of the client's numbering), what is known of their contents, and the small ones."""
        if len(uids) != 1:
            return await store.page(box.id, uids, contents=True)
        uid = uids[0]
        place = (box.view.seq(uid) or 0) - 1
        if uid not in self._page.letters:
            self._page = await store.page(box.id, self._wanted(box, place, uids), contents=True)
        self._last = place
        page = self._page
        return replace(page, letters={uid: page.letters[uid]}) if uid in page.letters else LetterPage({})

    def _wanted(self, box: Selected, place: int, uids: Sequence[int]) -> Sequence[int]:
        """This message, and those that follow the way that the client goes, as many as may be held."""
        if place == self._last + 1:
            along = box.view.uids[place : place + _MESSAGES]
        elif place == self._last - 1:
            along = box.view.uids[max(place + 1 - _MESSAGES, 0) : place + 1][::-1]
        else:
            return uids
        places, sizes = box.snapshot.places(along), box.snapshot.sizes
        held = accumulate(sizes[place] if place >= 0 else 0 for place in places)
        return sorted(uid for uid, size in zip(along, held, strict=True) if size <= _BYTES) or uids
