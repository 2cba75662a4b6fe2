"""What is told of rights and quotas.

Implements  RFC 4314 3.6 to 3.8 (ACL, LISTRIGHTS, MYRIGHTS), RFC 9208 4.2 (QUOTA, QUOTAROOT).
Gives       acl, list_rights, my_rights, quota, quota_root.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from postel.proto.imap.responses.strings import astring, listed, mailbox
from postel.proto.imap.rights import RIGHTS, obsolete_rights


def acl(name: str, rights: Mapping[str, str], *, is_utf8: bool) -> bytes:
    """Who may do what."""
    pairs = (b" %b %b" % (_text(who), _held(what)) for who, what in rights.items())
    return b"* ACL %b%b\r\n" % (mailbox(name, is_utf8=is_utf8), b"".join(pairs))


def list_rights(name: str, who: str, required: str, optional: Sequence[str], *, is_utf8: bool) -> bytes:
    """What someone always has, and what can be granted: each of `optional` together."""
    granted = (*optional, *obsolete_rights("".join(optional)))
    words = [mailbox(name, is_utf8=is_utf8), _text(who), _held(required), *map(_rights, granted)]
    return b"* LISTRIGHTS %b\r\n" % b" ".join(words)


def my_rights(name: str, rights: str, *, is_utf8: bool) -> bytes:
    """What the user may do."""
    return b"* MYRIGHTS %b %b\r\n" % (mailbox(name, is_utf8=is_utf8), _held(rights))


def quota(root: str, usage: Iterable[tuple[str, int, int]]) -> bytes:
    """Resource, use and limit; STORAGE in units of 1024 octets (RFC 9208 5.1)."""
    words = (b"%b %d %d" % (resource.encode("ascii"), used, limit) for resource, used, limit in usage)
    return b"* QUOTA %b %b\r\n" % (_root(root), listed(words))


def quota_root(name: str, roots: Iterable[str], *, is_utf8: bool) -> bytes:
    """The roots that hold for a mailbox."""
    return b"* QUOTAROOT %b%b\r\n" % (
        mailbox(name, is_utf8=is_utf8),
        b"".join(b" " + _root(root) for root in roots),
    )


def _root(root: str) -> bytes:
    return astring(root.encode("utf-8")) if root else b'""'


def _text(text: str) -> bytes:
    return astring(text.encode("utf-8"))


def _held(rights: str) -> bytes:
    """In the order of RFC 4314 2.1, and behind them what older clients know instead (2.1.1)."""
    return _rights("".join(right for right in RIGHTS if right in rights) + obsolete_rights(rights))


def _rights(rights: str) -> bytes:
    return astring(rights.encode("ascii")) if rights else b'""'
