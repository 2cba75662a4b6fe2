"""Addresses as ENVELOPE shows them: every one of a field, the broken ones too.

Implements  RFC 9051 7.5.2 (address structure, groups), RFC 5322 3.4 (addresses, groups), 4.4 (routes).
Gives       Address, GROUP_END, read_addresses, render_addresses.
Not here    Whom mail goes to: message.addresses, which leaves out what it does not understand. Here all is shown.

Nothing is decoded: names keep their encoded words, since the client decodes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from postel.message.structure.head_fields import unfolded
from postel.message.structure.strings import NIL, nstring
from postel.message.tokens import Kind, Token, tokens_of

ADDRESSES_LIMIT: Final = 10_000  # of one field; more are not shown
# What stands for what is missing: NIL would say that a group begins (RFC 9051 7.5.2).
NO_MAILBOX: Final = b"MISSING_MAILBOX"
NO_HOST: Final = b"MISSING_DOMAIN"

_ATOM: Final = rb"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]"
# What nearly all addresses look like: a bare one, or a name of plain words or in quotes and one in angle brackets.
_USUAL: Final = re.compile(
    rb'[ \t\r\n]*+(?:(?:"([^"\\\r\n\x80-\xff]*+)"|(' + _ATOM + rb"*+(?:[ ]" + _ATOM + rb"++)*+))[ ]?+"
    rb"<(" + _ATOM + rb"++)@([a-zA-Z0-9.-]++)>|(" + _ATOM + rb"++)@([a-zA-Z0-9.-]++))[ \t\r\n]*+(?:,|\Z)"
)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)


class Address(NamedTuple):
    """One address structure. Of a group's beginning only `mailbox` is there, of its end nothing."""

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None

    @property
    def is_group_mark(self) -> bool:
        """Whether it is no address, but where a group begins or ends."""
        return self.host is None


GROUP_END: Final = Address(None, None, None, None)


def read_addresses(value: bytes) -> list[Address]:
    """All addresses of a field's value, which may be folded. Costs O(n). Raises nothing."""
    found: list[Address] = []
    at = 0
    while match := _USUAL.match(value, at):
        quoted, words, mailbox, host, bare, bare_host = match.groups()
        if bare:
            found.append(Address(None, None, bare, bare_host))
        else:
            found.append(Address(quoted or words or None, None, mailbox, host))
        at = match.end()
        if at == len(value) or len(found) >= ADDRESSES_LIMIT:
            return found
    if value[at:].strip(b" \t\r\n"):
        found += _Reader(unfolded(value[at:]).decode("latin-1")).read(ADDRESSES_LIMIT - len(found))
    return found


def render_addresses(addresses: list[Address]) -> bytes:
    """The parenthesised list; NIL when there are none (RFC 9051 7.5.2)."""
    if not addresses:
        return NIL
    return b"(" + b"".join([_render(address) for address in addresses]) + b")"


def _render(address: Address) -> bytes:
    name, route, mailbox, host = address
    return b"(%b %b %b %b)" % (nstring(name), nstring(route), nstring(mailbox), nstring(host))


def _octets(text: str) -> bytes:
    return text.encode("latin-1")


class _Reader:
    """Reads any list of addresses, token by token."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens_of(text)
        self._item: list[Token] = []
        self._comment = ""
        self._inner = 0  # where what is in angle brackets begins
        self._has_at = False
        self._is_in_group = False

    def read(self, limit: int) -> list[Address]:
        """At most so many."""
        found: list[Address] = []
        for address in self._all():
            if len(found) >= limit:
                break
            found.append(address)
        return found

    def _all(self) -> Iterator[Address]:
        is_in_angle = False
        for kind, text in self._tokens:
            if kind is Kind.COMMENT:
                self._comment = text[1:-1].strip()
            elif kind is Kind.SPECIAL and text in "<>":
                is_in_angle = text == "<"
                self._item.append(Token(kind, text))
                self._inner = len(self._item)
            elif kind is not Kind.SPECIAL or text not in ",;:" or (is_in_angle and self._is_in_route()):
                self._has_at = self._has_at or text == "@"
                self._item.append(Token(kind, text))
            elif text == ":" and (self._has_at or self._is_in_group):
                self._item.append(Token(kind, text))
            elif text == ":":
                yield self._begin_group()
            else:
                is_in_angle = False
                yield from self._end_item()
                if text == ";":
                    yield from self._end_group()
        yield from self._end_item()
        yield from self._end_group()

    def _is_in_route(self) -> bool:
        """RFC 5322 4.4: within the brackets only a route, which begins with an @, has commas and a colon."""
        return any(token.text == "@" for token in self._item[self._inner : self._inner + 1])

    def _begin_group(self) -> Address:
        name = _phrase(self._item)
        self._forget_item()
        self._is_in_group = True
        return Address(None, None, _octets(name), None)

    def _end_group(self) -> Iterator[Address]:
        if self._is_in_group:
            self._is_in_group = False
            yield GROUP_END

    def _end_item(self) -> Iterator[Address]:
        if any(token.kind is not Kind.BLANKS for token in self._item):
            yield _address_of(self._item, self._comment)
        self._forget_item()

    def _forget_item(self) -> None:
        self._item, self._comment, self._has_at = [], "", False


def _address_of(item: list[Token], comment: str) -> Address:
    """RFC 5322 3.4: with angle brackets, or bare with its name in a comment, as was once usual."""
    angle = next((at for at, token in enumerate(item) if token.text == "<"), -1)
    if angle < 0:
        return _bare(item, comment)
    name, inner, route = _phrase(item[:angle]), item[angle + 1 :], ""
    close = next((at for at, token in enumerate(inner) if token.text == ">"), len(inner))
    inner = inner[:close]
    if inner and inner[0].text == "@":
        # RFC 5322 4.4: a source route, up to its colon.
        colon = next((at for at, token in enumerate(inner) if token.text == ":"), -1)
        route = _joined(inner[: max(colon, 0)])
        inner = inner[colon + 1 :]
    mailbox, host = _halves(inner)
    shown = name or comment
    return Address(
        _octets(shown) if shown else None,
        _octets(route) if route else None,
        _octets(mailbox) if mailbox else NO_MAILBOX,
        _octets(host) if host else NO_HOST,
    )


def _bare(item: list[Token], comment: str) -> Address:
    """Without angle brackets. One word without an @ is a local part, several are a name; who forgot the brackets
    has a name before the address.
    """
    at = next((n for n, token in enumerate(item) if token.text == "@"), -1)
    if at < 0:
        words = _phrase(item)
        name, mailbox, host = (words, "", "") if " " in words.strip() else (comment, words, "")
    else:
        start = _last_word(item[:at])
        name, mailbox = _phrase(item[:start]) or comment, _joined(item[start:at])
        host = _domain(item[at + 1 :])
    return Address(
        _octets(name) if name else None,
        None,
        _octets(mailbox) if mailbox else NO_MAILBOX,
        _octets(host) if host else NO_HOST,
    )


def _halves(item: list[Token]) -> tuple[str, str]:
    """What is before the first @ and after it."""
    at = next((n for n, token in enumerate(item) if token.text == "@"), len(item))
    return _joined(item[:at]), _domain(item[at + 1 :])


def _last_word(item: list[Token]) -> int:
    """Where the last word begins; RFC 5322 4.4: blanks around dots are within one."""
    end = len(item)
    while end and item[end - 1].kind is Kind.BLANKS:
        end -= 1
    for at in range(end - 1, 0, -1):
        if item[at].kind is Kind.BLANKS and not _is_dotted(item[at - 1], item[at + 1]):
            return at + 1
    return 0


def _is_dotted(before: Token, after: Token) -> bool:
    return before.text.endswith(".") or after.text.startswith(".")


def _domain(item: list[Token]) -> str:
    """One word: what stands behind it is of no address."""
    found: list[Token] = []
    is_apart = False
    for token in item:
        if token.kind is Kind.BLANKS:
            is_apart = bool(found)
        elif token.kind is Kind.SPECIAL or (is_apart and not _is_dotted(found[-1], token)):
            break
        else:
            found.append(token)
    return _joined(found)


def _joined(item: list[Token]) -> str:
    """RFC 5322 4.4: blanks around dots mean nothing."""
    return "".join(_plain(token) for token in item if token.kind is not Kind.BLANKS)


def _phrase(item: list[Token]) -> str:
    """Words with one space between each."""
    words: list[str] = []
    for token in item:
        if token.kind is not Kind.BLANKS:
            words.append(_plain(token))
        elif words and words[-1] != " ":
            words.append(" ")
    return "".join(words).strip(" ")


def _plain(token: Token) -> str:
    """Without its quotes."""
    if token.kind is Kind.QUOTED:
        return _QUOTED_PAIR.sub(r"\1", token.text[1:-1])
    return token.text
