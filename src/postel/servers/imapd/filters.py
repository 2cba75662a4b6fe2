"""Search programs that users keep under names, in place of the key FILTER.

Implements  RFC 5466 3.1 (FILTER), 3.2 (annotations of the server hold them, private ones first).
Gives       Filters.
Not here    What matches: searching.

A filter may name others: how deep, and how many in all, is bounded, or a few of them would stand for more keys than
there are messages in the world.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from postel.mail import BadSyntax
from postel.proto.imap import NO, And, Filtered, Fuzzy, Not, Or, SearchKey, codes, parse_search_program
from postel.servers.imapd.faults import Denied

if TYPE_CHECKING:
    from postel.servers.imapd.session import ImapSession

WITHIN: Final = 5  # filters that name filters
USED: Final = 100  # filters that one search stands on, each as often as it is named


class Filters:
    """The filters that one search program names."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session
        self._entries: Mapping[str, bytes] | None = None
        self._left = USED

    async def replaced(self, key: SearchKey, depth: int = 0) -> SearchKey:
        """The program without FILTER. Raises Denied where a filter is not there or stands on too many."""
        match key:
            case Filtered(name):
                return await self.replaced(await self._kept(name, depth), depth + 1)
            case And(keys):
                return And(tuple([await self.replaced(part, depth) for part in keys]))
            case Or(one, other):
                return Or(await self.replaced(one, depth), await self.replaced(other, depth))
            case Not(part):
                return Not(await self.replaced(part, depth))
            case Fuzzy(part):
                return await self.replaced(part, depth)
            case _:
                return key

    async def _kept(self, name: str, depth: int) -> SearchKey:
        undefined = Denied(NO.saying("There is no such filter", codes.undefined_filter(name)))
        if depth >= WITHIN or not self._left:
            raise Denied(NO.saying("The filter stands on too many others", codes.undefined_filter(name)))
        self._left -= 1
        if self._entries is None:
            self._entries = await self._known()
        entries = (f"/{kind}/filters/values/{name.lower()}" for kind in ("private", "shared"))
        program = next((self._entries[entry] for entry in entries if entry in self._entries), None)
        if program is None:
            raise undefined
        try:
            return parse_search_program(program, self._session.talk.reading)
        except BadSyntax:
            raise undefined from None

    async def _known(self) -> Mapping[str, bytes]:
        session = self._session
        annotations = session.parts.store.annotations
        shared = await annotations.of(session.account_id, 0, 0)
        return {**shared, **await annotations.of(session.account_id, 0, session.account_id)}
