"""What commands speak of: sections, items, options. Values without behaviour.

Implements  RFC 9051 6.4.5 (fetch items, section-spec), 6.3.9 (LIST options), 6.3.11 (status items); RFC 3516, 5258,
            5464, 7162, 8438, 8474, 8514, 8970.
Gives       SYSTEM_FLAGS; Section, FetchAtom, FetchSection, FetchPreview; StatusItem, Selection, ListReturn,
            MetadataOptions.
Not here    What SEARCH and its kin speak of: search_values.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, TypeAlias

# RFC 9051 2.3.2: in the spelling of the RFC, which is the one that leaves this room.
SYSTEM_FLAGS: Final = (b"\\Answered", b"\\Flagged", b"\\Deleted", b"\\Seen", b"\\Draft")

# --- FETCH -----------------------------------------------------------------------------------------------


class SectionText(enum.Enum):
    """RFC 9051 9, section-text: what of a part is wanted."""

    HEADER = b"HEADER"
    FIELDS = b"HEADER.FIELDS"
    FIELDS_NOT = b"HEADER.FIELDS.NOT"
    TEXT = b"TEXT"
    MIME = b"MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """What stands in the brackets of BODY[...]; without part and text: the whole message.

    part      part numbers, from the outside in.
    fields    names of header fields, as the client wrote them.
    """

    part: tuple[int, ...] = ()
    text: SectionText | None = None
    fields: tuple[bytes, ...] = ()

    def format(self) -> bytes:
        """As responses repeat it (RFC 9051 7.5.2)."""
        words = [b"%d" % number for number in self.part]
        if self.text is not None:
            words.append(self.text.value)
        names = b" (%b)" % b" ".join(format_field(name) for name in self.fields) if self.fields else b""
        return b".".join(words) + names


WHOLE: Final = Section()


class FetchAtom(enum.Enum):
    """Data items that are one word."""

    FLAGS = b"FLAGS"
    UID = b"UID"
    INTERNALDATE = b"INTERNALDATE"
    RFC822_SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    RFC822 = b"RFC822"
    RFC822_HEADER = b"RFC822.HEADER"
    RFC822_TEXT = b"RFC822.TEXT"
    MODSEQ = b"MODSEQ"  # RFC 7162 3.1.5
    EMAILID = b"EMAILID"  # RFC 8474 5
    THREADID = b"THREADID"
    SAVEDATE = b"SAVEDATE"  # RFC 8514 4.2


class Form(enum.Enum):
    """How a section is wanted."""

    BODY = b"BODY"
    BINARY = b"BINARY"  # RFC 3516 4.2: its transfer encoding undone
    BINARY_SIZE = b"BINARY.SIZE"


@dataclass(frozen=True, slots=True)
class Octets:
    """<offset.count> behind a section."""

    offset: int
    count: int


@dataclass(frozen=True, slots=True)
class FetchSection:
    r"""BODY[...], BODY.PEEK[...], BINARY[...], BINARY.PEEK[...], BINARY.SIZE[...].

    is_peek    \Seen is not set by it.
    """

    section: Section
    is_peek: bool = False
    octets: Octets | None = None
    form: Form = Form.BODY

    def name(self) -> bytes:
        """The item's name in the response: without PEEK, with the origin only of a partial fetch."""
        origin = b"" if self.octets is None else b"<%d>" % self.octets.offset
        return b"%b[%b]%b" % (self.form.value, self.section.format(), origin)


@dataclass(frozen=True, slots=True)
class FetchPreview:
    """RFC 8970 3.1: the beginning of the text; lazy: only where it costs nothing."""

    is_lazy: bool = False


FetchItem: TypeAlias = FetchAtom | FetchSection | FetchPreview


# --- mailboxes -------------------------------------------------------------------------------------------


class StatusItem(enum.Enum):
    """RFC 9051 6.3.11 and extensions."""

    MESSAGES = b"MESSAGES"
    RECENT = b"RECENT"
    UIDNEXT = b"UIDNEXT"
    UIDVALIDITY = b"UIDVALIDITY"
    UNSEEN = b"UNSEEN"
    DELETED = b"DELETED"
    SIZE = b"SIZE"  # RFC 8438
    HIGHESTMODSEQ = b"HIGHESTMODSEQ"  # RFC 7162 3.1.7
    APPENDLIMIT = b"APPENDLIMIT"  # RFC 7889 3.2
    MAILBOXID = b"MAILBOXID"  # RFC 8474 4.3
    DELETED_STORAGE = b"DELETED-STORAGE"  # RFC 9208 4.1.4


class Selection(enum.Enum):
    """RFC 5258 3.1: which mailboxes LIST gives."""

    SUBSCRIBED = b"SUBSCRIBED"
    REMOTE = b"REMOTE"
    RECURSIVEMATCH = b"RECURSIVEMATCH"
    SPECIAL_USE = b"SPECIAL-USE"  # RFC 6154 2


@dataclass(frozen=True, slots=True)
class MetadataOptions:
    """RFC 5464 4.2.1, 4.2.2. depth: 0, 1, or None for infinity."""

    max_size: int | None = None
    depth: int | None = 0


@dataclass(frozen=True, slots=True)
class ListReturn:
    """RFC 5258 3.2: what LIST gives about each mailbox.

    status      STATUS (...) (RFC 5819).
    metadata    entries of METADATA (...) (RFC 9590).
    """

    subscribed: bool = False
    children: bool = False
    special_use: bool = False
    my_rights: bool = False  # RFC 8440
    status: tuple[StatusItem, ...] = ()
    metadata: tuple[str, ...] = ()


_FIELD_NAME: Final = frozenset(range(33, 127)) - frozenset(b'(){%*"\\]')


def format_field(name: bytes) -> bytes:
    """A header field's name as an astring: an atom, or quoted."""
    if name and _FIELD_NAME.issuperset(name):
        return name
    return b'"%b"' % name.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
