"""What the server can do, and where it says so.

Implements  RFC 9051 6.1.1 and appendix E (what IMAP4rev2 holds), RFC 7888 3 to 5, RFC 4959 3, RFC 7889 2, RFC 5161 3.1.
Gives       ImapOptions, announced, understood, is_known, ENABLED_BY_NAME.

The shell lists in `capabilities` what it can do, in the order it is announced. What the machine does by itself
(LITERAL+, SASL-IR, ENABLE, STARTTLS, LOGINDISABLED, AUTH=) is not in that list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from postel.proto.imap.commands import Row
from postel.proto.imap.limits import ImapLimits
from postel.proto.imap.states import State

REV2: Final = "IMAP4rev2"

# RFC 9051, appendix E: what rev2 took over from extensions.
_HELD_BY_REV2: Final = frozenset(
    {
        "BINARY", "ENABLE", "ESEARCH", "IDLE", "LIST-EXTENDED", "LIST-STATUS", "MOVE", "NAMESPACE",
        "SEARCHRES", "SPECIAL-USE", "STATUS=SIZE", "UIDPLUS", "UNSELECT",
    }
)  # fmt: skip

# Commands that belong to several capabilities.
_FAMILIES: Final = {
    "THREAD=": "THREAD",
    "CONTEXT=": "CONTEXT",
    "QUOTA=": "QUOTA",
    "METADATA-SERVER": "METADATA",
}

# What a client may need to know before it logs in.
_BEFORE_LOGIN: Final = frozenset({REV2, "ID", "LANGUAGE", "LOGIN-REFERRALS"})

ENABLED_BY_NAME: Final = frozenset(
    {"CONDSTORE", "QRESYNC", "UTF8=ACCEPT", "IMAP4REV2", "UIDONLY", "METADATA"}
)
"""What ENABLE can switch on, where the shell can do it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapOptions:
    """What the session offers now; TLS and policy change it.

    hostname           our name in the greeting.
    capabilities       what the shell can do, as announced after the login; APPENDLIMIT and MESSAGELIMIT
                       get their numbers here.
    offers_starttls    STARTTLS may be given.
    offers_plaintext   LOGIN may be given on the connection as it is now.
    mechanisms         SASL mechanisms that may be used on the connection as it is now.
    literal_plus       LITERAL+ rather than LITERAL- (RFC 7888 5).
    """

    hostname: str
    capabilities: tuple[str, ...] = ()
    offers_starttls: bool = False
    offers_plaintext: bool = False
    mechanisms: tuple[str, ...] = ()
    literal_plus: bool = True
    limits: ImapLimits = field(default_factory=ImapLimits)


def understood(options: ImapOptions) -> frozenset[str]:
    """Capabilities whose syntax is known, in upper case."""
    words = {word.upper() for word in options.capabilities}
    if REV2.upper() in words:
        words |= _HELD_BY_REV2
    return frozenset(words | {needed for word in words if (needed := _family(word))})


def _family(word: str) -> str:
    """What a command of several capabilities needs: one of them."""
    return next((family for prefix, family in _FAMILIES.items() if word.startswith(prefix)), "")


def is_known(row: Row, options: ImapOptions) -> bool:
    """Whether a command is one of those that the server can do."""
    return row.needs is None or row.needs in understood(options)


def announced(options: ImapOptions, state: State) -> tuple[str, ...]:
    """The words of a CAPABILITY response."""
    own = ("LITERAL+" if options.literal_plus else "LITERAL-", "SASL-IR", "ENABLE")
    if state in (State.CONNECTED, State.NOT_AUTHENTICATED):
        told = tuple(word for word in options.capabilities if word in _BEFORE_LOGIN)
        return ("IMAP4rev1", *told, *own, *_ways_in(options))
    words = tuple(_with_number(word, options) for word in options.capabilities)
    return ("IMAP4rev1", *words, *own)


def _ways_in(options: ImapOptions) -> tuple[str, ...]:
    return (
        *(("STARTTLS",) if options.offers_starttls else ()),
        *(() if options.offers_plaintext else ("LOGINDISABLED",)),
        *(f"AUTH={mechanism}" for mechanism in options.mechanisms),
    )


def _with_number(word: str, options: ImapOptions) -> str:
    numbers = {"APPENDLIMIT": options.limits.append, "MESSAGELIMIT": options.limits.messages}
    return f"{word}={numbers[word]}" if word in numbers else word
