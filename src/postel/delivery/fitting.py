"""Make one message fit for one next hop, by what that offers.

Implements  RFC 6152 3 (a host without 8BITMIME gets 7 bits, or nothing), RFC 3030 3 (likewise BINARYMIME), RFC 6531 3.2
            and 3.5 (likewise SMTPUTF8), RFC 3463 3.7 (statuses 5.6.3 and 5.6.7), RFC 6376 5.3 (signatures).
Gives       Fitting, Fit.
Not here    How a message is converted: message.conversion.

A 7-bit message, and a host that offers what the message came with, cost nothing: only the parameters are looked at.
Else the content is read once to see what is in it, and once more, through the conversion, when it is sent; it is never
whole in memory. What was found out is kept for the next host that offers the same.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from postel.contents import Contents
from postel.mail import Parameters
from postel.mail.replies import CANNOT_BE_CONVERTED, SMTPUTF8_NEEDED
from postel.message import (
    CannotConvert,
    Carriage,
    Conversion,
    MimeReader,
    OctetDomain,
    keeps_for_conversion,
    plan_conversion,
)
from postel.observe import logger
from postel.proto.smtp import Offered
from postel.queue import Failed, Job, QueueId

log = logger("delivery")

BODIES: Final[Mapping[str, OctetDomain]] = {
    "7BIT": OctetDomain.SEVEN_BIT,
    "8BITMIME": OctetDomain.EIGHT_BIT,
    "BINARYMIME": OctetDomain.BINARY,
}


@dataclass(frozen=True, slots=True)
class Fit:
    """A message as a host of some kind gets it.

    carriage     what the host takes; None: all that the message came with.
    conversion   what is done to the content; None: nothing.
    """

    carriage: Carriage | None = None
    conversion: Conversion | None = None

    def parameters(self, parameters: Parameters) -> Parameters:
        """The parameters of MAIL that are true of the content as it goes out."""
        if self.carriage is None:
            return parameters
        amended = {name: value for name, value in parameters.items() if name not in ("BODY", "SMTPUTF8")}
        if "SMTPUTF8" in parameters and self.carriage.takes_utf8:
            amended["SMTPUTF8"] = None
        if min(domain_of(parameters), self.carriage.domain) > OctetDomain.SEVEN_BIT:
            amended["BODY"] = "8BITMIME" if self.carriage.domain < OctetDomain.BINARY else parameters["BODY"]
        if self.conversion is not None:
            amended.pop("TRANSID", None)  # RFC 1845 2: its octets are those of the content as we keep it
        return amended

    def size_bytes(self, size_bytes: int) -> int | None:
        """What to declare: nothing, where it is not known before the end (RFC 1870 5)."""
        return None if self.conversion else size_bytes


AS_IT_IS: Final = Fit()


class Fitting:
    """Fits the messages of one lane, one after the other.

    hostname                ours, for the note on a converted message.
    may_break_signatures    whether a message is converted though a signature on it breaks.
    """

    def __init__(self, contents: Contents, hostname: str, *, may_break_signatures: bool) -> None:
        self._contents = contents
        self._hostname = hostname
        self._may_break_signatures = may_break_signatures
        self._known: tuple[QueueId, Carriage, Fit | Failed] | None = None

    async def fit(self, job: Job, offered: Offered, remote: str) -> Fit | Failed:
        """How the message goes to a host; Failed, when it cannot."""
        if not job.asks_smtputf8 and domain_of(job.parameters) is OctetDomain.SEVEN_BIT:
            return AS_IT_IS
        carriage = carriage_of(offered)
        lacks_utf8 = job.asks_smtputf8 and not carriage.takes_utf8
        if domain_of(job.parameters) <= carriage.domain and not lacks_utf8:
            return AS_IT_IS
        if offered.size_limit is not None and job.size_bytes > offered.size_limit:
            return AS_IT_IS  # it would only grow: the client refuses it without a word on the wire
        if self._known is None or self._known[:2] != (job.queue_id, carriage):
            self._known = (job.queue_id, carriage, await self._find_out(job, carriage, remote))
        return self._known[2]

    async def content(self, job: Job, fit: Fit) -> AsyncGenerator[bytes, None]:
        """The octets for the host. Read only where it wants them."""
        reader = await self._contents.reader(job.content_id)
        editor = fit.conversion.editor() if fit.conversion else None
        async with aclosing(reader.chunks()) as chunks:
            async for chunk in chunks:
                if out := editor.feed(chunk) if editor else chunk:
                    yield out
        if editor and (out := editor.finish()):
            yield out

    async def _find_out(self, job: Job, carriage: Carriage, remote: str) -> Fit | Failed:
        reader = MimeReader(keeps=keeps_for_conversion)
        content = await self._contents.reader(job.content_id)
        async with aclosing(content.chunks()) as chunks:
            async for chunk in chunks:
                reader.feed(chunk)
        try:
            conversion = plan_conversion(
                reader.finish(),
                carriage,
                is_internationalised=job.asks_smtputf8,
                may_break_signatures=self._may_break_signatures,
                hostname=self._hostname,
                queue_id=str(job.queue_id),
            )
        except CannotConvert as trouble:
            is_about_utf8 = trouble.is_about_utf8 and job.asks_smtputf8
            reply = SMTPUTF8_NEEDED if is_about_utf8 else CANNOT_BE_CONVERTED
            return Failed(reply, None, f"by what {remote} offers: {trouble}")
        if not conversion.edits:
            return Fit(carriage)
        _tell(job, conversion, remote)
        return Fit(carriage, conversion)


def carriage_of(offered: Offered) -> Carriage:
    """What a host takes from us."""
    domain = OctetDomain.EIGHT_BIT if "8BITMIME" in offered else OctetDomain.SEVEN_BIT
    if offered.takes_binary:
        domain = OctetDomain.BINARY
    return Carriage(domain, takes_utf8="SMTPUTF8" in offered)


def domain_of(parameters: Parameters) -> OctetDomain:
    """What a message was declared to be; RFC 6152 2: 7BIT without a word."""
    return BODIES.get((parameters.get("BODY") or "7BIT").upper(), OctetDomain.BINARY)


def _tell(job: Job, conversion: Conversion, remote: str) -> None:
    log.event(
        "message_converted",
        id=job.queue_id,
        remote=remote,
        needed=conversion.needed.encoding,
        domain=conversion.domain.encoding,
        broken_signatures=",".join(conversion.signing_domains) or None,
    )
