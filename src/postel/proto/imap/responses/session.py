"""What is told of the session: CAPABILITY, ENABLED, ID, LANGUAGE, COMPARATOR, untagged status responses.

Implements  RFC 9051 7.1, 7.2.1, 7.2.2, RFC 2971 3.2, RFC 5255 3.3 and 4.8.
Gives       untagged, capability, enabled, server_id, language, comparator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from postel.proto.imap.codes import OK, Code, Result
from postel.proto.imap.responses.strings import listed, quoted, string


def untagged(text: str, code: Code | None = None, condition: Result = OK) -> bytes:
    """* OK [CODE] text"""
    return condition.saying(text, code).format()


def capability(words: Iterable[str]) -> bytes:
    """What can be done now."""
    return b"* CAPABILITY %b\r\n" % " ".join(words).encode("ascii")


def enabled(words: Iterable[str]) -> bytes:
    """What ENABLE switched on."""
    return b"* ENABLED%b\r\n" % "".join(f" {word}" for word in words).encode("ascii")


def server_id(fields: Mapping[str, str]) -> bytes:
    """Who we are; nothing: NIL."""
    pairs = (b"%b %b" % (quoted(name.encode()), string(value.encode())) for name, value in fields.items())
    return b"* ID %b\r\n" % (listed(pairs) if fields else b"NIL")


def language(tags: Iterable[str]) -> bytes:
    """The language in use, or those there are."""
    return b"* LANGUAGE %b\r\n" % listed(quoted(tag.encode("ascii")) for tag in tags)


def comparator(active: str, matching: Iterable[str] = ()) -> bytes:
    """The comparator in use, and those that were matched."""
    names = [quoted(name.encode("ascii")) for name in matching]
    return b"* COMPARATOR %b%b\r\n" % (quoted(active.encode("ascii")), b" " + listed(names) if names else b"")
