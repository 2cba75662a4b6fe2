"""How many messages one command may work on, where the administrator has set a limit.

Implements  RFC 9738 (MESSAGELIMIT): FETCH, STORE, SEARCH and EXPUNGE do the newest and say how far they came; COPY,
            MOVE and APPEND, which are done whole or not at all, are refused.
Gives       capabilities_within, newest, newest_spans, refuse_beyond.
Not here    The number itself: proto.imap.ImapLimits.messages; 0 is no limit, and then nothing is announced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from postel.proto.imap import NO, Code, ImapLimits, codes
from postel.servers.imapd.faults import Denied

if TYPE_CHECKING:
    from postel.servers.imapd.selected import Selected
    from postel.servers.imapd.session import ImapSession


def capabilities_within(limits: ImapLimits, capabilities: tuple[str, ...]) -> tuple[str, ...]:
    """What is announced: MESSAGELIMIT only where there is one."""
    return (*capabilities, "MESSAGELIMIT") if limits.messages else capabilities


def newest(session: ImapSession, uids: Sequence[int]) -> tuple[Sequence[int], Code | None]:
    """As many of the UIDs (ascending) as one command may work on, the highest; with a code if some are left."""
    limit = session.options.limits.messages
    if not limit or len(uids) <= limit:
        return uids, None
    done = uids[-limit:]
    return done, codes.message_limit(limit, done[0])


def newest_spans(session: ImapSession, box: Selected, spans: list[range]) -> tuple[list[range], Code | None]:
    """The same of places in the client's numbering."""
    room = limit = session.options.limits.messages
    if not limit or sum(map(len, spans)) <= limit:
        return spans, None
    kept: list[range] = []
    for span in reversed(spans):
        if room <= 0:
            break
        kept.append(span[-room:])
        room -= len(kept[-1])
    kept.reverse()
    return kept, codes.message_limit(limit, box.view.uids[kept[0].start])


def refuse_beyond(session: ImapSession, count: int) -> None:
    """Raises Denied where a command that is done whole or not at all names more messages than one may."""
    limit = session.options.limits.messages
    if limit and count > limit:
        raise Denied(NO.saying(f"At most {limit} messages in one command", codes.message_limit(limit)))
