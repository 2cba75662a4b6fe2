"""Invariant: every decoder takes any octets, gives the same however they are cut, and gives back what the encoder
made of
them; encoded lines are short and ASCII.

Run by itself: python fuzz/transfer_encodings.py [SEED [ROUNDS]]. Under atheris: the same with --atheris.
"""

from __future__ import annotations

import random
from typing import Final

from harness import broken_pieces, run

from postel.message import Base64Encoder, QuotedPrintableEncoder
from postel.message.decoders import decode_content, decoder_for

_ENCODINGS: Final = (
    "7bit",
    "8bit",
    "binary",
    "base64",
    "quoted-printable",
    "x-uuencode",
    "uuencode",
    "x-uue",
    "unknown",
)
_some = broken_pieces(
    [b"QUJD", b"QQ==", b"=", b"==", b"\r\n", b"\n", b"\r", b"=\r\n", b"=3D", b"=3", b"=zz", b" \r\n", b"\t",
    b"begin 644 x\r\n",
     b"end\r\n", b"#0V%T\r\n", b"`\r\n", b"\xff\x00", b"x" * 80, b".", b"--b\r\n"]
)  # fmt: skip


def some_input(chance: random.Random) -> bytes:
    """Pieces of encoded text."""
    return bytes([chance.randrange(256)]) + _some(chance)


def one_input(data: bytes) -> None:
    """The first octet says how it is cut."""
    step, octets = (data[0] % 9 + 1 if data else 1), data[1:]
    for encoding in _ENCODINGS:
        decoder = decoder_for(encoding)
        if decoder is None:
            continue
        whole = decode_content(octets, encoding)
        parts = (
            b"".join(decoder.feed(octets[n : n + step]) for n in range(0, len(octets), step))
            + decoder.finish()
        )
        assert parts == whole, encoding
        assert len(whole) <= 64 * len(octets)  # uuencode: an octet says how long its line is
    for name, encoder in (("base64", Base64Encoder()), ("quoted-printable", QuotedPrintableEncoder())):
        pieces = [encoder.feed(octets[n : n + step]) for n in range(0, len(octets), step)]
        encoded = b"".join([*pieces, encoder.finish()])
        assert encoded.isascii() and all(len(line) <= 76 for line in encoded.split(b"\r\n"))
        if name == "base64":
            assert decode_content(encoded, name) == octets


if __name__ == "__main__":
    run(one_input, some_input, rounds=100_000)
