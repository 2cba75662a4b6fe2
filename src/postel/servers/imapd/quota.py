"""How full an account is.

Implements  RFC 9208 4.1.1 (GETQUOTA), 4.1.2 (GETQUOTAROOT), 5.1 (STORAGE), 5.2 (MESSAGE).
Gives       HANDLERS.
Not here    Enforcing it: store. Setting it: the administrator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from postel.proto.imap import NO, OK, GetQuota, GetQuotaRoot, codes, responses
from postel.servers.imapd.faults import Denied

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession

ROOT: Final = ""  # RFC 9208 3.2: one root holds all of an account's mailboxes
_UNIT_BYTES: Final = 1024  # RFC 9208 5.1: STORAGE is counted in these


async def _get_quota_root(session: ImapSession, command: GetQuotaRoot) -> None:
    resources = await _resources(session) if await _is_own(session, command) else []
    # RFC 9208 7: a quota-list has one resource at least (4.2.1 speaks of an empty one, which strict readers refuse),
    # so an account without limits has no root, as with Dovecot.
    roots = [ROOT] if resources else []
    await session.send(responses.quota_root(command.mailbox, roots, is_utf8=session.is_utf8))
    if resources:
        await session.send(responses.quota(ROOT, resources))
    await session.finish(OK)


async def _is_own(session: ImapSession, command: GetQuotaRoot) -> bool:
    """RFC 9208 4.1.2: the mailbox may be one that is yet to be made; who shares another's is not told of its quota."""
    place = await session.names.place(command.mailbox)
    if place is not None and place.account_id == session.account_id:
        return True
    await session.names.open(command.mailbox, "r")
    return False


async def _get_quota(session: ImapSession, command: GetQuota) -> None:
    resources = await _resources(session)
    if command.root != ROOT or not resources:
        raise Denied(NO.saying("There is no such quota root", codes.NONEXISTENT))
    await session.send(responses.quota(ROOT, resources))
    await session.finish(OK)


async def _resources(session: ImapSession) -> list[tuple[str, int, int]]:
    """Name, usage and limit of each that is limited."""
    store = session.parts.store
    quota, usage = await store.quota(session.account_id), await store.usage(session.account_id)
    resources: list[tuple[str, int, int]] = []
    if quota.size_bytes is not None:
        resources.append(("STORAGE", -(-usage.size_bytes // _UNIT_BYTES), quota.size_bytes // _UNIT_BYTES))
    if quota.messages is not None:
        resources.append(("MESSAGE", usage.messages, quota.messages))
    return resources


HANDLERS: Final[Mapping[type, Handler]] = {
    GetQuota: _get_quota,
    GetQuotaRoot: _get_quota_root,
}
