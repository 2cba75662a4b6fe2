"""Binary messages at the end of their way: in lines, as those who read them must have them.

Implements  RFC 3030 3 (a delivery that cannot be binary converts), RFC 1939 3 and 8 (what POP3 gives is lines).
Gives       InLines, in_lines.
Not here    How a message is converted: message.conversion.

A message with a NUL, or a CR or LF alone, can come by BINARYMIME only, and neither POP3 nor a mailbox file can give it
out. It is converted when it is delivered, not when it comes: each way on has needs of its own. Lines that are only long
stay. What cannot be converted, since it is signed, is kept as it came: a reader may still make
something of it, and returning it would help nobody.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from postel.contents import Contents, Draft, Sealed
from postel.delivery.fitting import domain_of
from postel.message import (
    CannotConvert,
    Carriage,
    MimeReader,
    OctetDomain,
    keeps_for_conversion,
    plan_conversion,
)
from postel.queue import Job

LINES: Final = Carriage(OctetDomain.EIGHT_BIT, takes_utf8=True, takes_long_lines=True)


@dataclass(frozen=True, slots=True)
class InLines:
    """Another content in place of a job's. The draft is to be discarded when the job is done."""

    sealed: Sealed
    draft: Draft


async def in_lines(contents: Contents, job: Job) -> InLines | None:
    """The content in lines; None where it is that already. A message that is not binary costs nothing."""
    if domain_of(job.parameters) is not OctetDomain.BINARY:
        return None
    content, reader = await contents.reader(job.content_id), MimeReader(keeps=keeps_for_conversion)
    async with aclosing(content.chunks()) as chunks:
        async for chunk in chunks:
            reader.feed(chunk)
    try:
        conversion = plan_conversion(reader.finish(), LINES)
    except CannotConvert:
        return None
    if not conversion.edits:
        return None
    editor, draft = conversion.editor(), contents.draft()
    try:
        async with aclosing(content.chunks()) as chunks:
            async for chunk in chunks:
                await draft.write(editor.feed(chunk))
        await draft.write(editor.finish())
        return InLines(await draft.seal(), draft)
    except BaseException:
        await draft.discard()
        raise
