"""What a search for an address or a name looks through.

Implements  RFC 9051 6.4.4 (FROM, TO, CC, BCC: "in the envelope structure's field").
Gives       ADDRESSED, with_addresses.
Not here    Reading addresses: structure.addresses.

An address may be written with comments and blanks in it, a name with quoted pairs. So both are looked through: the
field as a person reads it, and what the envelope makes of it where the field does not show that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from postel.message.search.folding import decode_field
from postel.message.structure.addresses import Address

# RFC 9051 7.5.2: the fields that the envelope has as addresses.
ADDRESSED: Final = frozenset((b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc"))

_BETWEEN: Final = str.maketrans(dict.fromkeys("<>,;:", " "))


def with_addresses(text: str, addresses: Iterable[Address]) -> str:
    """A decoded field; after it, a line each, what the envelope has and the field does not show. Costs O(n)."""
    shown = frozenset(text.translate(_BETWEEN).split())
    missing = [one for address in addresses for one in _parts(address, "\\" in text) if one not in shown]
    return "\n".join((text, *missing)) if missing else text


def _parts(address: Address, is_quoting: bool) -> Iterable[str]:
    if is_quoting and address.name:
        yield decode_field(address.name)
    if address.host is not None:
        yield decode_field(b"%b@%b" % (address.mailbox or b"", address.host))
