"""One mail transaction as the client keeps it: its commands, and what became of each recipient.

Implements  RFC 5321 3.3, 4.1.1.2, 4.1.1.3, 4.5.3.1.10; RFC 1870 5 and 6 (SIZE), RFC 6152 3 (8BITMIME),
            RFC 6531 3.2, 3.4 (SMTPUTF8), RFC 4954 5 (AUTH=), RFC 3461 5.2.1 and 5.2.2 (DSN), RFC 6533 3.
Gives       ClientTransaction.
Not here    The order of commands on the wire, and which reply belongs to which: client.

A parameter goes out only where the server offers its extension. Where it does not:

SIZE, AUTH, TRANSID
              are left out; they only inform.
BODY          is left out. Whoever gives the content has converted it (RFC 6152 3: delivery does).
RET, ENVID, NOTIFY, ORCPT
              are left out; whoever made the envelope has to report instead (RFC 3461 5.2.2).
SMTPUTF8      the message is refused with 5.6.7 for the recipients it is needed for (RFC 6531 3.5); a
              domain alone is no reason, since it has an A-label form (RFC 6531 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from postel.mail import (
    Envelope,
    ForwardPath,
    Mailbox,
    Parameters,
    Reply,
    ReversePath,
    Status,
    as_ascii,
    parse_domain,
)
from postel.mail.replies import CANNOT_BE_CONVERTED, SMTPUTF8_NEEDED
from postel.proto.smtp.extensions import EXTENSIONS
from postel.proto.smtp.offered import Offered

TOO_BIG_FOR_NEXT_HOP: Final = Reply(552, Status(5, 3, 4), "The message is larger than the next hop accepts")
NEXT_HOP_REFUSALS: Final = frozenset({TOO_BIG_FOR_NEXT_HOP, SMTPUTF8_NEEDED, CANNOT_BE_CONVERTED})
"""Replies that we give ourselves, by what the server offers; it has not heard of the recipient."""

# Parameter: the extension whose offer allows it. SIZE is ours to say: the content may have grown here.
_MAIL_PARAMETERS: Final = {
    name: row.keyword for row in EXTENSIONS for name in row.mail if name not in ("SIZE", "PRDR")
}
_RCPT_PARAMETERS: Final = {name: row.keyword for row in EXTENSIONS for name in row.rcpt}
_TOO_MANY: Final = Status(5, 5, 3)


class ClientTransaction:
    """Recipients are known by their place in the envelope."""

    __slots__ = (
        "_decided",
        "_each",
        "_envelope",
        "_offered",
        "_size_bytes",
        "accepted",
        "has_content_begun",
        "is_begun",
        "is_checkpointed",
        "offset",
        "uses_chunks",
        "uses_prdr",
    )

    def __init__(
        self, envelope: Envelope, size_bytes: int | None, offered: Offered, *, is_lmtp: bool = False
    ) -> None:
        self._envelope = envelope
        self._size_bytes = size_bytes
        self._offered = offered
        self._decided: list[Reply | None] = [None] * len(envelope.recipients)
        self.accepted: list[int] = []  # by RCPT, in this order
        self.is_begun = False  # MAIL was answered: the server knows of us
        keywords = offered.keywords
        self.is_checkpointed = "TRANSID" in envelope.parameters and "CHECKPOINT" in keywords
        self.offset = 0  # octets of content that the server has already
        self.has_content_begun = False
        self._each: dict[int, Reply] = {}  # yes to the content from one, while the reply for all is to come
        self._refuse_here()
        if self.is_checkpointed and self.is_binary:
            self.begin_anew()  # RFC 1845 3 counts lines, which binary content has not
        self.uses_chunks = "CHUNKING" in keywords and not self.is_checkpointed
        has_many = len(self._decided) > 1 and not is_lmtp and not self.is_checkpointed
        self.uses_prdr = "PRDR" in keywords and has_many and len(self.to_ask) > 1

    def _refuse_here(self) -> None:
        limit = self._offered.size_limit
        if limit is not None and self._size_bytes is not None and self._size_bytes > limit:
            self.refuse_open(TOO_BIG_FOR_NEXT_HOP)  # RFC 1870 6.1: no need to try
        if self.is_binary and not self._offered.takes_binary:
            self.refuse_open(CANNOT_BE_CONVERTED)  # RFC 3030 3: not sent under any circumstances
        if "SMTPUTF8" in self._offered.keywords:
            return
        if self._envelope.asks_smtputf8 or not _has_ascii_form(self._envelope.reverse_path.mailbox):
            self.refuse_open(SMTPUTF8_NEEDED)
        for index, recipient in enumerate(self._envelope.recipients):
            if not _has_ascii_form(recipient.forward_path.mailbox):
                self.decide(index, SMTPUTF8_NEEDED)

    @property
    def to_ask(self) -> tuple[int, ...]:
        """The recipients for which RCPT is to be said: those not decided yet."""
        return tuple([index for index, reply in enumerate(self._decided) if reply is None])

    def mail_command(self) -> bytes:
        """MAIL with the parameters that may go with it."""
        size = f" SIZE={self._size_bytes}" if self._size_bytes is not None and "SIZE" in self._offered else ""
        rest = self._permitted(self._envelope.parameters, _MAIL_PARAMETERS)
        prdr = " PRDR" if self.uses_prdr else ""
        return f"MAIL FROM:<{self._path(self._envelope.reverse_path)}>{size}{rest}{prdr}\r\n".encode()

    @property
    def is_binary(self) -> bool:
        """Whether the content may only go by BDAT: RFC 3030 3."""
        body = self._envelope.parameters.get("BODY")
        return body is not None and body.upper() == "BINARYMIME"

    def rcpt_command(self, index: int) -> bytes:
        """RCPT for one recipient, with the parameters that may go with it."""
        recipient = self._envelope.recipients[index]
        rest = self._permitted(recipient.parameters, _RCPT_PARAMETERS)
        return f"RCPT TO:<{self._path(recipient.forward_path)}>{rest}\r\n".encode()

    def _permitted(self, parameters: Parameters, extension_of: Mapping[str, str]) -> str:
        """RFC 5321 4.1.1.11: no parameter of an extension that the server has not offered."""
        if not parameters:
            return ""
        return "".join(
            f" {keyword}" if value is None else f" {keyword}={self._value(value)}"
            for keyword, value in parameters.items()
            if extension_of.get(keyword) in self._offered
        )

    def _value(self, value: str) -> str:
        """RFC 6533 3: UTF-8 in a parameter only in an internationalised transaction."""
        is_utf8 = self._envelope.asks_smtputf8 and "SMTPUTF8" in self._offered
        return value if is_utf8 else as_ascii(value)

    def _path(self, path: ReversePath | ForwardPath) -> str:
        if path.mailbox is None or path.is_ascii or "SMTPUTF8" in self._offered:
            return str(path)
        mailbox = path.mailbox
        return str(Mailbox(mailbox.local_part, parse_domain(mailbox.domain.ascii)))

    def resume(self, offset: int) -> bool:
        """MAIL was answered with 355 (RFC 1845 3): everybody was accepted back then. Whether that can be.

        It cannot where the server claims to have more than there is, the CRLF of a last line included.
        """
        if self._size_bytes is not None and offset > self._size_bytes + 2:
            return False
        self.accepted = list(self.to_ask)
        self.offset = offset
        return True

    def begin_anew(self) -> None:
        """Do without TRANSID from now on."""
        self.is_checkpointed = self.is_begun = False
        rest = {name: value for name, value in self._envelope.parameters.items() if name != "TRANSID"}
        self._envelope = replace(self._envelope, parameters=rest)

    @property
    def is_partly_accepted(self) -> bool:
        """Whether some were refused, of a transaction that has to be of those who were not."""
        return self.is_checkpointed and bool(self.accepted) and len(self.accepted) < len(self._decided)

    def rcpt_replied(self, index: int, reply: Reply) -> None:
        """The reply to one RCPT."""
        if reply.is_positive:
            self.accepted.append(index)
        else:
            self.decide(index, _read_552(reply))

    def decide(self, index: int, reply: Reply) -> None:
        """The decisive reply for one recipient; a later one changes nothing."""
        if self._decided[index] is None:
            self._decided[index] = reply

    def each_replied(self, index: int, reply: Reply) -> None:
        """PRDR: one recipient's reply to the content. A yes counts once the reply for all is a yes."""
        if reply.is_positive:
            self._each[index] = reply
        else:
            self.decide(index, reply)

    def all_replied(self, reply: Reply) -> None:
        """PRDR: the reply for all together."""
        if reply.is_positive:
            for index, own in self._each.items():
                self.decide(index, own)
        self.refuse_open(reply)

    def refuse_open(self, reply: Reply) -> None:
        """The reply that decides all who have none yet: to MAIL, to DATA, or to the content."""
        self._decided = [reply if decided is None else decided for decided in self._decided]

    @property
    def replies(self) -> tuple[Reply | None, ...]:
        """What has been decided so far."""
        return tuple(self._decided)


def _has_ascii_form(mailbox: Mailbox | None) -> bool:
    return mailbox is None or mailbox.local_part.text.isascii()


def _read_552(reply: Reply) -> Reply:
    """RFC 5321 4.5.3.1.10: RFC 821 servers say 552 for "too many recipients"; it means 452.

    A status that names another trouble (a full mailbox, 5.2.2) is believed.
    """
    if reply.code == 552 and reply.status in (None, _TOO_MANY):
        return Reply(452, Status(4, 5, 3), reply.text)
    return reply
