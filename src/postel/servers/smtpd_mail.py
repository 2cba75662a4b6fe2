"""A mail transaction in a session: MAIL, RCPT, the content, and how it ends.

Implements  RFC 5321 3.3 (a mail transaction), 4.2.5 (250 after the content: we are responsible), 4.5.1 (postmaster),
            7.3 (who tries out addresses), RFC 3030 2 (chunks), RFC 1845 3 (a transaction that is kept).
Asks        Hooks, Postel's own policy among them, at mail and rcpt.
Gives       begin_content, handle_mail, handle_rcpt, handle_data_start, handle_bdat, handle_chunk, handle_chunk_end,
            handle_data_end, handle_data_aborted, handle_reset, handle_quit.
Not here    What becomes of the content: smtpd_content. Transactions with a TRANSID: smtpd_checkpoint.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from postel.database import DatabaseTrouble
from postel.hooks import NO_OPINION, Decision, Mail, Phase, Rcpt
from postel.mail import LocalFault, Mailbox, Recipient, Reply, Status
from postel.mail.replies import MAILBOX_UNKNOWN
from postel.proto import smtp
from postel.proto.smtp import replies
from postel.queue import QueueId
from postel.servers.smtpd_checkpoint import COMPLETE_ALREADY, Checkpointing, check_resumed, without_transid
from postel.servers.smtpd_content import trouble_reply
from postel.servers.smtpd_session import SmtpSession
from postel.servers.smtpd_showing import show_delivery
from postel.servers.smtpd_terminal import NOT_THERE, ToTerminals
from postel.servers.smtpd_transaction import MailTransaction
from postel.servers.smtpd_wishes import grant_priority
from postel.servers.submission import believed

GUESSING: Final = Reply(421, Status(4, 7, 0), "Too many unknown recipients; closing")


async def handle_mail(session: SmtpSession, event: smtp.Mail) -> None:
    """MAIL, or SEND, SOML, SAML."""
    kept = session.checkpointing or checkpointing_of(session)
    if kept is not None:
        await kept.given_up(None)  # RFC 1845 3: whoever begins anew has heard the last reply
    if kept is None or event.transid is None:
        _answer_mail(session, await _begin(session, event, None))
        return
    try:
        _answer_mail(session, await kept.mail(event, session.client))
    except DatabaseTrouble as trouble:
        session.talk.answer(trouble_reply(trouble))


def checkpointing_of(session: SmtpSession) -> Checkpointing | None:
    """What keeps transactions that are interrupted, where any are kept."""
    checkpoints, parts = session.parts.checkpoints, session.parts
    if checkpoints is None or not session.options.keeps_transactions:
        return None
    session.checkpointing = Checkpointing(
        checkpoints,
        parts.contents,
        session.options.limits,
        session.log,
        begin=partial(_begin, session),
        admit=partial(_admit, session),
        cut_off=lambda: session.drive.stream.abort(),
    )
    return session.checkpointing


def _answer_mail(session: SmtpSession, found: MailTransaction | Reply) -> None:
    if isinstance(found, Reply):
        session.talk.answer(found)
        return
    session.transaction = found
    if found.resumption is not None:
        session.talk.resume(found.resumption)
    else:
        session.talk.answer(found.greeting)


async def _begin(session: SmtpSession, event: smtp.Mail, queue_id: QueueId | None) -> MailTransaction | Reply:
    """A new transaction, or why there is none."""
    parameters = event.parameters
    if parameters:
        kept = parameters if event.transid is None else without_transid(parameters)
        parameters = believed(kept, session.client.account)
    transaction = MailTransaction(
        queue_id or session.parts.queue.next_id(), event.reverse_path, parameters, session.added, event.manner
    )
    if session.hooks.wants(Phase.MAIL):
        facts = Mail(session.client, transaction.id_text, event.reverse_path, event.parameters)
        decision = await session.ask(Phase.MAIL, facts)
        if decision is not NO_OPINION and (reply := _turned_down(session, transaction, decision)):
            return reply
    if parameters:
        transaction.greeting = _grant_wishes(session, transaction)
    return transaction


def _turned_down(session: SmtpSession, transaction: MailTransaction, decision: Decision) -> Reply | None:
    """What policy says to a MAIL: the refusal, or what it wants done."""
    reply = session.refused(Phase.MAIL, decision, transaction)
    if reply is None:
        transaction.amend(decision)
        if decision.discarded is not None:
            transaction.discard_as = decision.discarded.because or decision.source
    return reply


def _grant_wishes(session: SmtpSession, transaction: MailTransaction) -> Reply | None:
    """What is granted of the wishes of time and rank; the reply to MAIL, where that has to say it."""
    if "BY" in transaction.parameters:
        transaction.begun_at = session.parts.clock.now()
    if "MT-PRIORITY" not in transaction.parameters:
        return None
    policy = session.options.wishes
    transaction.parameters, reply = grant_priority(policy, transaction.parameters, session.client)
    return reply


async def handle_rcpt(session: SmtpSession, event: smtp.Rcpt) -> None:
    """RCPT."""
    transaction = session.transaction
    if transaction is None:
        raise LocalFault("RCPT without MAIL")
    recipient = Recipient(event.forward_path, event.parameters)
    if transaction.resumption is not None and (reply := check_resumed(transaction, recipient)):
        session.talk.answer(reply)
        return
    reply = await _admit(session, transaction, recipient)
    if reply is None:
        transaction.asked.append(recipient.forward_path.at(session.options.hostname))
        if transaction.said is not None:
            transaction.named.append(recipient)
    session.talk.answer(reply and await _slow_down(session, reply))


async def _admit(session: SmtpSession, transaction: MailTransaction, recipient: Recipient) -> Reply | None:
    """Add a recipient, if policy lets it in; else the refusal."""
    # RFC 5321 4.5.1: a bare postmaster is ours.
    mailbox = recipient.forward_path.at(session.options.hostname)
    facts = Rcpt(
        session.client,
        transaction.id_text,
        transaction.reverse_path,
        mailbox,
        recipient.parameters,
        len(transaction.recipients),
        transaction.parameters,
    )
    decision = await session.ask(Phase.RCPT, facts)
    if decision is not NO_OPINION and (reply := session.refused(Phase.RCPT, decision, transaction, mailbox)):
        return reply
    if transaction.manner is not smtp.Manner.MAIL and (
        reply := await _not_there(session, transaction.manner, mailbox)
    ):
        return reply
    if decision.discarded is not None:
        because = decision.discarded.because or decision.source
        session.log.recipient_discarded(transaction, mailbox, because)
    else:
        transaction.add_recipient(mailbox, recipient.parameters, recipient)
    transaction.amend(decision)
    return None


async def _not_there(session: SmtpSession, manner: smtp.Manner, mailbox: Mailbox) -> Reply | None:
    """RFC 821 3.4: what SEND is told where nobody is there."""
    terminals = session.parts.terminals
    if terminals is None:
        return NOT_THERE
    try:
        return await ToTerminals(terminals, session.parts).check(manner, mailbox)
    except DatabaseTrouble as trouble:
        return trouble_reply(trouble)


async def _slow_down(session: SmtpSession, reply: Reply) -> Reply:
    """RFC 5321 7.3: who tries out addresses learns few of them, slowly."""
    if reply.status != MAILBOX_UNKNOWN.status:
        return reply
    session.unknown += 1
    if session.unknown >= session.options.unknown_close:
        return GUESSING
    if session.unknown > session.options.unknown_slow:
        await asyncio.sleep(session.options.unknown_wait_s)
    return reply


# The content


async def handle_data_start(session: SmtpSession, event: smtp.DataStart) -> None:
    """DATA."""
    await begin_content(session)
    resumption = session.transaction.resumption if session.transaction else None
    session.talk.answer(replies.send_from(resumption.offset) if resumption else None)


async def handle_bdat(session: SmtpSession, event: smtp.Bdat) -> None:
    """RFC 3030 2: the first BDAT of a transaction begins its content; nothing is said before."""
    if session.data_ends_s is None:
        await begin_content(session)


async def begin_content(session: SmtpSession) -> None:
    """A draft for it, and the time until when it has to be here."""
    transaction = session.transaction
    if transaction is None:
        return
    if session.checkpointing is not None and transaction.claim is not None:
        await session.checkpointing.begin_content(transaction)
    else:
        transaction.begin_content(session.parts.contents)
    session.data_ends_s = session.loop.time() + session.options.data_s


async def handle_chunk(session: SmtpSession, event: smtp.Chunk) -> None:
    """A piece of content."""
    if session.transaction is not None:
        await session.transaction.take(event.data)


async def handle_chunk_end(session: SmtpSession, event: smtp.ChunkEnd) -> None:
    """RFC 3030 2: a chunk that could not be stored is refused at its end, not the whole at the last one's."""
    trouble = session.transaction.trouble if session.transaction else None
    session.talk.answer(trouble_reply(trouble) if trouble is not None else None)


async def handle_data_end(session: SmtpSession, event: smtp.DataEnd) -> None:
    """The end of mail data."""
    transaction, session.transaction = session.transaction, None
    session.data_ends_s = None
    if transaction is None:
        raise LocalFault("the end of content that never began")
    reply = await _accept(session, transaction, event)
    if session.checkpointing is not None and transaction.claim is not None:
        await session.checkpointing.answered(transaction, reply)
    session.intake.forwarded = {}
    session.accepted += reply.is_positive
    if transaction.refused and event.each == len(transaction.asked):
        session.talk.answer_each(transaction.replies(reply))
    else:
        session.talk.answer(reply)


async def _accept(session: SmtpSession, transaction: MailTransaction, event: smtp.DataEnd) -> Reply:
    if transaction.reply is not None:
        return await _answer_again(transaction, event)
    if session.talk.is_verbose:
        return await _accept_and_show(session, transaction, event)
    return await session.intake.accept(transaction, event, session.client, session.drive.stream)


async def _answer_again(transaction: MailTransaction, event: smtp.DataEnd) -> Reply:
    """The content had come before: its reply is all that was missing."""
    await transaction.drop()
    is_same = transaction.resumption is None or event.size_bytes == transaction.resumption.offset
    return transaction.reply if is_same and transaction.reply is not None else COMPLETE_ALREADY


async def _accept_and_show(session: SmtpSession, transaction: MailTransaction, event: smtp.DataEnd) -> Reply:
    """VERB: the message is durable first; then what becomes of it is shown, for a while."""
    queue = session.parts.queue
    with queue.follow(transaction.queue_id, len(transaction.recipients)) as following:
        reply = await session.intake.accept(transaction, event, session.client, session.drive.stream)
        is_queued = reply.is_positive and transaction.is_handed_over
        if is_queued and queue.is_scheduling:
            show_s = session.options.commands.show_s
            await show_delivery(following, session.talk.show, session.drive.flush, show_s)
    return reply


# Other ends


async def handle_data_aborted(session: SmtpSession, event: smtp.DataAborted) -> None:
    """The content is void."""
    session.log.aborted(session.transaction, event.because)
    await session.drop(is_interrupted=isinstance(event.because, smtp.Ending))


async def handle_reset(session: SmtpSession, event: smtp.Reset) -> None:
    """RSET, or EHLO in the middle of a transaction."""
    session.intake.forwarded = {}
    await session.drop()
    await _hear_out(session)


async def handle_quit(session: SmtpSession, event: smtp.Quit) -> None:
    """QUIT."""
    await _hear_out(session)


async def _hear_out(session: SmtpSession) -> None:
    """RFC 1845 3: with QUIT, too, the client says that it has heard all it wants to hear."""
    if session.checkpointing is not None:
        await session.checkpointing.given_up(None)
