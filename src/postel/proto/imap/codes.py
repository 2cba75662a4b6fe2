"""Status responses and their response codes, as values.

Implements  RFC 9051 7.1, RFC 5530 (why a command failed), RFC 4315 3 and 4 (APPENDUID, COPYUID), RFC 7162 (modseq),
            RFC 5182 2.1, RFC 4467, RFC 4469 3, RFC 3516, RFC 5464 4.2, RFC 5465 5.8, RFC 5466 3.1, RFC 6154 2,
            RFC 7889, RFC 8474 4.1, RFC 9208 4.2, RFC 9585, RFC 9586, RFC 9738.
Gives       Condition, Code, Result; OK, NO, BAD, BYE; the codes.

    OK.saying("Done", codes.append_uid(7, UidSet.of([4])))     NO.saying("No such mailbox", codes.NONEXISTENT)
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from postel.proto.imap.sequences import UidSet


class Condition(enum.Enum):
    """RFC 9051 7.1: what a status response says of its command, or of the session."""

    OK = b"OK"
    NO = b"NO"
    BAD = b"BAD"
    PREAUTH = b"PREAUTH"
    BYE = b"BYE"


@dataclass(frozen=True, slots=True)
class Code:
    """A response code: its atom, and what follows it, as octets that are fit to be sent."""

    name: bytes
    data: bytes = b""

    def format(self) -> bytes:
        """The octets between the brackets."""
        return self.name + b" " + self.data if self.data else self.name


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended, or one status response. An empty text is filled in by the machine."""

    condition: Condition
    text: str = ""
    code: Code | None = None

    def saying(self, text: str, code: Code | None = None) -> Result:
        """The same condition with a text and a code."""
        return Result(self.condition, text, code)

    def format(self, tag: bytes = b"*") -> bytes:
        """The line. A text must not be empty (RFC 9051 9, resp-text)."""
        code = b"" if self.code is None else b"[%b] " % self.code.format()
        text = self.text.encode("utf-8", "replace").replace(b"\r", b" ").replace(b"\n", b" ")
        return b"%b %b %b%b\r\n" % (tag, self.condition.value, code, text or b"Done")


OK: Final = Result(Condition.OK)
NO: Final = Result(Condition.NO)
BAD: Final = Result(Condition.BAD)
BYE: Final = Result(Condition.BYE)

HIGHEST_MODSEQ: Final = b"HIGHESTMODSEQ"  # RFC 7162 3.1.2.1

# RFC 9051 7.1
ALERT: Final = Code(b"ALERT")
PARSE: Final = Code(b"PARSE")
READ_ONLY: Final = Code(b"READ-ONLY")
READ_WRITE: Final = Code(b"READ-WRITE")
TRYCREATE: Final = Code(b"TRYCREATE")
UIDNOTSTICKY: Final = Code(b"UIDNOTSTICKY")
CLOSED: Final = Code(b"CLOSED")
HASCHILDREN: Final = Code(b"HASCHILDREN")
NOTSAVED: Final = Code(b"NOTSAVED")  # RFC 5182 2.1
# RFC 5530 3
UNAVAILABLE: Final = Code(b"UNAVAILABLE")
AUTHENTICATIONFAILED: Final = Code(b"AUTHENTICATIONFAILED")
AUTHORIZATIONFAILED: Final = Code(b"AUTHORIZATIONFAILED")
EXPIRED: Final = Code(b"EXPIRED")
PRIVACYREQUIRED: Final = Code(b"PRIVACYREQUIRED")
CONTACTADMIN: Final = Code(b"CONTACTADMIN")
NOPERM: Final = Code(b"NOPERM")
INUSE: Final = Code(b"INUSE")
EXPUNGEISSUED: Final = Code(b"EXPUNGEISSUED")
CORRUPTION: Final = Code(b"CORRUPTION")
SERVERBUG: Final = Code(b"SERVERBUG")
CLIENTBUG: Final = Code(b"CLIENTBUG")
CANNOT: Final = Code(b"CANNOT")
LIMIT: Final = Code(b"LIMIT")
OVERQUOTA: Final = Code(b"OVERQUOTA")
ALREADYEXISTS: Final = Code(b"ALREADYEXISTS")
NONEXISTENT: Final = Code(b"NONEXISTENT")
# Extensions
UNKNOWN_CTE: Final = Code(b"UNKNOWN-CTE")  # RFC 3516 4.3
TOOBIG: Final = Code(b"TOOBIG")  # RFC 4469 4.2, RFC 7889 4
COMPRESSIONACTIVE: Final = Code(b"COMPRESSIONACTIVE")  # RFC 4978 3
NOMODSEQ: Final = Code(b"NOMODSEQ")  # RFC 7162 3.1.2.2
USEATTR: Final = Code(b"USEATTR")  # RFC 6154 6
NOTIFICATIONOVERFLOW: Final = Code(b"NOTIFICATIONOVERFLOW")  # RFC 5465 5.8
BADCOMPARATOR: Final = Code(b"BADCOMPARATOR")  # RFC 5255 4.9
METADATA_TOOMANY: Final = Code(b"METADATA", b"TOOMANY")  # RFC 5464 4.3
METADATA_NOPRIVATE: Final = Code(b"METADATA", b"NOPRIVATE")
UIDREQUIRED: Final = Code(b"UIDREQUIRED")  # RFC 9586 3


def capability(words: Iterable[str]) -> Code:
    """What the server can do now (RFC 9051 7.1)."""
    return Code(b"CAPABILITY", " ".join(words).encode("ascii"))


def permanent_flags(flags: Iterable[bytes]) -> Code:
    r"""The flags that can be changed for good; `\*` among them: new keywords can be made."""
    return Code(b"PERMANENTFLAGS", b"(%b)" % b" ".join(flags))


def bad_charset(known: Iterable[str]) -> Code:
    """RFC 9051 7.1: what can be searched in instead."""
    return Code(b"BADCHARSET", b"(%b)" % " ".join(known).encode("ascii"))


def uid_next(uid: int) -> Code:
    """The UID that the next message will have at least."""
    return Code(b"UIDNEXT", b"%d" % uid)


def uid_validity(value: int) -> Code:
    """With it a UID is unique for ever."""
    return Code(b"UIDVALIDITY", b"%d" % value)


def unseen(seq: int) -> Code:
    """RFC 3501 7.1: the first unseen message."""
    return Code(b"UNSEEN", b"%d" % seq)


def append_uid(validity: int, uids: UidSet) -> Code:
    """RFC 4315 3: what APPEND gave; RFC 9738 and MULTIAPPEND: a set."""
    return Code(b"APPENDUID", b"%d %b" % (validity, uids.format()))


def copy_uid(validity: int, source: UidSet, made: UidSet) -> Code:
    """RFC 4315 3: which UID became which; both sets in ascending order."""
    return Code(b"COPYUID", b"%d %b %b" % (validity, source.format(), made.format()))


def highest_modseq(modseq: int) -> Code:
    """RFC 7162 3.1.2.1."""
    return Code(HIGHEST_MODSEQ, b"%d" % modseq)


def modified(numbers: UidSet) -> Code:
    """RFC 7162 3.1.3: messages that STORE (UNCHANGEDSINCE) left alone; numbers or UIDs as the command."""
    return Code(b"MODIFIED", numbers.format())


def mailbox_id(object_id: str) -> Code:
    """RFC 8474 4.1."""
    return Code(b"MAILBOXID", b"(%b)" % object_id.encode("ascii"))


def append_limit(size_bytes: int) -> Code:
    """RFC 7889: as a status item it is a number; as a hint beside TOOBIG too."""
    return Code(b"APPENDLIMIT", b"%d" % size_bytes)


def bad_url(url: str) -> Code:
    """RFC 4469 4.1: the URL that could not be resolved."""
    return Code(b"BADURL", b'"%b"' % quoted_text(url))


def bad_event(known: Iterable[str]) -> Code:
    """RFC 5465 5.1: the events that are known."""
    return Code(b"BADEVENT", b"(%b)" % " ".join(known).encode("ascii"))


def no_update(tag: bytes) -> Code:
    """RFC 5267 4.3: this search will not be kept up to date."""
    return Code(b"NOUPDATE", b'"%b"' % tag)


def undefined_filter(name: str) -> Code:
    """RFC 5466 3.1."""
    return Code(b"UNDEFINED-FILTER", name.encode("ascii", "replace"))


def metadata_long_entries(size_bytes: int) -> Code:
    """RFC 5464 4.2.1: the largest value that MAXSIZE kept back."""
    return Code(b"METADATA", b"LONGENTRIES %d" % size_bytes)


def metadata_max_size(size_bytes: int) -> Code:
    """RFC 5464 4.3: no value may be larger."""
    return Code(b"METADATA", b"MAXSIZE %d" % size_bytes)


def in_progress(tag: bytes | None = None, done: int | None = None, goal: int | None = None) -> Code:
    """RFC 9585 4: how far a long command has come."""
    if tag is not None and b"]" in tag:
        tag = None  # it would end the code
    if tag is None and done is None:
        return Code(b"INPROGRESS")
    parts = (
        b"NIL" if tag is None else b'"%b"' % tag,
        *(b"NIL" if n is None else b"%d" % n for n in (done, goal)),
    )
    return Code(b"INPROGRESS", b"(%b)" % b" ".join(parts))


def message_limit(limit: int, lowest_uid: int | None = None) -> Code:
    """RFC 9738 3.1: so many were done, from the highest down to this UID."""
    return Code(b"MESSAGELIMIT", b"%d" % limit if lowest_uid is None else b"%d %d" % (limit, lowest_uid))


def referral(url: str) -> Code:
    """RFC 2221 3: the account lives there."""
    return Code(b"REFERRAL", quoted_text(url))


def url_mech(mechanism: str) -> Code:
    """RFC 4467 8: the mechanism of an authorized URL."""
    return Code(b"URLMECH", mechanism.encode("ascii"))


def quoted_text(text: str) -> bytes:
    """What may stand between quotes in a response code; nothing else passes."""
    octets = text.encode("ascii", "replace").replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return octets.replace(b"\r", b"").replace(b"\n", b"").replace(b"]", b"%5D")
