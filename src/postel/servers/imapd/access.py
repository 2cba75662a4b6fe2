"""Who may do what with a mailbox: ACL.

Implements  RFC 4314 3 (SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS), 4 (the right a to do so).
Gives       HANDLERS.
Not here    Which right a command needs: the command. Rows: store.rights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from postel.proto.imap import (
    NO,
    OK,
    DeleteAcl,
    GetAcl,
    ListRights,
    MyRights,
    RightsChange,
    SetAcl,
    codes,
    responses,
)
from postel.servers.imapd.faults import NO_SUCH_MAILBOX, Denied
from postel.servers.imapd.names import Opened
from postel.store import ALL_RIGHTS

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession

# RFC 4314 4: with any of these one may ask what one may do.
_VISIBLE: Final = frozenset("lrikxa")


async def _get_acl(session: ImapSession, command: GetAcl) -> None:
    opened = await session.names.open(command.mailbox, "a")
    owner = await _owner(session, opened)
    rights = {owner: ALL_RIGHTS, **await session.parts.store.rights.granted(opened.box.id)}
    await session.send(responses.acl(command.mailbox, rights, is_utf8=session.is_utf8))
    await session.finish(OK)


async def _owner(session: ImapSession, opened: Opened) -> str:
    if opened.box.account_id == session.account_id:
        return str(session.account)
    accounts = await session.parts.directory.list()
    return next(str(one.mailbox) for one in accounts if one.id == opened.box.account_id)


async def _set_acl(session: ImapSession, command: SetAcl) -> None:
    await _change(session, command.mailbox, command.identifier, command.change, command.rights)


async def _delete_acl(session: ImapSession, command: DeleteAcl) -> None:
    await _change(session, command.mailbox, command.identifier, RightsChange.REPLACE, "")


async def _change(
    session: ImapSession, name: str, identifier: str, change: RightsChange, letters: str
) -> None:
    opened = await session.names.open(name, "a")
    if identifier.casefold() == (await _owner(session, opened)).casefold():
        # RFC 4314 3.1: the owner has all rights, whatever is said.
        raise Denied(NO.saying("The owner's rights cannot be changed", codes.CANNOT))
    rights = session.parts.store.rights
    before = set((await rights.granted(opened.box.id)).get(identifier.casefold(), ""))
    wanted = {
        RightsChange.REPLACE: set(letters),
        RightsChange.ADD: before | set(letters),
        RightsChange.REMOVE: before - set(letters),
    }[change]
    text = "".join(sorted(wanted))
    await session.parts.database.write(lambda tx: rights.set(tx, opened.box.id, identifier, text))
    await session.finish(OK)


async def _list_rights(session: ImapSession, command: ListRights) -> None:
    opened = await session.names.open(command.mailbox, "a")
    is_owner = command.identifier.casefold() == (await _owner(session, opened)).casefold()
    required, optional = (ALL_RIGHTS, "") if is_owner else ("", ALL_RIGHTS)
    await session.send(
        responses.list_rights(
            command.mailbox, command.identifier, required, list(optional), is_utf8=session.is_utf8
        )
    )
    await session.finish(OK)


async def _my_rights(session: ImapSession, command: MyRights) -> None:
    opened = await session.names.open(command.mailbox, "")
    if not opened.rights & _VISIBLE:
        raise Denied(NO_SUCH_MAILBOX)
    rights = "".join(right for right in ALL_RIGHTS if right in opened.rights)
    await session.send(responses.my_rights(command.mailbox, rights, is_utf8=session.is_utf8))
    await session.finish(OK)


HANDLERS: Final[Mapping[type, Handler]] = {
    GetAcl: _get_acl,
    SetAcl: _set_acl,
    DeleteAcl: _delete_acl,
    ListRights: _list_rights,
    MyRights: _my_rights,
}
