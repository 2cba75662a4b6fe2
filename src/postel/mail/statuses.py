"""The registry of enhanced status codes: what each subject and detail means, and who says so.

Implements  RFC 3463 3 (the codes), RFC 5248 (the registry, as IANA keeps it).
Gives       StatusMeaning, STATUSES, meaning_of.
Not here    Which of them Postel sends: the catalogues of replies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from postel.mail.reply import Status


@dataclass(frozen=True, slots=True)
class StatusMeaning:
    """What a code says, whatever its class, and where it was registered."""

    text: str
    rfc: str


# The digits before the colon are subject.detail; the class says whether it was so, is so for now, or stays so.
_REGISTRY: Final = """
0.0: Other undefined status: 3463
1.0: Other address status: 3463
1.1: Bad destination mailbox address: 3463
1.2: Bad destination system address: 3463
1.3: Bad destination mailbox address syntax: 3463
1.4: Destination mailbox address ambiguous: 3463
1.5: Destination address valid: 3463
1.6: Destination mailbox has moved, no forwarding address: 3463
1.7: Bad sender's mailbox address syntax: 3463
1.8: Bad sender's system address: 3463
1.9: Message relayed to a non-compliant mailer: 5248
1.10: Recipient address has null MX: 7505
2.0: Other or undefined mailbox status: 3463
2.1: Mailbox disabled, not accepting messages: 3463
2.2: Mailbox full: 3463
2.3: Message length exceeds administrative limit: 3463
2.4: Mailing list expansion problem: 3463
3.0: Other or undefined mail system status: 3463
3.1: Mail system full: 3463
3.2: System not accepting network messages: 3463
3.3: System not capable of selected features: 3463
3.4: Message too big for system: 3463
3.5: System incorrectly configured: 3463
3.6: Requested priority was changed: 6710
4.0: Other or undefined network or routing status: 3463
4.1: No answer from host: 3463
4.2: Bad connection: 3463
4.3: Directory server failure: 3463
4.4: Unable to route: 3463
4.5: Mail system congestion: 3463
4.6: Routing loop detected: 3463
4.7: Delivery time expired: 3463
5.0: Other or undefined protocol status: 3463
5.1: Invalid command: 3463
5.2: Syntax error: 3463
5.3: Too many recipients: 3463
5.4: Invalid command arguments: 3463
5.5: Wrong protocol version: 3463
5.6: Authentication exchange line is too long: 4954
6.0: Other or undefined media error: 3463
6.1: Media not supported: 3463
6.2: Conversion required and prohibited: 3463
6.3: Conversion required but not supported: 3463
6.4: Conversion with loss performed: 3463
6.5: Conversion failed: 3463
6.6: Message content not available: 4468
6.7: Non-ASCII addresses not permitted for that sender or recipient: 6531
6.8: UTF-8 string reply is required, but not permitted by the client: 6531
6.9: UTF-8 header message cannot be transferred to one or more recipients: 6531
6.10: The same as 6.8, for old software: 6531
7.0: Other or undefined security status: 3463
7.1: Delivery not authorized, message refused: 3463
7.2: Mailing list expansion prohibited: 3463
7.3: Security conversion required but not possible: 3463
7.4: Security features not supported: 3463
7.5: Cryptographic failure: 3463
7.6: Cryptographic algorithm not supported: 3463
7.7: Message integrity failure: 3463
7.8: Authentication credentials invalid: 4954
7.9: Authentication mechanism is too weak: 4954
7.10: Encryption needed: 5248
7.11: Encryption required for requested authentication mechanism: 4954
7.12: A password transition is needed: 4954
7.13: User account disabled: 5248
7.14: Trust relationship required: 5248
7.15: Priority level is too low: 6710
7.16: Message is too big for the specified priority: 6710
7.17: Mailbox owner has changed: 7293
7.18: Domain owner has changed: 7293
7.19: RRVS test cannot be completed: 7293
7.20: No passing DKIM signature found: 7372
7.21: No acceptable DKIM signature found: 7372
7.22: No valid author-matched DKIM signature found: 7372
7.23: SPF validation failed: 7372
7.24: SPF validation error: 7372
7.25: Reverse DNS validation failed: 7372
7.26: Multiple authentication checks failed: 7372
7.27: Sender address has null MX: 7505
7.29: ARC validation failure: 8617
7.30: REQUIRETLS support required: 8689
"""


def _read(registry: str) -> Mapping[tuple[int, int], StatusMeaning]:
    found = {}
    for line in registry.strip().splitlines():
        digits, text, rfc = line.split(": ")
        subject, detail = digits.split(".")
        found[int(subject), int(detail)] = StatusMeaning(text, rfc)
    return MappingProxyType(found)


STATUSES: Final = _read(_REGISTRY)


def meaning_of(status: Status) -> StatusMeaning | None:
    """What the registry says of a status; None for one that is not registered."""
    return STATUSES.get((status.subject, status.detail))
