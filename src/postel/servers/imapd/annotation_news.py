"""Which annotations have changed: what NOTIFY tells of metadata.

Implements  RFC 5465 5.6 and 5.7 (MailboxMetadataChange, ServerMetadataChange), RFC 5464 4.4.2 (no values are told).
Gives       AnnotationNews.
Not here    Whose news are told to whom: notify. Rows: store.annotations.
"""

from __future__ import annotations

from typing import Final

from postel.store import Annotations

SERVER: Final = 0  # the store's number for "no mailbox"


class AnnotationNews:
    """The entries that an account can read of its own mailboxes and of the server, as it last saw them."""

    def __init__(self, annotations: Annotations, account_id: int) -> None:
        self._annotations = annotations
        self._account_id = account_id
        self._known: dict[tuple[int, str], int] = {}

    async def look(self) -> dict[int, list[str]]:
        """Entries that came, went, or have another value since the last look, by mailbox (SERVER: the server)."""
        rows = await self._annotations.visible(self._account_id)
        now = {(mailbox_id, entry): hash((user_id, value)) for mailbox_id, user_id, entry, value in rows}
        before, self._known = self._known, now
        changed: dict[int, list[str]] = {}
        for mailbox_id, entry in sorted(before.keys() | now.keys()):
            if before.get((mailbox_id, entry)) != now.get((mailbox_id, entry)):
                changed.setdefault(mailbox_id, []).append(entry)
        return changed
