"""Invariant: any text with encoded words is decoded without a failure; folding once more changes nothing; a body of any
octets in any encoding and character set has the same text for any split.

Run by itself: python fuzz/encoded_words.py [SEED [ROUNDS]]. Under atheris: python fuzz/encoded_words.py --atheris.
"""

from __future__ import annotations

from typing import Final

from harness import broken_pieces, run

from postel.message import TextStream, decode_field, decode_words, fold

_SEEDS: Final = (
    b"=?utf-8?q?=C3=BC?=", b"=?utf-8?b?w7w=?=", b"=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", b"=?utf-8*de?q?a?=",
    b"=?", b"?=", b"?q?", b"?b?", b"=?utf-7?q?+AGE-?=", b"=?idna?q?a?=", b"=?hex?q?a?=",
    b"=?utf-16?b?AGE=?=", b" ", b"\r\n ", b"\t", b"\xc3\xbc", b"\xff", b"=", b"_", b"\0", b"A\xcc\x8a",
    b"\xef\xbc\xa1", b"\xef\xbd\xb6\xef\xbe\x9e", b"\xc3\x9f", b"<b>", b"&uuml;", b"<!--", b"-->",
)  # fmt: skip
_CHARSETS: Final = (
    "utf-8",
    "iso-2022-jp",
    "utf-16",
    "big5",
    "utf-7",
    "koi8-r",
    "hz",
    "unicode_escape",
    "rot13",
    "",
)
_ENCODINGS: Final = ("8bit", "base64", "quoted-printable", "x-uuencode", "x-unknown")


def one_input(data: bytes) -> None:
    """As a field, and as a body."""
    text = fold(decode_field(data))
    assert fold(text) == text
    decode_words(data.decode("latin-1"))
    charset = _CHARSETS[len(data) % len(_CHARSETS)]
    encoding = _ENCODINGS[len(data) // 10 % len(_ENCODINGS)]
    for is_html in (False, True):
        whole = read(data, len(data) or 1, encoding, charset, is_html)
        assert read(data, 3, encoding, charset, is_html) == whole
        assert len(whole) <= 20 * len(data) + 10


def read(data: bytes, size: int, encoding: str, charset: str, is_html: bool) -> str:
    stream = TextStream(encoding, charset, is_html=is_html)
    pieces = [stream.feed(data[start : start + size]) for start in range(0, len(data), size)]
    return "".join([*pieces, stream.finish()])


some_input: Final = broken_pieces(_SEEDS)

if __name__ == "__main__":
    run(one_input, some_input, rounds=50_000)
