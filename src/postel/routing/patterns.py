"""Tables keyed by domain: exact names, `.example.com` for subdomains, `*` for the rest.

Gives       DomainPattern, DomainTable, parse_pattern.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from postel.mail import BadSyntax, Host, parse_host

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class DomainPattern:
    """A name (A-label form), the subdomains of a name, or everything.

    name            "" for everything.
    is_subdomains   whether the names below it are meant, and not itself.
    """

    name: str
    is_subdomains: bool = False

    @property
    def is_everything(self) -> bool:
        """Whether this is `*`."""
        return not self.name

    def __str__(self) -> str:
        return f".{self.name}" if self.is_subdomains else self.name or "*"


def parse_pattern(text: str, *, allows_everything: bool = True) -> DomainPattern:
    """Parse `example.com`, `.example.com`, `[192.0.2.1]` or `*`. Raises BadSyntax."""
    if text == "*":
        if not allows_everything:
            raise BadSyntax("each domain is named here: * would stand for the whole Internet")
        return DomainPattern("")
    if text.startswith("*."):
        raise BadSyntax('subdomains are written with a dot in front: ".example.com"')
    host = parse_host(text.removeprefix("."))
    return DomainPattern(host.ascii, is_subdomains=text.startswith("."))


class DomainTable(Generic[V]):
    """Finds the value whose pattern fits best: the exact name, the longest parent, everything."""

    def __init__(self, rows: Iterable[tuple[DomainPattern, V]]) -> None:
        self._exact: dict[str, V] = {}
        self._below: dict[str, V] = {}
        for pattern, value in rows:
            (self._below if pattern.is_subdomains else self._exact)[pattern.name] = value

    def find(self, host: Host, *, or_everything: bool = True) -> V | None:
        """The value for a domain; None where no pattern fits. Costs one look-up per label at most."""
        name = host.ascii
        if name in self._exact:
            return self._exact[name]
        if self._below and not name.startswith("["):
            parent = name
            while "." in parent:
                parent = parent.partition(".")[2]
                if parent in self._below:
                    return self._below[parent]
        return self._exact.get("") if or_everything else None
