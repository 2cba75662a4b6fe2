"""What a server offers in its reply to EHLO.

Implements  RFC 5321 4.1.1.1 (ehlo-line), RFC 1870 3 (SIZE), RFC 4954 3 (AUTH), RFC 3030 3, RFC 9422 (LIMITS).
Gives       Offered, parse_offered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

_KEYWORD: Final = re.compile(r"[A-Z0-9][A-Z0-9-]*")
_NOTHING: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Offered:
    """Extension keywords in upper case, each with its parameters as given."""

    keywords: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NOTHING)
    size_limit: int | None = field(init=False)
    _limits: Mapping[str, int | None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """`size_limit`: the largest message in octets; None where the server names none (RFC 1870 3: 0 is none)."""
        sizes = self.keywords.get("SIZE", ())
        object.__setattr__(self, "size_limit", _number(sizes[0]) if sizes else None)
        object.__setattr__(self, "_limits", dict(_limits(self.keywords.get("LIMITS", ()))))

    def __contains__(self, keyword: object) -> bool:
        return keyword in self.keywords

    @property
    def takes_binary(self) -> bool:
        """Whether content with BODY=BINARYMIME may be sent: RFC 3030 3."""
        return "CHUNKING" in self and "BINARYMIME" in self and "8BITMIME" in self

    def limit(self, name: str) -> int | None:
        """A limit that the server names (RFC 9422), as RCPTMAX; None where it does not, or not in a way to read."""
        return self._limits.get(name)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The SASL mechanisms, in upper case."""
        return tuple(name.upper() for name in self.keywords.get("AUTH", ()))


def _limits(texts: Iterable[str]) -> Iterator[tuple[str, int | None]]:
    """The last one counts where the same is named twice, so the first has to come last."""
    for text in reversed(tuple(texts)):
        keyword, _, value = text.partition("=")
        if _is_number(value):
            yield keyword.upper(), _number(value)


def _number(text: str) -> int | None:
    """A number that is a limit; None for 0, and for what is none."""
    return int(text) or None if _is_number(text) else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20


def parse_offered(lines: Iterable[str]) -> Offered:
    """Read the lines after the first of a reply to EHLO. What is no keyword is passed over."""
    keywords: dict[str, tuple[str, ...]] = {}
    for line in lines:
        keyword, *parameters = _words(line)
        if _KEYWORD.fullmatch(keyword):
            keywords[keyword] = (*keywords.get(keyword, ()), *parameters)
    return Offered(MappingProxyType(keywords))


def _words(line: str) -> list[str]:
    keyword, *parameters = line.split() or [""]
    keyword = keyword.upper()
    # Servers older than RFC 2554 write `AUTH=LOGIN PLAIN`, often beside the proper line; it adds to that.
    if keyword.startswith("AUTH="):
        return ["AUTH", keyword.removeprefix("AUTH="), *parameters]
    return [keyword, *parameters]
