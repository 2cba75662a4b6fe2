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
    opened = await session.names.open(command.mailbox, "r")
    is_own = opened.box.account_id == session.account_id
    # RFC 9208 4.1.2: who shares another's mailbox is not told how full that one is.
    roots = [ROOT] if is_own else []
    await session.send(responses.quota_root(command.mailbox, roots, is_utf8=session.is_utf8))
    if is_own:
        await session.send(await _quota(session))
    await session.finish(OK)


async def _get_quota(session: ImapSession, command: GetQuota) -> None:
    if command.root != ROOT:
        raise Denied(NO.saying("There is no such quota root", codes.NONEXISTENT))
    await session.send(await _quota(session))
    await session.finish(OK)


async def _quota(session: ImapSession) -> bytes:
    store = session.parts.store
    quota, usage = await store.quota(session.account_id), await store.usage(session.account_id)
    resources: list[tuple[str, int, int]] = []
    if quota.size_bytes is not None:
        resources.append(("STORAGE", -(-usage.size_bytes // _UNIT_BYTES), quota.size_bytes // _UNIT_BYTES))
    if quota.messages is not None:
        resources.append(("MESSAGE", usage.messages, quota.messages))
    return responses.quota(ROOT, resources)


HANDLERS: Final[Mapping[type, Handler]] = {
    GetQuota: _get_quota,
    GetQuotaRoot: _get_quota_root,
}
