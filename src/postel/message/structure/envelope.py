"""The envelope structure of a message.

Implements  RFC 9051 7.5.2 and RFC 3501 7.4.2 (ENVELOPE).
Gives       Envelope, read_envelope, ADDRESSES, EMPTY_ENVELOPE.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from postel.message.structure.addresses import Address, read_addresses, render_addresses
from postel.message.structure.head_fields import tidied, unfolded
from postel.message.structure.strings import NIL, nstring

# RFC 5322 3.6 has each of them once. Where there are more, all of their addresses count.
ADDRESSES: Final = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")


@dataclass(slots=True)
class Envelope:
    """What the fields say. `rendered` is ready for the wire."""

    rendered: bytes
    addresses: dict[bytes, list[Address]] = field(default_factory=dict)

    def of(self, name: bytes) -> list[Address]:
        """The addresses of that field; a missing Sender is not made up here."""
        return self.addresses.get(name, [])


EMPTY_ENVELOPE: Final = b"(" + b" ".join([NIL] * 10) + b")"


def read_envelope(fields: dict[bytes, bytes]) -> Envelope:
    """From the fields by name (in lower case, with what follows their colons). Costs O(n)."""
    addresses: dict[bytes, list[Address]] = {}
    lists: list[bytes] = []
    for name in ADDRESSES:
        rest = fields.get(name)
        found = read_addresses(rest) if rest else []
        addresses[name] = found
        # RFC 9051 7.5.2: a Sender or Reply-To that is absent or empty is that of From.
        lists.append(render_addresses(found) if found or len(lists) not in (1, 2) else lists[0])
    rendered = b"(%b %b %b %b %b %b %b %b %b %b)" % (
        nstring(_of(fields, b"date")),
        nstring(tidied(fields[b"subject"]) if b"subject" in fields else None),
        *lists,
        nstring(_of(fields, b"in-reply-to")),
        nstring(_of(fields, b"message-id")),
    )
    return Envelope(rendered, addresses)


def _of(fields: dict[bytes, bytes], name: bytes) -> bytes | None:
    rest = fields.get(name)
    return None if rest is None else unfolded(rest)
