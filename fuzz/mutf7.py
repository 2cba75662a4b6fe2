"""Invariant: octets are one mailbox name or BadSyntax; a name that is read is written as the same octets, and any text
that is written is read as the same text.

Run by itself: python fuzz/mutf7.py [SEED [ROUNDS]]. Under atheris: python fuzz/mutf7.py --atheris.
"""

from __future__ import annotations

import contextlib
import random

from harness import run

from postel.mail import BadSyntax
from postel.proto.imap import decode_utf7, encode_utf7, format_name, parse_name

_ALPHABET = b"&&&&----AZaz09+,/=Jjo~ \x00\x7f\xc3\xbc"


def one_input(data: bytes) -> None:
    """As modified UTF-7, as UTF-8, and as text to be written."""
    with contextlib.suppress(BadSyntax):
        assert encode_utf7(decode_utf7(data)) == data
    text = data.decode("utf-16-le", "ignore")
    assert decode_utf7(encode_utf7(text)) == text
    for is_utf8 in (True, False):
        try:
            name = parse_name(data, is_utf8=is_utf8)
        except BadSyntax:
            continue
        assert parse_name(format_name(name, is_utf8=is_utf8), is_utf8=is_utf8) == name


def some_input(chance: random.Random) -> bytes:
    """Octets that modified UTF-7 is made of, or any."""
    size = chance.randrange(24)
    return chance.randbytes(size) if chance.random() < 0.3 else bytes(chance.choices(_ALPHABET, k=size))


if __name__ == "__main__":
    run(one_input, some_input, rounds=300_000)
