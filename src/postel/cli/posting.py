"""Sending a message that a program on this machine hands in.

Gives       post(loaded, options, user, may_use_data) -> exit status.
Order       read all of the message; only then open the way into the queue, and hand it on.

All is read first, because programs are slow: cron starts sendmail with the first line of a job's output, and the
last may come hours later. A message is for all recipients that are not refused: for a refused one nothing is
queued, and the exit status says so. When standard input breaks off, what has come is sent, as with every other
sendmail.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import IO, Final, cast

import click

from postel.app import data_directory, real_edges, run_loop
from postel.cli import exits
from postel.cli.exits import Exit, status_for
from postel.cli.letter import Author, Letter, read_letter
from postel.cli.local_smtp import open_way
from postel.cli.sendmail_options import SendmailOptions
from postel.cli.who import User, mailbox_of, origin_of, parse_mailboxes, parse_reverse_path
from postel.config import Loaded, parse_size
from postel.delivery import HopTrouble, submit
from postel.mail import (
    BadSyntax,
    Domain,
    Envelope,
    ForwardPath,
    Mailbox,
    Parameters,
    Recipient,
    Reply,
    ReversePath,
    format_xtext,
)
from postel.message import recipients_of
from postel.net import READ_LIMIT
from postel.proto.smtp import ENVID_LIMIT
from postel.queue import QueueIds

# What a program on this machine says in EHLO.
HELLO: Final = "localhost"

_IN_MEMORY: Final = 1024 * 1024  # octets of a message; a larger one waits in a file
_NOTIFY: Final = frozenset({"NEVER", "SUCCESS", "FAILURE", "DELAY"})
_RETURN: Final = {"full": "FULL", "hdrs": "HDRS"}


def post(loaded: Loaded, options: SendmailOptions, user: User, may_use_data: Callable[[Loaded], bool]) -> int:
    """Send what stands on standard input. Raises Exit, and what opening the data directory raises.

    may_use_data    asked once the message has been read.
    """
    origin = origin_of(loaded)
    reverse_path = _reverse_path(options, user, origin)
    named = [mailbox for text in options.recipients for mailbox in _mailboxes(text, origin)]
    if not (named or options.from_header):
        raise Exit(exits.USAGE, "name a recipient, or say -t to take them from the header")
    letter = read_letter(_standard_input(), dot_ends=options.dot_ends)
    if options.from_header:
        named += _header_recipients(letter, origin)
    author = _author(loaded, options, user, reverse_path)
    envelope = _envelope(reverse_path, tuple(dict.fromkeys(named)), options)
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
        _fill(spool, letter.completed(author), parse_size(loaded.config.limits.message_size))
        into_data = may_use_data(loaded)
        replies = run_loop(_submit(loaded, envelope, spool, into_data))
    return _told(named, replies, options, loaded if not into_data else None)


def _reverse_path(options: SendmailOptions, user: User, origin: Domain) -> ReversePath:
    if options.reverse_path is None:
        return ReversePath(mailbox_of(user, origin))
    try:
        return parse_reverse_path(options.reverse_path, origin)
    except BadSyntax as complaint:
        raise Exit(exits.USAGE, f"-f {options.reverse_path!r}: {complaint}") from None


def _mailboxes(text: str, origin: Domain) -> tuple[Mailbox, ...]:
    try:
        return parse_mailboxes(text, origin)
    except BadSyntax as complaint:
        raise Exit(exits.DATA, f"{text!r}: {complaint}") from None


def _header_recipients(letter: Letter, origin: Domain) -> tuple[Mailbox, ...]:
    found = recipients_of(letter.header, origin)
    if not found.is_whole:
        raise Exit(exits.DATA, "the To, Cc or Bcc field holds what is no address; nothing was sent")
    if not found.mailboxes:
        raise Exit(exits.DATA, "the message names no recipient in To, Cc or Bcc")
    return found.mailboxes


def _author(loaded: Loaded, options: SendmailOptions, user: User, reverse_path: ReversePath) -> Author:
    edges = real_edges()
    hostname = loaded.config.hostname
    assert hostname is not None, "config.check refuses a file without one"
    is_user = options.reverse_path is None
    return Author(
        mailbox=reverse_path.mailbox or mailbox_of(user, origin_of(loaded)),
        full_name=options.full_name or (user.full_name if is_user else ""),
        hostname=hostname,
        unique=str(QueueIds(edges.clock, edges.random).next()),
        written_at=edges.clock.now(),
    )


def _envelope(reverse_path: ReversePath, mailboxes: Sequence[Mailbox], options: SendmailOptions) -> Envelope:
    """With what -R, -V and -N ask for (RFC 3461 4), for a server that offers it."""
    parameters: dict[str, str | None] = {}
    if options.ret is not None:
        if options.ret.lower() not in _RETURN:
            raise Exit(exits.USAGE, "-R is followed by full or hdrs")
        parameters["RET"] = _RETURN[options.ret.lower()]
    if options.envelope_id is not None:
        parameters["ENVID"] = _envid(options.envelope_id)
    if not all(mailbox.is_ascii for mailbox in (*mailboxes, reverse_path.mailbox) if mailbox is not None):
        parameters["SMTPUTF8"] = None
    for_each = _notify(options)
    recipients = (Recipient(ForwardPath.of(mailbox), for_each) for mailbox in mailboxes)
    return Envelope(reverse_path, tuple(recipients), parameters)


def _notify(options: SendmailOptions) -> Parameters:
    if options.notify is None:
        return {}
    words = options.notify.upper().split(",")
    if not set(words) <= _NOTIFY or ("NEVER" in words and len(words) > 1):
        raise Exit(exits.USAGE, "-N is followed by never, or by some of success, failure and delay")
    return {"NOTIFY": ",".join(words)}


def _envid(text: str) -> str:
    """RFC 3461 4.4: printable ASCII, in xtext of so many characters."""
    value = format_xtext(text) if text.isascii() and text.isprintable() else ""
    if not 0 < len(value) <= ENVID_LIMIT:
        raise Exit(exits.USAGE, f"-V is followed by printable ASCII, of {ENVID_LIMIT} characters at most")
    return value


def _standard_input() -> Iterator[bytes]:
    stdin = cast(io.BufferedReader, sys.stdin.buffer)
    while chunk := stdin.read1(READ_LIMIT):
        yield chunk


def _fill(spool: IO[bytes], content: Iterator[bytes], limit: int) -> None:
    size_bytes = 0
    for chunk in content:
        size_bytes += len(chunk)
        if size_bytes > limit:
            raise Exit(exits.UNAVAILABLE, f"the message is larger than message_size allows ({limit} octets)")
        spool.write(chunk)
    spool.seek(0)


async def _submit(loaded: Loaded, envelope: Envelope, spool: IO[bytes], into_data: bool) -> tuple[Reply, ...]:
    async with open_way(loaded, into_data=into_data) as way:
        try:
            return await submit(way.network, way.endpoint, envelope, _chunks(spool), hostname=HELLO)
        except HopTrouble as trouble:
            return (trouble.reply,) * len(envelope.recipients)


async def _chunks(spool: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := spool.read(READ_LIMIT):
        yield chunk


def _told(
    mailboxes: Sequence[Mailbox], replies: Sequence[Reply], options: SendmailOptions, by_server: Loaded | None
) -> int:
    """Say what became of each recipient; the exit status is that of the first that was refused."""
    for mailbox, reply in zip(mailboxes, replies, strict=True):
        if not reply.is_positive or options.is_verbose:
            click.echo(f"postel: {mailbox}: {reply}", err=not reply.is_positive)
    status = next((status for reply in replies if (status := status_for(reply))), exits.OK)
    if status == exits.NOT_ALLOWED and by_server is not None:
        click.echo(
            f"postel: the server was asked, since {data_directory(by_server)} is not ours to write to; "
            "to let programs of this machine send anywhere, name its addresses in [relay] networks",
            err=True,
        )
    return status
