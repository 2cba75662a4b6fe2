"""How many messages one command may work on, where the administrator has set a limit.

Implements  RFC 9738 (MESSAGELIMIT): FETCH, STORE, SEARCH, MOVE and UID EXPUNGE do the newest and say how far they
            came; COPY and APPEND, which are done whole or not at all, are refused, as is a PARTIAL window that is
            wider. EXPUNGE and CLOSE have no limit.
Gives       capabilities_within, newest, newest_spans, one_code, refuse_beyond, refuse_window.
Not here    The number itself: proto.imap.ImapLimits.messages; 0 is no limit, and then nothing is announced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from postel.proto.imap import NO, Code, ImapLimits, Partial, codes, responses
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


def refuse_beyond(session: ImapSession, count: int, uids: Sequence[int] = ()) -> None:
    """Raises Denied where a command that is done whole or not at all names more messages than one may.

    With the UIDs (ascending), the client is told which are few enough: from which one on.
    """
    limit = session.options.limits.messages
    if limit and count > limit:
        code = codes.message_limit(limit, uids[-limit] if uids else None)
        raise Denied(NO.saying(f"At most {limit} messages in one command", code))


def refuse_window(session: ImapSession, window: Partial | None) -> None:
    """RFC 9738 3.1: of a PARTIAL window that is wider than the limit, nothing is done. Raises Denied."""
    if window is not None:
        refuse_beyond(session, abs(window.last - window.first) + 1)


async def one_code(session: ImapSession, code: Code | None, left: Code | None) -> Code | None:
    """A result has one code. RFC 9738 3.1: where there are two, MESSAGELIMIT is told in an untagged NO before it."""
    if code is None or left is None:
        return code or left
    await session.send(responses.untagged("There are more messages", left, NO))
    return code
