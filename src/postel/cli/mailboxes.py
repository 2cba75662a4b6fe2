"""`postel import` and `postel export`: mail from mbox files and Maildir folders, and into them.

What comes in is byte for byte what was in the file, but for line ends, which are CRLF in here and LF out there.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from postel.app import Bench
from postel.cli import words
from postel.cli.context import Settings, pass_settings
from postel.cli.exporting import write_maildir, write_mbox
from postel.cli.importing import Importer, find_source
from postel.cli.mbox import Quoting
from postel.cli.rights import Rights
from postel.cli.work import CannotDo, run, stay
from postel.directory import Account
from postel.mail import BadSyntax, parse_mailbox
from postel.store import INBOX, BadMailboxName, MailboxName, StoreOptions, checked_name


def read_name(context: click.Context, parameter: click.Parameter, value: str | None) -> MailboxName | None:
    """A mailbox name as an option."""
    if value is None:
        return None
    try:
        return checked_name(value, StoreOptions())
    except BadMailboxName as complaint:
        raise click.BadParameter(str(complaint)) from None


of_mailbox = click.option(
    "--mailbox",
    "name",
    default=INBOX,
    show_default=True,
    callback=read_name,
    metavar="NAME",
    help="The stored mailbox; mail programs call it a folder.",
)


@click.command("import")
@click.argument("address")
@click.argument("path", type=click.Path(path_type=Path))
@of_mailbox
@click.option(
    "--quoting",
    type=click.Choice([quoting.value for quoting in Quoting]),
    default=Quoting.MBOXRD.value,
    show_default=True,
    help="How the writer of a mbox file kept lines that begin with From apart.",
)
@pass_settings
def import_command(settings: Settings, address: str, path: Path, name: MailboxName, quoting: str) -> None:
    """Put the mail of a mbox file or a Maildir folder into the mailbox of ADDRESS.

    \b
    postel import ann@example.org /var/mail/ann
    postel import ann@example.org ~ann/Maildir
    postel import ann@example.org ~ann/Maildir/.Sent --mailbox Sent
    zcat old.mbox.gz | postel import ann@example.org -

    Dates come from the separator lines of a mbox and from the files of a Maildir, flags from Status fields and
    from file names. Nothing is ever overwritten: to import twice is to have everything twice.
    """
    rights = Rights()

    async def work(bench: Bench) -> int:
        account = await find_account(bench, address)
        with ExitStack() as files:
            source = find_source(path, Quoting(quoting), rights, files)
            store = bench.rooms.store
            await bench.rooms.database.write(lambda tx: store.create(tx, account.id, name))
            return await Importer(bench, account, name).run(source)

    number = run(settings, work, become=rights.act_as_owner)
    click.echo(f"Imported {words.count(number, 'message')} into {name} of {address}.")


@click.command("export")
@click.argument("address")
@click.argument("path", type=click.Path(path_type=Path))
@of_mailbox
@click.option(
    "--format",
    "form",
    type=click.Choice(["mbox", "maildir"]),
    default="mbox",
    show_default=True,
    help="One file with all messages; or a folder with a file for each, which keeps flags too.",
)
@pass_settings
def export_command(settings: Settings, address: str, path: Path, name: MailboxName, form: str) -> None:
    """Write the mail in the mailbox of ADDRESS to PATH, which must not be there yet.

    \b
    postel export ann@example.org ann.mbox
    postel export ann@example.org ann --format maildir
    """

    async def work(bench: Bench) -> int:
        account = await find_account(bench, address)
        box = await bench.rooms.store.mailbox(account.id, name)
        if box is None:
            raise CannotDo(f"{address} has no mailbox {name}")
        if path.exists() or path.is_symlink():
            raise CannotDo(f"{path} is there already; name a new one")
        write = write_mbox if form == "mbox" else write_maildir
        return await write(bench, box, path)

    number = run(settings, work, become=stay)
    click.echo(f"Exported {words.count(number, 'message')} to {path}.")


async def find_account(bench: Bench, address: str) -> Account:
    """The account of an address. Raises CannotDo."""
    try:
        mailbox = parse_mailbox(address)
    except BadSyntax as complaint:
        raise CannotDo(f"{address!r} is no address: {complaint}") from None
    account = await bench.rooms.directory.find(mailbox.folded)
    if account is None:
        raise CannotDo(f"there is no account {mailbox}; make it with: postel account add {mailbox}")
    return account
