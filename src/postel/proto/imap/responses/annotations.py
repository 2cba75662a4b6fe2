"""What is told of annotations and of authorized URLs.

Implements  RFC 5464 4.4 (METADATA), RFC 4467 7 (GENURLAUTH, URLFETCH).
Gives       metadata, metadata_changed, generated_urls, fetched_url.
"""

from __future__ import annotations

from collections.abc import Iterable

from postel.proto.imap.responses.strings import astring, binary_head, listed, literal, mailbox, quoted, string


def metadata(name: str | None, values: Iterable[tuple[str, bytes | None]], *, is_utf8: bool) -> bytes:
    """Entries and their values; None: there is none. Of the server where the name is None."""
    pairs = (b"%b %b" % (_entry(entry), _value(value)) for entry, value in values)
    return b"* METADATA %b %b\r\n" % (_place(name, is_utf8=is_utf8), listed(pairs))


def metadata_changed(name: str | None, entries: Iterable[str], *, is_utf8: bool) -> bytes:
    """RFC 5464 4.4.2: these were changed, by whom ever."""
    return b"* METADATA %b %b\r\n" % (_place(name, is_utf8=is_utf8), b" ".join(map(_entry, entries)))


def _place(name: str | None, *, is_utf8: bool) -> bytes:
    return b'""' if name is None else mailbox(name, is_utf8=is_utf8)


def _entry(entry: str) -> bytes:
    return astring(entry.encode("ascii"))


def _value(value: bytes | None) -> bytes:
    if value is None:
        return b"NIL"
    return binary_head(len(value)) + value if b"\0" in value else string(value)


def generated_urls(urls: Iterable[str]) -> bytes:
    """GENURLAUTH: the URLs with their authorization, in the order asked for."""
    return b"* GENURLAUTH %b\r\n" % b" ".join(quoted(url.encode("ascii")) for url in urls)


def fetched_url(url: str, content: bytes | None) -> bytes:
    """URLFETCH: what one URL names; None: it is not to be had."""
    return b"* URLFETCH %b %b\r\n" % (
        string(url.encode("ascii")),  # as it was sent, which may have been a literal
        b"NIL" if content is None else literal(content),
    )
