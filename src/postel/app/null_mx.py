"""Whether a domain says that it takes no mail, asked while a client waits.

Implements  RFC 7505 3 (the record), 4.1 (what it spares both sides).
Gives       takes_no_mail.
Not here    What is said then: servers. Relaying, which looks for itself: routing.
"""

from __future__ import annotations

import asyncio
from typing import Final

from postel.asks import DnsQuestion, DnsStatus, MxRecord, RecordType
from postel.dns import Resolver
from postel.mail import Domain

PATIENCE_S: Final = 5.0  # no client shall wait longer for the courtesy


async def takes_no_mail(domain: Domain, resolver: Resolver) -> bool:
    """Whether the only MX record of a domain is ".". What cannot be found out in time is taken for a no."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            answer = await resolver.ask(DnsQuestion(domain.ascii, RecordType.MX))
    except TimeoutError:
        return False
    if answer.status is not DnsStatus.FOUND:
        return False
    return all(isinstance(record, MxRecord) and record.exchange == "" for record in answer.records)
