"""The page of IMAP, made of the tables that the machine and the shell work by.

Gives       imap_page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from generators.markdown import code, page, table
from generators.source import path_of, text_of
from postel.proto import imap
from postel.proto.imap import capabilities, codes, states
from postel.proto.imap.commands.command import Row
from postel.servers.imapd.capabilities import CAPABILITIES

_CODE: Final = re.compile(r'Code\(b"([A-Z-]+)"')

_IN_PLAIN: Final = imap.ImapOptions(
    hostname="imap.example.org", capabilities=CAPABILITIES, offers_starttls=True
)
_IN_TLS: Final = imap.ImapOptions(
    hostname="imap.example.org",
    capabilities=CAPABILITIES,
    offers_plaintext=True,
    mechanisms=("…",),
)


def imap_page() -> str:
    """States, commands, capabilities before and after the login, response codes."""
    return page(
        "IMAP",
        "What the server machine takes, and what it announces, as the program's own tables have it. IMAP4rev2 "
        "(RFC 9051) and IMAP4rev1 (RFC 3501) are spoken at once: a client that says `ENABLE IMAP4rev2` hears the "
        "newer answers. The clause of each capability is in [compatibility](compatibility.md), every limit in "
        "[limits](limits.md). The mechanisms of AUTHENTICATE are those of "
        "[SMTP](smtp.md#sasl-mechanisms).",
        "## Commands",
        "In a state that is not named here a command is answered with BAD.",
        table(("command", "states", "belongs to"), [_command(row) for row in imap.COMMANDS.values()]),
        f"Known and not offered, so BAD: {_list(_not_offered())}.",
        "## Capabilities",
        "What CAPABILITY says. Before the login that is little, for strangers need no more; programs are told the "
        "rest with the answer to the login.",
        table(("capability", "before the login", "after it"), _capabilities()),
        "## What ENABLE switches on",
        _list(sorted(capabilities.ENABLED_BY_NAME)) + ".",
        "## Response codes",
        "Words in brackets before the text of OK, NO, BAD and BYE, for programs (RFC 9051 7.1, RFC 5530 and the "
        "extensions):",
        _list(sorted(set(_CODE.findall(text_of(path_of(codes)))))) + ".",
    )


def _command(row: Row) -> tuple[str, str, str]:
    where = ", ".join(state.value for state in states.State if state in row.states)
    needed = row.needs or ""
    return code(row.name), where, code(needed)


def _not_offered() -> list[str]:
    return [name for name, row in imap.COMMANDS.items() if not capabilities.is_known(row, _IN_TLS)]


def _capabilities() -> Iterator[tuple[str, str, str]]:
    before, inside = states.State.NOT_AUTHENTICATED, states.State.AUTHENTICATED
    in_plain, in_tls = (capabilities.announced(options, before) for options in (_IN_PLAIN, _IN_TLS))
    after = capabilities.announced(_IN_TLS, inside)
    for word in dict.fromkeys((*in_plain, *in_tls, *after)):
        yield code(word), _when(word in in_plain, word in in_tls), "yes" if word in after else "no"


def _when(is_in_plain: bool, is_in_tls: bool) -> str:
    if is_in_plain and is_in_tls:
        return "yes"
    if is_in_plain:
        return "where there is no TLS yet"
    return "where a login is possible" if is_in_tls else "no"


def _list(names: Iterable[str]) -> str:
    return ", ".join(code(name) for name in names)
