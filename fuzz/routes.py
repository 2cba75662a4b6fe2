"""Invariant: any text is a route or BadSyntax that says what to write; a route formats to what it was parsed from; a
table of such routes and aliases, loops and all, decides about any recipient in bounded steps.

Run by itself: python fuzz/routes.py [SEED [ROUNDS]]. Under atheris: python fuzz/routes.py --atheris.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import suppress
from typing import Any, Final

from harness import run

from postel.mail import BadSyntax, parse_domain, parse_host, parse_mailbox
from postel.routing import (
    Decision,
    FixedRoute,
    OurDomain,
    RoutingTable,
    ToHop,
    decide,
    parse_alias,
    parse_pattern,
    parse_route,
)

_PIECES: Final = (
    "smtp:", "smtps:", "lmtp:", "unix:", "/run/x", "[192.0.2.1]", "[::1]", "[IPv6:::1]", ":25", ":", "mx.example",
    "discard", "pull",
    "mailbox", "error:", "550 ", "5.7.1 ", "no", "250", ".", "*", "*.", "@", "ü", " ", "99999", "-1", "x" * 70, "\0",
)  # fmt: skip
_NAMES: Final = ("a", "b", "c", "d", "bob", "postmaster", "*")
_MAILBOXES: Final = (
    "a@x.example",
    "b@x.example",
    "c@y.example",
    "d@y.example",
    "bob@z.example",
    "postmaster@x.example",
)


def one_input(data: bytes) -> None:
    """The text as a route and as a pattern; then a table made by it as the seed."""
    text = data.decode("utf-8", "replace")
    try:
        route = parse_route(text)
    except BadSyntax as bad:
        assert str(bad)
    else:
        if isinstance(route, ToHop):
            assert parse_route(str(route)) == route, (text, str(route))
    with suppress(BadSyntax):
        parse_pattern(text)
    _decides(random.Random(data))


def _decides(chance: random.Random) -> None:
    table = RoutingTable(
        hostname=parse_domain("mx.example"),
        domains=tuple(_domain(chance, name) for name in ("x.example", "y.example")),
        routes=tuple(
            _route(chance, name) for name in chance.sample(("z.example", ".example", "x.example"), 2)
        ),
    )
    asks: Generator[Any, Any, Decision] = decide(table, parse_mailbox(chance.choice(_MAILBOXES)))
    answer: Any = None
    for _ in range(500):
        try:
            asks.send(answer)
        except StopIteration as done:
            assert isinstance(done.value, Decision)
            return
        answer = chance.choice((None, False))
    raise AssertionError("routing asks without end")


def _domain(chance: random.Random, name: str) -> OurDomain:
    domain = parse_host(name)
    rows = []
    for alias in chance.sample(_NAMES, chance.randrange(len(_NAMES))):
        members = chance.sample(_MAILBOXES, chance.randrange(1, 4))
        try:
            rows.append(parse_alias(alias, members, domain, alias))
        except BadSyntax:
            continue
    return OurDomain(domain, dict(rows), name)


def _route(chance: random.Random, name: str) -> FixedRoute:
    return FixedRoute(
        parse_pattern(name), parse_route(chance.choice(("discard", "smtp:mx.z.example", "pull"))), name
    )


def some_input(chance: random.Random) -> bytes:
    """Pieces of routes."""
    return "".join(chance.choices(_PIECES, k=chance.randrange(1, 7))).encode()


if __name__ == "__main__":
    run(one_input, some_input, rounds=50_000)
