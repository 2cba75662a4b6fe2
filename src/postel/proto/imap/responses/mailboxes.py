"""What is told of mailboxes: sizes, changes, listings.

Implements  RFC 9051 7.3 and 7.4, 7.5.1 (EXPUNGE), RFC 3501 7.2.3 and 7.3.2 (LSUB, RECENT), RFC 7162 3.2.10 (VANISHED),
            RFC 5258 3.5 (CHILDINFO), RFC 9051 6.3.6 (OLDNAME), RFC 2342 5.
Gives       exists, recent, expunged, vanished, flags, listing, root, lsub, status, namespace, NamespaceEntry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from postel.proto.imap.names import format_name
from postel.proto.imap.responses.strings import astring, listed, mailbox, quoted
from postel.proto.imap.sequences import UidSet
from postel.proto.imap.values import StatusItem

NamespaceEntry: TypeAlias = tuple[str, str]
"""A prefix and the delimiter behind it."""


def exists(count: int) -> bytes:
    """So many messages are in the mailbox."""
    return b"* %d EXISTS\r\n" % count


def recent(count: int) -> bytes:
    r"""RFC 3501 7.3.2: so many are \Recent. Not in IMAP4rev2."""
    return b"* %d RECENT\r\n" % count


def expunged(seqs: Iterable[int]) -> bytes:
    """Each number counts after the ones before it have gone: highest first is easiest."""
    return b"".join(map(b"* %d EXPUNGE\r\n".__mod__, seqs))


def vanished(uids: UidSet, *, earlier: bool = False) -> bytes:
    """RFC 7162 3.2.10: these are gone; `earlier`: before the command, so that no number changes by it."""
    return b"* VANISHED %b%b\r\n" % (b"(EARLIER) " if earlier else b"", uids.format())


def flags(known: Iterable[bytes]) -> bytes:
    """The flags that can be had in this mailbox."""
    return b"* FLAGS %b\r\n" % listed(known)


def listing(
    attributes: Iterable[bytes],
    delimiter: str,
    name: str,
    *,
    is_utf8: bool,
    child_info: Sequence[bytes] = (),
    old_name: str | None = None,
) -> bytes:
    r"""LIST. attributes: b"\\HasChildren"; delimiter "": NIL; child_info: why it is told (b"SUBSCRIBED")."""
    extended: list[bytes] = []
    if child_info:  # RFC 5258 3.5
        extended.append(b'"CHILDINFO" %b' % listed(quoted(option) for option in child_info))
    if old_name is not None:  # RFC 9051 7.3.1
        extended.append(b'"OLDNAME" (%b)' % mailbox(old_name, is_utf8=is_utf8))
    more = b" " + listed(extended) if extended else b""
    return b"* LIST %b%b\r\n" % (_named(attributes, delimiter, name, is_utf8=is_utf8), more)


def root(delimiter: str) -> bytes:
    """The answer to LIST "" "": the delimiter (RFC 9051 6.3.9)."""
    return b'* LIST (\\Noselect) %b ""\r\n' % _delimiter(delimiter)


def lsub(attributes: Iterable[bytes], delimiter: str, name: str, *, is_utf8: bool) -> bytes:
    """LSUB (RFC 3501 7.2.3)."""
    return b"* LSUB %b\r\n" % _named(attributes, delimiter, name, is_utf8=is_utf8)


def _named(attributes: Iterable[bytes], delimiter: str, name: str, *, is_utf8: bool) -> bytes:
    return b"%b %b %b" % (listed(attributes), _delimiter(delimiter), mailbox(name, is_utf8=is_utf8))


def _delimiter(delimiter: str) -> bytes:
    return quoted(delimiter.encode("ascii")) if delimiter else b"NIL"


def status(name: str, values: Mapping[StatusItem, int | str | None], *, is_utf8: bool) -> bytes:
    """STATUS. A text is an object id; None is NIL (APPENDLIMIT)."""
    words = (b"%b %b" % (item.value, _status_value(value)) for item, value in values.items())
    return b"* STATUS %b %b\r\n" % (mailbox(name, is_utf8=is_utf8), listed(words))


def _status_value(value: int | str | None) -> bytes:
    if value is None:
        return b"NIL"
    return b"%d" % value if isinstance(value, int) else b"(%b)" % astring(value.encode("ascii"))


def namespace(
    personal: Sequence[NamespaceEntry],
    other_users: Sequence[NamespaceEntry],
    shared: Sequence[NamespaceEntry],
    *,
    is_utf8: bool,
) -> bytes:
    """NAMESPACE; what is empty is NIL."""
    kinds = (_namespaces(entries, is_utf8=is_utf8) for entries in (personal, other_users, shared))
    return b"* NAMESPACE %b\r\n" % b" ".join(kinds)


def _namespaces(entries: Sequence[NamespaceEntry], *, is_utf8: bool) -> bytes:
    if not entries:
        return b"NIL"
    made = (_namespace(prefix, delimiter, is_utf8=is_utf8) for prefix, delimiter in entries)
    return b"(%b)" % b"".join(made)


def _namespace(prefix: str, delimiter: str, *, is_utf8: bool) -> bytes:
    octets = b'""' if not prefix else quoted(format_name(prefix, is_utf8=is_utf8))
    return b"(%b %b)" % (octets, _delimiter(delimiter))
