"""Invariant: any octets whatever have an index, the same for any split, whose ENVELOPE and BODYSTRUCTURE are IMAP,
whose sections lie within the content, and whose texts can be read; what is damaged is stale or read.

Run by itself: python fuzz/structure.py [SEED [ROUNDS]]. Under atheris: python fuzz/structure.py --atheris.
"""

from __future__ import annotations

import contextlib
import re
from typing import Final

from harness import broken_pieces, run

from postel.message import (
    ContentIndexer,
    IndexedContent,
    MimeLimits,
    SectionText,
    StaleIndex,
    find_binary,
    find_span,
    text_parts,
)

_LIMITS: Final = MimeLimits(depth=8, parts=30, header_bytes=2000, kept_bytes=4000)
_PREFIX: Final = b"Return-Path: <>\r\n"
_SEEDS: Final = (
    b"From: a@b.org\r\n", b"To: Group: a@b, \"c d\" <e@f>;", b"Cc: (", b"Bcc: <@a,@b:c@d>", b"Sender: \"",
    b"Date: Tue, ", b"24 Nov 2026 03:04:39 +0100\r\n", b"Subject: Re: [a] =?utf-8?q?=C3=BC?= (fwd)\r\n",
    b"References: <a@b> <\"c\"@d>\r\n", b"Content-Type: multipart/mixed; boundary=a\r\n",
    b"Content-Type: multipart/digest; boundary=b\r\n", b"--a", b"--b", b"Content-Type: message/rfc822\r\n",
    b"Content-Type: message/global\r\n", b"Content-Type: text/html; charset=utf-16\r\n",
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n",
    b"Content-Type: x/y; a*0*=utf-8''%; a*1=b; c=\"\\\"\"\r\n",
    b"Content-Disposition: attachment; filename=a\r\n", b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n", b"Content-Language: a, b\r\n",
    b"Content-ID: \0\r\n", b"Content-MD5: \xff\r\n", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b"\xc3\xbc",
    b" ", b":", b"<", b">", b"<style>", b"<!--", b"&amp;", b"=", b"=C3", b"QUJD", b"--", b"{3}\r\n",
    b"x" * 1100,
)  # fmt: skip
_STRING: Final = re.compile(rb'"(?:[^"\\\r\n\0\x80-\xff]|\\["\\])*"|\{(\d+)\}\r\n|NIL|\d+|[ ()]', re.DOTALL)


def one_input(data: bytes) -> None:
    """Index, read, damage."""
    blob = indexed(data, max(len(data), 1))
    assert blob == indexed(data, 7)
    index = IndexedContent.read(blob)
    check(index, data)
    if data:
        at = data[0] * 7 % len(blob)
        with contextlib.suppress(StaleIndex):
            check_all(IndexedContent.read(blob[:at] + data[-1:] + blob[at + 1 :]))


def indexed(data: bytes, size: int) -> bytes:
    indexer = ContentIndexer(_LIMITS)
    for start in range(0, len(data), size):
        indexer.feed(data[start : start + size])
    return indexer.finish()


def check(index: IndexedContent, data: bytes) -> None:
    for rendered in (index.envelope(), index.body(), index.body_structure(), index.body_structure(rev2=True)):
        check_notation(rendered)
    index.body_structure(utf8=True)
    index.envelope(utf8=True)
    message = _PREFIX + data
    for numbers in ((), (1,), (2,), (1, 1), (1, 2, 1)):
        for what in SectionText:
            span = find_span(index, _PREFIX, numbers, what)
            assert span is None or 0 <= span.start <= span.end <= len(message)
        if (binary := find_binary(index, _PREFIX, numbers)) and (decoder := binary.decoder()):
            decoder.feed(message[binary.span.start : binary.span.end])
            decoder.finish()
    for part in text_parts(index, _PREFIX):
        if part.span:
            reader = part.reader()
            reader.feed(message[part.span.start : part.span.end])
            reader.finish()
    check_all(index)


def check_all(index: IndexedContent) -> None:
    assert len(index.preview) <= 256
    assert index.keys is not None
    assert index.children is not None


def check_notation(rendered: bytes) -> None:
    """RFC 9051 9: strings, numbers, NIL, and lists that end."""
    at = depth = 0
    while at < len(rendered):
        match = _STRING.match(rendered, at)
        assert match, rendered[at:]
        depth += {b"(": 1, b")": -1}.get(match.group(), 0)
        at = match.end() + int(match[1] or 0)
        assert depth > 0 or at == len(rendered)
    assert depth == 0
    assert b"\0" not in rendered


some_input: Final = broken_pieces(_SEEDS)

if __name__ == "__main__":
    run(one_input, some_input, rounds=50_000)
