"""Invariant: any text whatever is a path or BadSyntax; what is parsed, formats to something that parses to the same;
the two ways to read an address, in a command and in a header field, agree wherever both understand it.

Run by itself: python fuzz/addresses.py [SEED [ROUNDS]]. Under atheris: python fuzz/addresses.py --atheris.
"""

from __future__ import annotations

import random
from typing import Final

from harness import run

from postel.mail import (
    BadSyntax,
    parse_domain,
    parse_forward_path,
    parse_mailbox,
    parse_reverse_path,
    parse_unitext,
    parse_xtext,
)
from postel.message.addresses import parse_addresses

_PIECES: Final = (
    "<", ">", "@", "a", "bob", ".", "example.org", "..", "\"", "\"a b\"", "\\", "[192.0.2.1]", "[IPv6:2001:db8::1]",
    "[", "]", ",", ";", ":", "(", ")", "(comment)", " ", "\t", "\r\n ", "postmaster", "<@a.example:",
    "ü", "例え", "xn--", "=", "+",
    "undisclosed:;",
    "x" * 70, "%", "!", "\x00", "\u202e", "-", "_", "1.2.3.4", "group: a@b.example, c@d.example;",
)  # fmt: skip


def one_input(data: bytes) -> None:
    """Everything that reads an address, on the same text."""
    text = data.decode("utf-8", "replace")
    for parse in (parse_reverse_path, parse_forward_path):
        try:
            path = parse(text)
        except BadSyntax:
            continue
        assert parse(f"<{path}>") == path, (text, path)
    for parse_text in (parse_domain, parse_xtext, parse_unitext):
        try:
            parse_text(text)
        except BadSyntax:
            continue
    _differential(text)


def _differential(text: str) -> None:
    found = parse_addresses(text)
    for mailbox in found.mailboxes:
        assert parse_mailbox(str(mailbox)) == mailbox, (text, mailbox)
    if text.endswith("."):
        return  # commands may name a host as DNS does; header fields may not
    try:
        mailbox = parse_mailbox(text)
    except BadSyntax:
        return
    assert list(found.mailboxes) == [mailbox] and found.is_whole, (text, mailbox, found)


def some_input(chance: random.Random) -> bytes:
    """Pieces of addresses in any order, or an address with a small wound."""
    if chance.random() < 0.5:
        return "".join(chance.choices(_PIECES, k=chance.randrange(1, 12))).encode()
    text = list(chance.choice(("<a.b@example.org>", '"a b"@example.org', "x@[192.0.2.1]", "ü@例え.example")))
    for _ in range(chance.randrange(3)):
        text[chance.randrange(len(text))] = chance.choice(_PIECES)
    return "".join(text).encode()


if __name__ == "__main__":
    run(one_input, some_input, rounds=100_000)
