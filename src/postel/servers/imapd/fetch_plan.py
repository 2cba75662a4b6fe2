"""What a FETCH writes for each message.

Implements  RFC 9051 7.5.2 (items in the order in which they were asked for).
Gives       Plan, Bulk, Item, planned.
Not here    Values: fetch_columns. Octets: fetch_sections. Writing: fetch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postel.proto.imap import FetchItem, FetchSection
from postel.servers.imapd.fetch_columns import Column, Needs, column_of, fields_column_of
from postel.servers.imapd.fetch_sections import section_of


@dataclass(frozen=True, slots=True)
class Item:
    """One item: how it is written, and a column with its values, or a section whose octets are streamed."""

    template: bytes
    column: Column | None = None
    section: FetchSection | None = None


@dataclass(frozen=True, slots=True)
class Bulk:
    """All items as columns.

    may_lack    whether a value may be None: then the messages are written one by one.
    """

    templates: tuple[bytes, ...]
    columns: tuple[Column, ...]
    needs: Needs
    may_lack: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The items, and what their columns need.

    bulk    all of it as columns, where that can be.
    """

    items: tuple[Item, ...]
    needs: Needs
    bulk: Bulk | None

    @property
    def sections(self) -> list[FetchSection]:
        """Those that are streamed."""
        return [item.section for item in self.items if item.section is not None]

    @property
    def sets_seen(self) -> bool:
        """RFC 9051 6.4.5: BODY[...] without PEEK says that a person has read it."""
        return not all(section.is_peek for section in self.sections)


def planned(items: Sequence[FetchItem]) -> Plan:
    """How these items are written."""
    found: list[Item] = []
    needs = Needs.ARRAYS
    for item in items:
        known = column_of(item)
        if known is None:
            name, section = section_of(item)
            found.append(Item(name, section=section))
        else:
            template, needed, column = known
            found.append(Item(template, column))
            needs |= needed
    return Plan(tuple(found), needs, _bulk(found, needs))


def _bulk(items: Sequence[Item], needs: Needs) -> Bulk | None:
    """None where octets must be streamed."""
    columns: list[tuple[bytes, Column]] = []
    for item in items:
        if item.column is not None:
            columns.append((item.template, item.column))
        elif item.section is not None:
            fields = fields_column_of(item.section)
            if fields is None:
                return None
            columns.append(fields)
    has_fields = any(item.section is not None for item in items)
    if has_fields:
        needs |= Needs.PREFIXES | Needs.INDEX
    return Bulk(
        tuple(template for template, _ in columns), tuple(column for _, column in columns), needs, has_fields
    )
