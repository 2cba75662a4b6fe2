"""The language of the texts that people read.

Implements  RFC 5255 3.2 (LANGUAGE), RFC 4647 3.4 (which of the languages there are).
Gives       HANDLERS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from postel.proto.imap import NO, OK, Language, codes, responses
from postel.servers.imapd.faults import Denied

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession

LANGUAGES: Final = ("i-default", "en")  # RFC 5255 3.3: i-default is always there; ours is English


async def _language(session: ImapSession, command: Language) -> None:
    if not command.ranges:
        await session.send(responses.language(LANGUAGES))
        await session.finish(OK)
        return
    chosen = next((known for asked in command.ranges if (known := _known(asked))), None)
    if chosen is None:
        raise Denied(NO.saying("None of these languages is spoken here", codes.CANNOT))
    await session.send(responses.language((chosen,)))
    await session.finish(OK)


def _known(asked: str) -> str | None:
    """RFC 4647 3.4: what was asked for, or what it is a kind of."""
    wanted = asked.lower()
    if wanted == "default":
        return LANGUAGES[0]
    return next((known for known in LANGUAGES if wanted == known or wanted.startswith(f"{known}-")), None)


HANDLERS: Final[Mapping[type, Handler]] = {Language: _language}
