"""A guided session: greeting, EHLO, TLS, login, further commands, one transaction, QUIT.

Implements  RFC 5321 3.1 to 3.3 and 3.8 as a client, RFC 3207 4, RFC 2033 4, RFC 3030 2.
Gives       Plan, TlsWish, guide, say_hello, start_tls.
Not here    The login: login.

No content is ever sent unless the plan has one: without, the transaction ends with RSET.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from postel.cli.debug.login import Login, log_in
from postel.cli.debug.talk import Talk
from postel.proto.smtp import CONTENT, DotStuffer
from postel.tls import ClientTls


class TlsWish(enum.Enum):
    """What is demanded of TLS. IMPLICIT: from the first octet on."""

    NEVER = "never"
    MAY = "may"
    MUST = "must"
    VERIFIED = "verified"
    IMPLICIT = "implicit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be said.

    helo            our name.
    says            commands to say before the transaction, as they are.
    sender          the reverse path, as it stands in MAIL; None: no transaction.
    mail, rcpt      parameters of MAIL, and of every RCPT.
    content         None: nothing is sent. Lines end in CRLF.
    by_chunks       whether it goes by BDAT.
    """

    helo: str
    tls: TlsWish = TlsWish.MAY
    login: Login | None = None
    says: tuple[str, ...] = ()
    sender: str | None = None
    recipients: tuple[str, ...] = ()
    mail: tuple[str, ...] = ()
    rcpt: tuple[str, ...] = ()
    content: bytes | None = None
    by_chunks: bool = False


async def guide(talk: Talk, plan: Plan, context: ClientTls) -> bool:
    """Go through the plan; whether all of it was accepted. Raises TalkOver."""
    if not (await talk.greeting()).is_positive or not await say_hello(talk, plan.helo):
        return await _leave(talk, False)
    if not await _wished_tls(talk, plan, context):
        return await _leave(talk, False)
    if plan.login is not None and not await log_in(talk, plan.login):
        return await _leave(talk, False)
    is_fine = True
    for line in plan.says:
        await talk.unasked()
        is_fine &= (await talk.ask(line)).is_positive
    if plan.sender is not None:
        is_fine &= await _transact(talk, plan, plan.sender)
    return await _leave(talk, is_fine)


async def _leave(talk: Talk, is_fine: bool) -> bool:
    await talk.unasked()
    await talk.quit()
    return is_fine


async def say_hello(talk: Talk, name: str) -> bool:
    """EHLO, or LHLO; HELO where that is unknown (RFC 5321 3.2)."""
    await talk.unasked()
    if talk.scene.is_lmtp:
        return (await talk.ask(f"LHLO {name}")).is_positive
    answer = await talk.ask(f"EHLO {name}")
    if answer.code in (500, 502):
        talk.note("it does not know EHLO; perhaps HELO")
        answer = await talk.ask(f"HELO {name}")
    return answer.is_positive


# TLS.


async def _wished_tls(talk: Talk, plan: Plan, context: ClientTls) -> bool:
    if plan.tls in (TlsWish.NEVER, TlsWish.IMPLICIT):
        return True
    if "STARTTLS" not in talk.parameters:
        return _without_tls(talk, plan.tls, "STARTTLS is not offered")
    if not await start_tls(talk, context):
        return _without_tls(talk, plan.tls, "STARTTLS was refused")
    # RFC 3207 4.2: what was offered before is forgotten.
    return await say_hello(talk, plan.helo)


def _without_tls(talk: Talk, wish: TlsWish, because: str) -> bool:
    is_fine = wish is TlsWish.MAY
    talk.note(f"{because}: {'the session goes on in the clear' if is_fine else 'so nothing is sent'}")
    return is_fine


async def start_tls(talk: Talk, context: ClientTls) -> bool:
    """STARTTLS and the handshake; False where it was refused."""
    answer = await talk.ask("STARTTLS")
    if answer.code != 220:
        return False
    await talk.secure(context)
    return True


# A transaction.


async def _transact(talk: Talk, plan: Plan, sender: str) -> bool:
    await talk.unasked()
    line = " ".join([f"MAIL FROM:<{sender}>", *_mail_parameters(talk, plan)])
    if not (await talk.ask(line)).is_positive:
        return False
    accepted = 0
    for recipient in plan.recipients:
        answer = await talk.ask(" ".join([f"RCPT TO:<{recipient}>", *plan.rcpt]))
        accepted += answer.is_positive
    is_fine = accepted == len(plan.recipients)
    if plan.content is None or not accepted:
        talk.note("nothing is sent" + ("" if accepted else ": there is nobody to send it to"))
        return (await talk.ask("RSET")).is_positive and is_fine
    return await _send(talk, plan.content, plan.by_chunks, accepted) and is_fine


def _mail_parameters(talk: Talk, plan: Plan) -> list[str]:
    """What the content needs, where it is offered; then what was asked for."""
    content = plan.content
    named = {word.partition("=")[0].upper() for word in plan.mail}
    found = []
    if content is not None and "SIZE" in talk.parameters and "SIZE" not in named:
        found.append(f"SIZE={len(content)}")
    if (
        content is not None
        and not content.isascii()
        and "8BITMIME" in talk.parameters
        and "BODY" not in named
    ):
        found.append("BODY=8BITMIME")
    is_ascii = all(map(str.isascii, (plan.sender or "", *plan.recipients)))
    if not is_ascii and "SMTPUTF8" not in named:
        found.append("SMTPUTF8")
    return [*found, *plan.mail]


async def _send(talk: Talk, content: bytes, by_chunks: bool, accepted: int) -> bool:
    if by_chunks:
        await talk.say(f"BDAT {len(content)} LAST")
        await talk.say_content(content, is_chunk=True)
    else:
        if (await talk.ask("DATA")).code != 354:
            return False
        stuffer = DotStuffer()
        await talk.say_content(stuffer.stuff(content) + stuffer.end())
    # RFC 2033 4.2: LMTP answers for each recipient that was accepted.
    answers = [await talk.hear(CONTENT) for _ in range(accepted if talk.scene.is_lmtp else 1)]
    return all(answer.is_positive for answer in answers)
