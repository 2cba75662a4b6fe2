"""Every extension of SMTP's family as one table: who is offered it, and what it opens.

Implements  RFC 5321 2.2 (the extension model), 4.1.1.1 (the answer to EHLO), and each row's own RFC.
Gives       Extension, EXTENSIONS, Offers, offers_to.
Not here    The parameters' checks: parameters. The commands that extensions bring: commands.

To add an extension: give its row an `offered` function and its parameters' checks; nothing else in the
machine asks for it by name unless it brings a command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from postel.proto.smtp.options import Standing
from postel.proto.smtp.parameters import (
    ENVID_LIMIT,
    ORCPT_LIMIT,
    Check,
    check_auth,
    check_body,
    check_envid,
    check_no_value,
    check_notify,
    check_orcpt,
    check_ret,
    check_size,
    check_transid,
)
from postel.proto.smtp.peer_attributes import XCLIENT, XFORWARD
from postel.proto.smtp.wish_parameters import (
    check_by,
    check_hold_for,
    check_hold_until,
    check_priority,
    check_solicit,
)
from postel.proto.smtp.wishes import (
    WishOptions,
    offer_deliver_by,
    offer_future_release,
    offer_no_soliciting,
    offer_priority,
)

_NONE: Final[Mapping[str, Check]] = MappingProxyType({})
_RET_OCTETS: Final = len(" RET=FULL")
_NOTIFY_OCTETS: Final = len(" NOTIFY=SUCCESS,FAILURE,DELAY")


def _always(standing: Standing) -> str | None:
    return ""


def _burl(standing: Standing) -> str | None:
    options = standing.options
    # RFC 4468 4: only with 8BITMIME. 3.3: plain URLs of our own mailboxes, once we know who asks.
    if "BURL" not in options.commands or "8BITMIME" in options.withheld:
        return None
    return f"imap imap://{options.hostname}" if standing.is_logged_in else "imap"


def _size(standing: Standing) -> str | None:
    return str(standing.options.limits.message_size)


def _start_tls(standing: Standing) -> str | None:
    # RFC 3207 4.2: not offered once TLS stands.
    return "" if standing.options.has_tls and not standing.is_tls else None


def _require_tls(standing: Standing) -> str | None:
    # RFC 8689 2 (4): only where TLS is active. 2 (7): also in LMTP, and for submission.
    return "" if standing.is_tls else None


def _attributes(command: str, names: Mapping[str, object]) -> Callable[[Standing], str | None]:
    """Offered to hosts that are trusted with it, with the names of what may be said."""
    return lambda standing: " ".join(names) if command in standing.options.commands else None


def _auth(standing: Standing) -> str | None:
    return " ".join(standing.options.mechanisms) or None


def _switched_on(command: str) -> Callable[[Standing], str | None]:
    """Offered where the service switches the command on for the client."""
    return lambda standing: "" if command in standing.options.commands else None


def _smtputf8(standing: Standing) -> str | None:
    # RFC 6531 3.1 item 8: whoever offers SMTPUTF8 offers 8BITMIME.
    return None if "8BITMIME" in standing.options.withheld else ""


def _checkpoint(standing: Standing) -> str | None:
    # RFC 1845 2 (3): no parameter.
    return "" if standing.options.keeps_transactions else None


def _wish(offer: Callable[[WishOptions], str | None]) -> Callable[[Standing], str | None]:
    return lambda standing: offer(standing.options.wishes)


def _binary(standing: Standing) -> str | None:
    # RFC 3030 3: only with CHUNKING, and the value is one of the parameter that 8BITMIME brings.
    return None if standing.options.withheld & {"CHUNKING", "8BITMIME"} else ""


def _limits(standing: Standing) -> str | None:
    # RFC 9422. The number of transactions in a session, and of domains in one, has no limit here.
    return f"RCPTMAX={standing.options.limits.recipients}"


def _prdr(standing: Standing) -> str | None:
    return None if standing.options.is_lmtp else ""  # LMTP answers for each anyway


@dataclass(frozen=True, slots=True)
class Extension:
    """One row.

    offered            what stands after the keyword in the answer to EHLO, or None: not offered.
    mail, rcpt         the parameters it opens, each with its check.
    mail_octets, rcpt_octets   what it adds to the longest MAIL and RCPT (RFC 5321 4.5.3.1.4).
    next_hop_lacks_it  what becomes of a message that used it when the next hop does not offer it.
    """

    keyword: str
    rfc: str
    offered: Callable[[Standing], str | None]
    next_hop_lacks_it: str
    mail: Mapping[str, Check] = field(default_factory=lambda: _NONE)
    rcpt: Mapping[str, Check] = field(default_factory=lambda: _NONE)
    mail_octets: int = 0
    rcpt_octets: int = 0


# fmt: off
EXTENSIONS: Final = (
    Extension("PIPELINING", "2920", _always, "commands go one by one"),
    Extension("SIZE", "1870", _size, "nothing is declared",
              mail={"SIZE": check_size}, mail_octets=26),
    Extension("8BITMIME", "6152", _always, "content is converted, or returned with 5.6.3",
              mail={"BODY": check_body}, mail_octets=17),
    Extension("SMTPUTF8", "6531", _smtputf8, "the header is converted, or returned with 5.6.7",
              mail={"SMTPUTF8": check_no_value}, mail_octets=10),
    Extension("ENHANCEDSTATUSCODES", "2034", _always, "statuses are derived from reply codes"),
    Extension("STARTTLS", "3207", _start_tls, "as the TLS policy of the destination says"),
    Extension("AUTH", "4954", _auth, "no login; AUTH= is dropped",
              mail={"AUTH": check_auth}, mail_octets=500),
    Extension("DSN", "3461", _always, "reports are made here, with 'relayed' where asked for",
              mail={"RET": check_ret, "ENVID": check_envid},
              rcpt={"NOTIFY": check_notify, "ORCPT": check_orcpt},
              mail_octets=_RET_OCTETS + len(" ENVID=") + ENVID_LIMIT,
              rcpt_octets=_NOTIFY_OCTETS + len(" ORCPT=") + ORCPT_LIMIT),
    Extension("CHUNKING", "3030", _always, "DATA is used"),
    Extension("BINARYMIME", "3030", _binary, "content is converted, or returned with 5.6.3", mail_octets=16),
    Extension("PRDR", "draft-hall-prdr", _prdr, "one answer for all recipients",
              mail={"PRDR": check_no_value}, mail_octets=5),
    Extension("LIMITS", "9422", _limits, "the limits are found out by being refused"),
    # The rest of the family. A row without an offer keeps its place, and its parameters get 555.
    Extension("CHECKPOINT", "1845", _checkpoint, "an interrupted transfer begins anew",
              mail={"TRANSID": check_transid}, mail_octets=88),  # RFC 1845 2 (5)
    Extension("REQUIRETLS", "8689", _require_tls, "the message is returned, status 5.7.30",
              mail={"REQUIRETLS": check_no_value}, mail_octets=11),  # RFC 8689 2 (6)
    Extension("DELIVERBY", "2852", _wish(offer_deliver_by), "N: relayed with a report; R: returned, status 5.3.3",
              mail={"BY": check_by}, mail_octets=17),
    Extension("FUTURERELEASE", "4865", _wish(offer_future_release), "held here, and never passed on",
              mail={"HOLDFOR": check_hold_for, "HOLDUNTIL": check_hold_until}, mail_octets=34),
    Extension("MT-PRIORITY", "6710", _wish(offer_priority), "dropped, or tunnelled in a header field",
              mail={"MT-PRIORITY": check_priority}, mail_octets=15),
    Extension("BURL", "4468", _burl, "resolved here"),
    Extension("NO-SOLICITING", "3865", _wish(offer_no_soliciting), "dropped",
              mail={"SOLICIT": check_solicit}, mail_octets=1007),
    Extension("ETRN", "1985", _switched_on("ETRN"), "the queue is not asked for"),
    Extension("ATRN", "2645", _switched_on("ATRN"), "the queue is not asked for"),
    Extension("VERB", "none (sendmail)", _switched_on("VERB"), "nothing is shown"),
    Extension("ONEX", "none (sendmail)", _switched_on("ONEX"), "nothing changes"),
    # RFC 5321 3.5.2: EXPN MUST be listed where it is supported, VRFY MAY be.
    Extension("VRFY", "5321 4.1.1.6", _switched_on("VRFY"), "nothing changes"),
    Extension("EXPN", "5321 4.1.1.7", _switched_on("EXPN"), "nothing changes"),
    Extension("SEND", "821 3.4", _switched_on("SEND"), "shown here, or not at all"),
    Extension("SOML", "821 3.4", _switched_on("SOML"), "passed on by MAIL"),
    Extension("SAML", "821 3.4", _switched_on("SAML"), "passed on by MAIL"),
    Extension("TURN", "821 3.8", _switched_on("TURN"), "the queue is not asked for"),
    Extension("XCLIENT", "none (Postfix)", _attributes("XCLIENT", XCLIENT), "nothing is told"),
    Extension("XFORWARD", "none (Postfix)", _attributes("XFORWARD", XFORWARD), "nothing is told"),
    Extension("HELP", "5321 4.1.1.8", _always, "nothing changes"),
)
# fmt: on


@dataclass(frozen=True, slots=True, eq=False)
class Offers:
    """What one client, as it stands, may use.

    standing              what this was made of.
    keywords              keyword -> what stands after it in the answer to EHLO.
    mail, rcpt            the parameters open to it.
    mail_line, rcpt_line, burl_line  the longest MAIL, RCPT and BURL, octets with CRLF.
    longest_line          the longest command of all. RFC 4954 4 binds AUTH with an initial response to
                          the length of any command, but tokens are longer, and clients send them so.
    """

    standing: Standing
    keywords: Mapping[str, str]
    mail: Mapping[str, Check]
    rcpt: Mapping[str, Check]
    mail_line: int
    rcpt_line: int
    burl_line: int
    longest_line: int

    def lines(self) -> list[str]:
        """The lines of the answer to EHLO after the first, without their codes."""
        return [f"{keyword} {text}" if text else keyword for keyword, text in self.keywords.items()]


@lru_cache(maxsize=256)
def offers_to(standing: Standing) -> Offers:
    """Read the table for one client."""
    withheld = standing.options.withheld
    rows = [row for row in EXTENSIONS if row.keyword not in withheld and row.offered(standing) is not None]
    limits = standing.options.limits
    mail_line = limits.command_line + sum(row.mail_octets for row in rows)
    rcpt_line = limits.command_line + sum(row.rcpt_octets for row in rows)
    burl_line = limits.command_line + (limits.url if any(row.keyword == "BURL" for row in rows) else 0)
    auth_line = limits.auth_line if standing.options.mechanisms else 0
    return Offers(
        standing,
        MappingProxyType({row.keyword: row.offered(standing) or "" for row in rows}),
        MappingProxyType({name: check for row in rows for name, check in row.mail.items()}),
        MappingProxyType({name: check for row in rows for name, check in row.rcpt.items()}),
        mail_line,
        rcpt_line,
        burl_line,
        max(mail_line, rcpt_line, burl_line, auth_line),
    )
