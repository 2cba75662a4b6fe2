"""Names of stored mailboxes, and what lies above and below them.

Implements  RFC 9051 5.1 (names, INBOX), 5.1.1 (hierarchy), RFC 5198 2 (Net-Unicode: composed, no control characters).
Gives       SEPARATOR, OTHER_USERS, checked_name, inbox_first, parents_of, below, DEFAULTS.
Not here    How names are written on the wire: proto.imap. Patterns of LIST: proto.imap.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Final

from postel.store.faults import BadMailboxName
from postel.store.options import StoreOptions
from postel.store.records import INBOX, MailboxName, SpecialUse

SEPARATOR: Final = "/"
AFTER_SEPARATOR: Final = "0"  # the character behind it: names below x lie between "x/" and "x0"

# RFC 2342 5: where mailboxes of others are shown that they share with us.
OTHER_USERS: Final = "Other Users"

# What every account has from the start, and what each is for (RFC 6154 2).
DEFAULTS: Final[Mapping[MailboxName, SpecialUse]] = {
    INBOX: SpecialUse.NONE,
    MailboxName("Drafts"): SpecialUse.DRAFTS,
    MailboxName("Sent"): SpecialUse.SENT,
    MailboxName("Junk"): SpecialUse.JUNK,
    MailboxName("Trash"): SpecialUse.TRASH,
    MailboxName("Archive"): SpecialUse.ARCHIVE,
}


def checked_name(name: str, options: StoreOptions) -> MailboxName:
    """The name in the form that is kept. Raises BadMailboxName.

    A separator at the end only says that children are to come (RFC 9051 6.3.4).
    """
    name = unicodedata.normalize("NFC", name).removesuffix(SEPARATOR)
    levels = name.split(SEPARATOR)
    if not all(level.strip() for level in levels):
        raise BadMailboxName("each level of a mailbox name needs a name")
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") for character in name):
        raise BadMailboxName("a mailbox name has no control characters")
    if len(levels) > options.name_levels:
        raise BadMailboxName(f"mailboxes are at most {options.name_levels} levels deep")
    if len(name.encode()) > options.name_bytes:
        raise BadMailboxName(f"a mailbox name has at most {options.name_bytes} octets")
    if levels[0].casefold() == OTHER_USERS.casefold():
        raise BadMailboxName(f"{OTHER_USERS} is where mailboxes of others are shown")
    return MailboxName(inbox_first(name))


def inbox_first(text: str) -> str:
    """A name, or a pattern of names, with INBOX as its first level in capitals.

    RFC 9051 5.1: the one name whose case does not count, and what lies below it is found by any of its forms too.
    """
    first, separator, rest = text.partition(SEPARATOR)
    return INBOX + separator + rest if first.isascii() and first.upper() == INBOX else text


def parents_of(name: str) -> list[MailboxName]:
    """The names above, topmost first."""
    levels = name.split(SEPARATOR)
    return [MailboxName(SEPARATOR.join(levels[:depth])) for depth in range(1, len(levels))]


def below(name: str) -> tuple[str, str]:
    """Two strings between which the names below lie, the first included and the second not."""
    return name + SEPARATOR, name + AFTER_SEPARATOR
