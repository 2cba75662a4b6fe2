"""Replies that several rooms give, each with its name.

Implements  RFC 5321 4.2.2 and 4.2.3, RFC 3463 3, RFC 5248 2.4.
Not here    What only an SMTP session says: proto.smtp.replies.
"""

from __future__ import annotations

from typing import Final

from postel.mail.reply import Reply, Status

OK: Final = Reply(250, Status(2, 0, 0), "OK")
MAILBOX_UNKNOWN: Final = Reply(550, Status(5, 1, 1), "No such mailbox here")
DOMAIN_UNKNOWN: Final = Reply(550, Status(5, 1, 2), "The domain does not exist")
DOMAIN_TAKES_NO_MAIL: Final = Reply(
    556, Status(5, 1, 10), "The domain accepts no mail (null MX)"
)  # RFC 7505 4.2
RELAY_DENIED: Final = Reply(550, Status(5, 7, 1), "We do not relay for you")
LOOP_DETECTED: Final = Reply(554, Status(5, 4, 6), "Mail loop: too many Received fields")
ALIAS_LOOP: Final = Reply(550, Status(5, 4, 6), "The alias leads back to itself")
TOO_MANY_MEMBERS: Final = Reply(550, Status(5, 2, 4), "The alias has too many members")
DNS_TROUBLE: Final = Reply(451, Status(4, 4, 3), "The domain cannot be looked up at the moment")
NO_NEXT_HOP: Final = Reply(451, Status(4, 4, 1), "No host of the domain answers")
MX_LEADS_TO_US: Final = Reply(
    554, Status(5, 4, 6), "The domain's best MX is this server, which does not know it"
)
NO_ADDRESS: Final = Reply(550, Status(5, 4, 4), "No MX host of the domain has an address")
EXPIRED: Final = Reply(554, Status(5, 4, 7), "Not delivered in time; giving up")
SYSTEM_TROUBLE: Final = Reply(451, Status(4, 3, 0), "Local trouble; try again later")
POLICY_TROUBLE: Final = Reply(451, Status(4, 7, 1), "A local policy check failed; try again later")
SYSTEM_FULL: Final = Reply(452, Status(4, 3, 1), "Out of space; try again later")
MAILBOX_FULL: Final = Reply(452, Status(4, 2, 2), "The mailbox is full")
# RFC 3463 3.3: x.2.2 is for what the recipient can mend, x.2.3 for what can never fit.
MAILBOX_FULL_FOR_GOOD: Final = Reply(552, Status(5, 2, 2), "The mailbox is full")
MESSAGE_NEVER_FITS: Final = Reply(552, Status(5, 2, 3), "The message is larger than that mailbox may become")
MESSAGE_TOO_BIG: Final = Reply(552, Status(5, 3, 4), "The message is larger than we accept")
TOO_MANY_RECIPIENTS: Final = Reply(452, Status(4, 5, 3), "Too many recipients; send the rest separately")
SMTPUTF8_NEEDED: Final = Reply(
    550, Status(5, 6, 7), "The next hop does not support internationalised addresses"
)
CANNOT_BE_CONVERTED: Final = Reply(
    554, Status(5, 6, 3), "The next hop does not take the content as it is, and it cannot be converted"
)
REMOVED_BY_OPERATOR: Final = Reply(554, Status(5, 7, 0), "Removed from the queue by the postmaster")
