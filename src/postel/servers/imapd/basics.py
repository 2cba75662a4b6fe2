"""What is not much: ID, the beginning of IDLE and of uploads.

Implements  RFC 2971 (ID), RFC 9051 6.3.13 (IDLE: news at once), 6.3.12, RFC 8508 (uploads begin).
Gives       HANDLERS.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from postel.observe import logger
from postel.proto.imap import OK, Append, Id, Idle, Replace, responses

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession

log = logger("imapd")

# RFC 2971 7 asks for care in what is told; a version helps whoever looks for holes, so strangers are not told it.
_TO_STRANGERS: Final = {"name": "Postel"}
_TO_USERS: Final = {"name": "Postel", "version": version("postel"), "vendor": "The Postel authors"}


async def _id(session: ImapSession, command: Id) -> None:
    if command.fields:
        told = {key: value for key, value in command.fields.items() if key in ("name", "version") and value}
        log.detail("client_id", session=session.id, **told)
    us = _TO_USERS if session.talk.is_logged_in else _TO_STRANGERS
    await session.send(responses.server_id(us))
    await session.finish(OK)


async def _idle(session: ImapSession, command: Idle) -> None:
    """The machine says "+"; what has happened already is told behind it."""
    session.talk.answer()
    if session.selected is not None:
        await session.selected.catch_up(may_expunge=True)


async def _upload(session: ImapSession, command: Append | Replace) -> None:
    await session.uploads.begin(command)


HANDLERS: Final[Mapping[type, Handler]] = {
    Id: _id,
    Idle: _idle,
    Append: _upload,
    Replace: _upload,
}
