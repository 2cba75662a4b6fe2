"""Addresses in header fields: From, Sender, To, Cc, Bcc and their like.

Implements  RFC 5322 3.4 (addresses, groups), 3.2.2 (comments), 4.4 (obsolete: routes, blanks around dots, empty list
            members), RFC 6532 3.2 (UTF-8), RFC 5322 3.6.3 and 3.6.6 (destinations, blind copies, resent ones).
Gives       AddressList, parse_addresses, addresses_of, recipients_of, without_blind_copies.
Not here    Addresses of the envelope: mail. Display names: nobody asks for them yet.

What cannot be read is not guessed at: it is left out, and the list says that it is not whole. Rules about who may
say what must look at that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from postel.mail import BadSyntax, Domain, Mailbox, parse_local_part, parse_mailbox
from postel.message.header import Field, HeaderBlock

ADDRESS_LIMIT: Final = 10_000  # addresses of one list
COMMENT_DEPTH_LIMIT: Final = 100

_BLIND: Final = frozenset({"bcc", "resent-bcc"})
_BLANKS: Final = " \t\r\n"
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_LITERAL: Final = re.compile(r"\[[^\[\]\\]*+\]")
_WORD: Final = re.compile(r'[^ \t\r\n()<>\[\]:;@\\,."]+')
_COMMENT_PART: Final = re.compile(r"\\.|[()]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AddressList:
    """The addresses of a field in order.

    is_whole    whether everything in the field was understood.
    """

    mailboxes: tuple[Mailbox, ...]
    is_whole: bool = True


def parse_addresses(text: str, default_domain: Domain | None = None) -> AddressList:
    """The addresses in a field's value. A bare local part gets `default_domain`; without one it is not understood.

    Costs O(n). Raises nothing.
    """
    found: list[Mailbox] = []
    is_whole = True
    for item in _items(text):
        mailbox = _parse_item(item, default_domain)
        if mailbox is None or len(found) == ADDRESS_LIMIT:
            is_whole = False
        else:
            found.append(mailbox)
    return AddressList(tuple(found), is_whole)


def addresses_of(header: HeaderBlock, *names: str, default_domain: Domain | None = None) -> AddressList:
    """The addresses of all fields of these names, in the order of the names."""
    return _joined(parse_addresses(value, default_domain) for name in names for value in header.all(name))


def recipients_of(header: HeaderBlock, default_domain: Domain | None = None) -> AddressList:
    """Whom a message is for, going by its header section alone, each once: what `sendmail -t` needs.

    A resent message is for those of its first (latest) Resent fields only (RFC 5322 3.6.6).
    """
    resent = [header.get(name) for name in ("Resent-To", "Resent-Cc", "Resent-Bcc")]
    if any(value is not None for value in resent):
        found = _joined(parse_addresses(value, default_domain) for value in resent if value)
    else:
        found = addresses_of(header, "To", "Cc", "Bcc", default_domain=default_domain)
    return AddressList(tuple(dict.fromkeys(found.mailboxes)), found.is_whole)


def without_blind_copies(header: HeaderBlock) -> HeaderBlock:
    """The header section without Bcc and Resent-Bcc (RFC 5322 3.6.3: what others must not see)."""
    return header.where(_is_not_blind)


def _is_not_blind(field: Field) -> bool:
    return field.name.lower() not in _BLIND


def _joined(lists: Iterable[AddressList]) -> AddressList:
    every = list(lists)
    return AddressList(
        tuple(mailbox for one in every for mailbox in one.mailboxes), all(one.is_whole for one in every)
    )


def _items(text: str) -> Iterator[list[str]]:
    """The tokens of each member of the list, without blanks, comments and the names of groups."""
    item: list[str] = []
    depth = 0
    has_address = False  # noted, not looked for at each colon: that would cost O(n * n)
    for token in _tokens(text):
        if token == ">":
            depth = 0
        elif token == "<":
            depth = 1
        if depth == 0 and token in (",", ";"):
            if item:
                yield item
            item, has_address = [], False
        elif depth == 0 and token == ":" and not has_address:
            item = []  # what was before it is the name of a group
        else:
            item.append(token)
            has_address = has_address or token in ("@", ">")
    if item:
        yield item


def _tokens(text: str) -> Iterator[str]:
    """Quoted strings, literals, words, single specials. What is never closed comes as one odd token at the end."""
    at = 0
    while at < len(text):
        if text[at] in _BLANKS:
            at += 1
            continue
        if text[at] == "(":
            at = _after_comment(text, at)
            if at < 0:
                yield "("
                return
            continue
        end = _end_of_token(text, at)
        if end < 0:
            yield text[at]
            return
        yield text[at:end]
        at = end


def _end_of_token(text: str, at: int) -> int:
    """Where the token at `at` ends; -1 when it is never closed."""
    if text[at] == '"':
        match = _QUOTED.match(text, at)
    elif text[at] == "[":
        match = _LITERAL.match(text, at)
    else:
        match = _WORD.match(text, at)
        return match.end() if match else at + 1
    return match.end() if match else -1


def _after_comment(text: str, at: int) -> int:
    """The place after the comment that begins at `at`; -1 when it is never closed, or nests too deep."""
    depth = 0
    for part in _COMMENT_PART.finditer(text, at):
        if part.group() == "(":
            depth += 1
        elif part.group() == ")":
            depth -= 1
            if depth == 0:
                return part.end()
        if depth > COMMENT_DEPTH_LIMIT:
            return -1
    return -1


def _parse_item(item: list[str], default_domain: Domain | None) -> Mailbox | None:
    tokens = _address_tokens(item)
    if tokens is None or not _alternates(tokens):
        return None
    text = "".join(tokens)
    try:
        if "@" in tokens:
            return parse_mailbox(text)
        return Mailbox(parse_local_part(text), default_domain) if default_domain else None
    except BadSyntax:
        return None


def _address_tokens(item: list[str]) -> list[str] | None:
    """What is between the angle brackets, without a route; the whole member when there are none."""
    if "<" not in item and ">" not in item:
        return item
    if item.count("<") != 1 or item.count(">") != 1 or item[-1] != ">":
        return None
    start = item.index("<")
    inner = item[start + 1 : -1]
    if inner[:1] == ["@"] and ":" in inner:
        # RFC 5322 4.4: a route is to be ignored.
        inner = inner[inner.index(":") + 1 :]
    return inner if _is_harmless(item[:start], inner) else None


def _is_harmless(phrase: list[str], address: list[str]) -> bool:
    """Whether nobody can take the display name for the address (RFC 5322 3.2.5: a phrase has no @).

    Many programs write the address there again, without the quotes that it needs; others would read it first.
    """
    return "@" not in phrase or [t.lower() for t in phrase] == [t.lower() for t in address]


def _alternates(tokens: list[str]) -> bool:
    """Whether words are joined by dots and one @, so that joining them loses no blank between two words."""
    if len(tokens) % 2 == 0 or tokens.count("@") > 1:
        return False
    return all(
        (token in (".", "@")) == bool(n % 2) and token not in ("<", ">", ":", ",", ";", "\\", "(", ")")
        for n, token in enumerate(tokens)
    )
