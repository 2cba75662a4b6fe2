"""Header fields with UTF-8, written in ASCII where that loses nothing.

Implements  RFC 6531 3.2 (what a host without SMTPUTF8 must not see), RFC 2047 5 (where encoded words may stand),
            RFC 2231 4 (parameters), RFC 5890 (A-labels), RFC 5322 3.6.8 (fields that nobody knows are text).
Gives       downgrade_field, NotDowngradable.
Not here    Which messages: conversion. Downgrading that loses something, as RFC 6857 has it for mailboxes, is not for
            mail on its way: whoever wrote it is told instead (RFC 6531 3.2).

What can be said in ASCII: text, display names and comments, as encoded words; domains, as A-labels; parameters, as
RFC 2231 has them. What cannot: local parts, and identifiers, which would be other ones then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from postel.mail import BadSyntax, parse_domain
from postel.message.header import Field
from postel.message.mime_fields import format_parameter, parse_parameterized
from postel.message.tokens import Kind, Token, tokens_of
from postel.message.word_encoding import WordEncoder, fold_field

UTF8: Final = WordEncoder()
# What is not UTF-8 is in a character set that nobody has named: encoded words can say just that.
UNKNOWN: Final = WordEncoder("unknown-8bit", "latin-1")

_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
_FOR: Final = re.compile(r"\bfor[ \t]+(?:<[^<>]*>|[^ \t;<>]+)[ \t]*", re.IGNORECASE)


class NotDowngradable(Exception):
    """A field that says something which ASCII cannot. The text is the reason, without what the field says."""


def downgrade_field(field: Field) -> bytes:
    """The field in ASCII, with its line end; as it is when it is ASCII already. Raises NotDowngradable."""
    if field.raw.isascii():
        return field.raw
    if field.is_malformed:
        raise NotDowngradable("a line of the header is no field")
    raw = field.raw_value
    try:
        text, words = raw.decode("utf-8"), UTF8
    except UnicodeDecodeError:
        text, words = raw.decode("latin-1"), UNKNOWN
    value = _WRITERS.get(field.name.lower(), _unstructured)(text, words)
    if not value.isascii():
        raise NotDowngradable(f"{field.name} is not in ASCII")
    return fold_field(field.name, value)


def _unstructured(text: str, words: WordEncoder) -> str:
    return words.encode_where_needed(text)


def _identifier(text: str, words: WordEncoder) -> str:
    raise NotDowngradable("an identifier of the message is not in ASCII")


def _parameters(text: str, words: WordEncoder) -> str:
    """Content-Type and its like."""
    main, parameters = parse_parameterized(text)
    pieces = [main, *(" ".join(format_parameter(name, value)) for name, value in parameters.items())]
    return "; ".join(pieces)


def _received(text: str, words: WordEncoder) -> str:
    """A trace field: `for` is optional (RFC 5321 4.4), names become A-labels, comments encoded words."""
    text = _FOR.sub(lambda match: match.group() if match.group().isascii() else "", text)
    return "".join(_received_token(token, words) for token in tokens_of(text))


def _received_token(token: Token, words: WordEncoder) -> str:
    if token.text.isascii():
        return token.text
    return _comment(token.text, words) if token.kind is Kind.COMMENT else _domain_text(token.text)


def _comment(text: str, words: WordEncoder) -> str:
    """RFC 2047 5 (2): the encoded words stand alone between the parentheses."""
    return f"({words.encode(_QUOTED_PAIR.sub(lambda match: match[1], text[1:-1]))})"


def _domain_text(text: str) -> str:
    if text.isascii():
        return text
    try:
        return parse_domain(text).ascii
    except BadSyntax:
        raise NotDowngradable("a word that is no domain is not in ASCII") from None


def _addresses(text: str, words: WordEncoder) -> str:
    """Addresses, groups, and phrases beside something in angle brackets."""
    writer = _AddressWriter(words)
    for token in tokens_of(text):
        writer.take(token)
    return writer.finish()


class _AddressWriter:
    """Takes tokens; knows of each run of words what it is when the special after it comes."""

    def __init__(self, words: WordEncoder) -> None:
        self._words = words
        self._out: list[str] = []
        self._run: list[Token] = []
        self._is_angle = False
        self._is_domain = False

    def take(self, token: Token) -> None:
        """The next token."""
        if token.kind is Kind.BROKEN and not token.text.isascii():
            raise NotDowngradable("an address field is not well-formed")
        if token.kind is not Kind.SPECIAL:
            self._run.append(token)
            return
        self._end_run(before=token.text)
        self._out.append(token.text)
        if token.text in "<>":
            self._is_angle = token.text == "<"
        self._is_domain = token.text == "@"

    def finish(self) -> str:
        """The field's value in ASCII."""
        self._end_run(before="")
        return "".join(self._out)

    def _end_run(self, before: str) -> None:
        run, self._run = self._run, []
        if all(token.text.isascii() for token in run):
            self._out += [token.text for token in run]
        elif self._is_domain:
            self._out += [self._in_domain(token) for token in run]
        elif self._is_angle or before == "@":
            self._out += [self._in_local_part(token) for token in run]
        else:
            self._out.append(_phrase(run, self._words))

    def _in_domain(self, token: Token) -> str:
        return _encoded_or(token, self._words, _domain_text)

    def _in_local_part(self, token: Token) -> str:
        return _encoded_or(token, self._words, _no_local_part)


def _encoded_or(token: Token, words: WordEncoder, write: Callable[[str], str]) -> str:
    if token.text.isascii():
        return token.text
    return _comment(token.text, words) if token.kind is Kind.COMMENT else write(token.text)


def _no_local_part(text: str) -> str:
    raise NotDowngradable("an address in the header is not in ASCII")


def _phrase(run: Iterable[Token], words: WordEncoder) -> str:
    """A display name: its words that are not ASCII become encoded words, those between two of them too."""
    out: list[str] = []
    text: list[str] = []  # words to be encoded, and the blanks that follow them
    for token in run:
        if token.kind is Kind.COMMENT:
            _end_words(out, text, words)
            out.append(token.text if token.text.isascii() else _comment(token.text, words))
        elif token.kind is Kind.BLANKS and text:
            text.append(token.text)
        elif token.text.isascii():
            _end_words(out, text, words)
            out.append(token.text)
        else:
            text.append(_unquoted(token))
    _end_words(out, text, words)
    return "".join(out)


def _end_words(out: list[str], text: list[str], words: WordEncoder) -> None:
    if not text:
        return
    whole = "".join(text)
    inner = whole.rstrip(" \t")
    # RFC 2047 5 (3): blanks must stand between an encoded word and what is beside it.
    before = "" if not out or out[-1][-1:] in (" ", "\t") else " "
    out.append(before + words.encode(inner) + (whole[len(inner) :] or " "))
    text.clear()


def _unquoted(token: Token) -> str:
    if token.kind is not Kind.QUOTED:
        return token.text
    return _QUOTED_PAIR.sub(lambda match: match[1], token.text[1:-1])


_ADDRESS_FIELDS: Final = (
    "from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-sender", "resent-reply-to", "resent-to",
    "resent-cc", "resent-bcc", "return-path", "delivered-to", "disposition-notification-to", "list-id", "list-post",
    "list-help", "list-subscribe", "list-unsubscribe", "list-owner", "list-archive", "errors-to",
)  # fmt: skip
_IDENTIFIERS: Final = (
    "message-id", "in-reply-to", "references", "resent-message-id", "content-id", "date", "mime-version",
    "content-transfer-encoding",
)  # fmt: skip
_WRITERS: Final[Mapping[str, Callable[[str, WordEncoder], str]]] = {
    **dict.fromkeys(_ADDRESS_FIELDS, _addresses),
    **dict.fromkeys(_IDENTIFIERS, _identifier),
    **dict.fromkeys(("content-type", "content-disposition"), _parameters),
    "received": _received,
}
