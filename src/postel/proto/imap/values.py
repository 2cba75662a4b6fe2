"""What commands speak of: sections, items, search keys, options. Values without behaviour.

Implements  RFC 9051 6.4.4 (search keys), 6.4.5 (fetch items, section-spec), 6.3.9 (LIST options), 6.3.11 (status
            items); RFC 3516, 5032, 5256, 5258, 5464, 6203, 7162, 8438, 8474, 8514, 8970, 9394.
Gives       Section, FetchAtom, FetchSection, FetchPreview; the search keys; SortKey; ReturnOption, Returns;
            StatusItem; ListSelection, ListReturn, MetadataOptions.
"""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass
from typing import Final, TypeAlias

from postel.proto.imap.sequences import Partial, SequenceSet

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

# --- SEARCH ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class And:
    """All of these; of none: every message (ALL)."""

    keys: tuple[SearchKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """One of these two, or both."""

    one: SearchKey
    other: SearchKey


@dataclass(frozen=True, slots=True)
class Not:
    """Every message that is not found by the key."""

    key: SearchKey


@dataclass(frozen=True, slots=True)
class HasFlag:
    r"""A system flag (\Seen), a keyword, or \Recent. RFC 9051 2.3.2: case does not matter."""

    flag: bytes


@dataclass(frozen=True, slots=True)
class InHeader:
    """Fields of this name hold the text; an empty text: the field is there. FROM, TO, CC, BCC, SUBJECT, HEADER."""

    field: bytes
    text: str


@dataclass(frozen=True, slots=True)
class InBody:
    """BODY: the text is in the body."""

    text: str


@dataclass(frozen=True, slots=True)
class InText:
    """TEXT: the text is in the header or the body."""

    text: str


class DateOf(enum.Enum):
    """Which date is looked at."""

    INTERNAL = enum.auto()
    SENT = enum.auto()  # the Date field, time and zone disregarded
    SAVED = enum.auto()  # RFC 8514 4.3


class Order(enum.Enum):
    """How it is compared."""

    BEFORE = enum.auto()
    ON = enum.auto()
    SINCE = enum.auto()


@dataclass(frozen=True, slots=True)
class Dated:
    """BEFORE, ON, SINCE, SENTBEFORE ... SAVEDSINCE."""

    of: DateOf
    order: Order
    date: datetime.date


@dataclass(frozen=True, slots=True)
class Within:
    """RFC 5032: YOUNGER (at most so old by its internal date) or OLDER (at least)."""

    seconds: int
    is_younger: bool


@dataclass(frozen=True, slots=True)
class Sized:
    """LARGER or SMALLER than so many octets."""

    size_bytes: int
    is_larger: bool


@dataclass(frozen=True, slots=True)
class Numbered:
    """A sequence set, or UID and a set; `$` too."""

    numbers: SequenceSet
    is_uid: bool


@dataclass(frozen=True, slots=True)
class ModifiedSince:
    """RFC 7162 3.1.5: MODSEQ, of the whole message or of one flag's entry (`priv`, `shared`, `all`)."""

    modseq: int
    entry: str | None = None
    entry_type: str | None = None


@dataclass(frozen=True, slots=True)
class HasObjectId:
    """RFC 8474 6: EMAILID or THREADID."""

    object_id: str
    is_thread: bool


@dataclass(frozen=True, slots=True)
class SaveDateSupported:
    """RFC 8514 4.3: the mailbox keeps save dates."""


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """RFC 6203: the key, roughly."""

    key: SearchKey


@dataclass(frozen=True, slots=True)
class Filtered:
    """RFC 5466 3.1: the key that is stored under this name."""

    name: str


SearchKey: TypeAlias = (
    And
    | Or
    | Not
    | HasFlag
    | InHeader
    | InBody
    | InText
    | Dated
    | Within
    | Sized
    | Numbered
    | ModifiedSince
    | HasObjectId
    | SaveDateSupported
    | Fuzzy
    | Filtered
)

ALL: Final = And()


class ReturnOption(enum.Enum):
    """What SEARCH, SORT and ESEARCH are to give (RFC 9051 6.4.4)."""

    MIN = b"MIN"
    MAX = b"MAX"
    ALL = b"ALL"
    COUNT = b"COUNT"
    SAVE = b"SAVE"
    RELEVANCY = b"RELEVANCY"  # RFC 6203 4
    UPDATE = b"UPDATE"  # RFC 5267 4.3
    CONTEXT = b"CONTEXT"  # RFC 5267 4.2
    PARTIAL = b"PARTIAL"  # RFC 5267 4.4, RFC 9394 3.1


@dataclass(frozen=True, slots=True)
class Returns:
    """RETURN (...): the answer is an ESEARCH response. Without any option: ALL."""

    options: frozenset[ReturnOption]
    partial: Partial | None = None


class SortField(enum.Enum):
    """RFC 5256 3, RFC 5957 3, RFC 6203 5."""

    ARRIVAL = b"ARRIVAL"
    CC = b"CC"
    DATE = b"DATE"
    FROM = b"FROM"
    SIZE = b"SIZE"
    SUBJECT = b"SUBJECT"
    TO = b"TO"
    DISPLAYFROM = b"DISPLAYFROM"
    DISPLAYTO = b"DISPLAYTO"
    RELEVANCY = b"RELEVANCY"


@dataclass(frozen=True, slots=True)
class SortKey:
    """One criterion."""

    field: SortField
    is_reverse: bool = False


class ThreadAlgorithm(enum.Enum):
    """RFC 5256 3."""

    ORDEREDSUBJECT = b"ORDEREDSUBJECT"
    REFERENCES = b"REFERENCES"


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
