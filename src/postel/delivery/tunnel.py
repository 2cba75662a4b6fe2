"""A message's priority carried in a header field, through hosts that do not know priorities.

Implements  RFC 6758 3.3 (relaying to a host without MT-PRIORITY).
Gives       tunnelled, TUNNEL_OCTETS.
Not here    Whether that is wanted: the options of the relay. Believing such a field: servers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from postel.message import HeadCollector, HeaderBlock, compose_field

FIELD: Final = "MT-Priority"
TUNNEL_OCTETS: Final = len(compose_field(FIELD, ["-9"]))


async def tunnelled(content: AsyncGenerator[bytes, None], priority: int) -> AsyncGenerator[bytes, None]:
    """The content with one field MT-Priority, our own on top, whatever fields of that name it had."""
    collector = HeadCollector()
    begun = bytearray()
    async with aclosing(content) as chunks:
        async for chunk in chunks:
            begun += chunk
            collector.feed(chunk)
            if collector.is_finished:
                break
        yield _with_field(collector, bytes(begun), priority)
        async for chunk in chunks:
            yield chunk


def _with_field(collector: HeadCollector, begun: bytes, priority: int) -> bytes:
    field = compose_field(FIELD, [str(priority)])
    if collector.is_missing:  # all of it is body: an empty line keeps it from continuing our field
        return field + b"\r\n" + begun
    head = HeaderBlock.parse(collector.head)
    kept = head.where(lambda one: one.name.lower() != FIELD.lower())
    return field + kept.raw + kept.separator + begun[len(collector.head) :]
