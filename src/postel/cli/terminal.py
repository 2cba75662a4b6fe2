"""`postel terminal`: wait for messages that people send to one's screen (SEND, SOML, SAML)."""

from __future__ import annotations

import email
import email.policy
from contextlib import suppress
from email.message import EmailMessage
from typing import Final

import click

from postel.app import Bench
from postel.cli.context import Settings, pass_settings, plain
from postel.cli.work import CannotDo, run
from postel.mail import BadSyntax, Mailbox, parse_mailbox
from postel.terminals import TerminalMessage, open_terminal

LINES_LIMIT: Final = 200  # of one message


@click.command("terminal")
@click.argument("address")
@click.option("--bell/--no-bell", default=True, show_default=True, help="Ring for each message.")
@pass_settings
def terminal_command(settings: Settings, address: str, bell: bool) -> None:
    """Wait here for messages to the screen of an account, and print them, until Ctrl-C.

    \b
    postel terminal ann@example.org

    Who may send them is said by commands.send. While this runs, SEND and SOML reach this terminal and leave nothing
    in the mailbox; SAML does both. It works beside the server, on its data directory.
    """
    try:
        mailbox = parse_mailbox(address)
    except BadSyntax as complaint:
        raise click.UsageError(str(complaint)) from None

    async def work(bench: Bench) -> None:
        if await bench.rooms.directory.find(mailbox.folded) is None:
            raise CannotDo(f"{mailbox} is no account; see: postel account list")
        await _wait(bench, mailbox, bell)

    with suppress(KeyboardInterrupt):
        run(settings, work)


async def _wait(bench: Bench, mailbox: Mailbox, bell: bool) -> None:
    click.echo(f"Waiting for messages to {mailbox}; Ctrl-C ends it.", err=True)
    async with open_terminal(bench.rooms.database, bench.edges.clock, mailbox.folded) as terminal:
        async for message in terminal.messages():
            click.echo(("\a" if bell else "") + screen(message))


def screen(message: TerminalMessage) -> str:
    """A message as lines of text that cannot steer the terminal."""
    parsed = email.message_from_bytes(message.content, policy=email.policy.default)
    lines = [f"--- message from <{plain(message.reverse_path)}>"]
    lines += [f"{name}: {plain(str(parsed[name]))}" for name in ("From", "Date", "Subject") if parsed[name]]
    lines += [
        "",
        *(plain(line.replace("\t", "    ")) for line in _text(parsed).splitlines()[:LINES_LIMIT]),
        "---",
    ]
    return "\n".join(lines)


def _text(parsed: EmailMessage) -> str:
    """The first part that is text, as far as it can be read."""
    part = parsed.get_body(("plain", "html"))
    if part is None:
        return "(no text)"
    try:
        return str(part.get_content())
    except (LookupError, ValueError, KeyError):
        return "(text that cannot be read)"
