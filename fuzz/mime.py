"""Invariant: any octets whatever have an index whose parts lie within each other, the same for any split; a conversion
gives what the hop can carry or CannotConvert, at a cost of O(n); what is decoded comes without a failure.

Run by itself: python fuzz/mime.py [SEED [ROUNDS]]. Under atheris: python fuzz/mime.py --atheris.
"""

from __future__ import annotations

from typing import Final

from harness import broken_pieces, run

from postel.message import (
    BodyFacts,
    CannotConvert,
    Carriage,
    MimeIndex,
    MimeLimits,
    MimeReader,
    OctetDomain,
    decode_content,
    keeps_for_conversion,
    plan_conversion,
)

_LIMITS: Final = MimeLimits(depth=8, parts=30, header_bytes=2000, kept_bytes=4000)
_HOPS: Final = (
    Carriage(OctetDomain.SEVEN_BIT),
    Carriage(OctetDomain.EIGHT_BIT),
    Carriage(OctetDomain.EIGHT_BIT, takes_utf8=True, takes_long_lines=True),
    Carriage(OctetDomain.BINARY),
)
_SEEDS: Final = (
    b"Content-Type: multipart/mixed; boundary=a\r\n", b"Content-Type: multipart/digest; boundary=b\r\n", b"\r\n",
    b"--a", b"\xff", b"=", b"=C3", b"x" * 1100, b"Content-Type: image/png\r\n",
    b"Content-Type: multipart/signed; boundary=a\r\n", b"Content-Type: message/rfc822\r\n", b"--b", b"--a--", b"--",
    b"Content-Type: message/global\r\n", b"Content-Type: text/html; charset*0*=utf-8''%C3; charset*1=x\r\n", b" ",
    b"Content-Transfer-Encoding: quoted-printable\r\n", b"Content-Transfer-Encoding: base64\r\n", b"MIME-Version: 1.0",
    b"Content-Transfer-Encoding: x-uuencode\r\n", b"begin 644 x\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b"\xc3\xbc",
    b"Subject: \xc3\xbc\r\n", b"From: \xc3\xbc <a@b.org>\r\n", b"DKIM-Signature: d=a.org; b=x\r\n",
    b"Received: from \xc3\xbc for <\xc3\xbc@a.org>; x\r\n", b"QUJD", b"=\r\n", b"text",
)  # fmt: skip


def index_of(data: bytes, size: int) -> MimeIndex:
    """The index, fed in pieces."""
    reader = MimeReader(_LIMITS, keeps_for_conversion)
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    return reader.finish()


def one_input(data: bytes) -> None:
    """Index, decode and convert one content."""
    index = index_of(data, max(len(data), 1))
    other = index_of(data, 7)
    assert [(p.start, p.body_start, p.end, p.lines) for p in index.walk()] == [
        (p.start, p.body_start, p.end, p.lines) for p in other.walk()
    ]
    for part in index.walk():
        assert 0 <= part.start <= part.body_start <= part.end <= len(data)
        if part.is_leaf:
            decode_content(data[part.body_start : part.end], part.encoding)
    for hop in _HOPS:
        for is_internationalised in (False, True):
            convert(data, index, hop, is_internationalised)


def convert(data: bytes, index: MimeIndex, hop: Carriage, is_internationalised: bool) -> None:
    """What comes out fits, however it went in."""
    try:
        conversion = plan_conversion(index, hop, is_internationalised=is_internationalised, hostname="a.org")
    except CannotConvert:
        return
    outs = []
    for size in (len(data) or 1, 11):
        editor = conversion.editor()
        pieces = [editor.feed(data[start : start + size]) for start in range(0, len(data), size)]
        outs.append(b"".join([*pieces, editor.finish()]))
    assert outs[0] == outs[1]
    assert len(outs[0]) < 8 * len(data) + 2000
    assert conversion.edits or outs[0] == data
    facts = BodyFacts()
    facts.feed(outs[0])
    assert facts.domain_but_for_length <= hop.domain


some_input: Final = broken_pieces(_SEEDS)

if __name__ == "__main__":
    run(one_input, some_input, rounds=100_000)
