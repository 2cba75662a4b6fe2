"""Who acts on which command.

Gives       HANDLERS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from postel.servers.imapd import (
    access,
    basics,
    contexts,
    copying,
    fetch,
    language,
    listing,
    login,
    mailboxes,
    metadata,
    multisearch,
    notify,
    quota,
    search,
    select,
    urls,
)

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler

HANDLERS: Final[Mapping[type, Handler]] = {
    **basics.HANDLERS,
    **login.HANDLERS,
    **select.HANDLERS,
    **mailboxes.HANDLERS,
    **listing.HANDLERS,
    **fetch.HANDLERS,
    **copying.HANDLERS,
    **search.HANDLERS,
    **multisearch.HANDLERS,
    **access.HANDLERS,
    **quota.HANDLERS,
    **metadata.HANDLERS,
    **language.HANDLERS,
    **urls.HANDLERS,
    **notify.HANDLERS,
    **contexts.HANDLERS,
}
