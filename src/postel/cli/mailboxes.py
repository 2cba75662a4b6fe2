"""`postel import` and `postel export`: mail from mbox files and Maildir folders, and into them.

What comes in is byte for byte what was in the file, but for line ends, which are CRLF in here and LF out there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from postel.app import Bench
from postel.cli import words
from postel.cli.context import Settings, pass_settings
from postel.cli.exporting import STANDARD_OUTPUT, write_maildir, write_mbox
from postel.cli.imap_import import import_account
from postel.cli.imap_source import parse_place
from postel.cli.import_folders import FolderImport
from postel.cli.mbox import Quoting
from postel.cli.rights import Rights
from postel.cli.skipped import Skipped
from postel.cli.trees import Folder, maildir_plus_plus
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


# Options that mean nothing beside what else was said, and what to do in place of them.
_OF_FILES: Final = {
    "name": "--mailbox is for files: name the mailbox in the URL, as in imaps://user@host/Sent",
    "quoting": "--quoting is for mbox files",
    "is_tree": "--tree is for files: without a mailbox in the URL, all of them come",
}
_OF_SERVERS: Final = {
    "password_stdin": "--password-stdin is for IMAP servers",
    "insecure": "--insecure is for IMAP servers",
}
_OF_ONE: Final = {"name": "--tree takes all mailboxes under their names: leave --mailbox out"}


def refuse(options: Mapping[str, str]) -> None:
    """Raises UsageError where one of these was given on the command line."""
    context = click.get_current_context()
    for option, why in options.items():
        if context.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(why)


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
@click.argument("source", metavar="PATH|URL")
@of_mailbox
@click.option(
    "--quoting",
    type=click.Choice([quoting.value for quoting in Quoting]),
    default=Quoting.MBOXRD.value,
    show_default=True,
    help="How the writer of a mbox file kept lines that begin with From apart.",
)
@click.option(
    "--tree", "is_tree", is_flag=True, help="PATH is a tree of folders: all of them, each under its name."
)
@click.option(
    "--password-stdin", is_flag=True, help="The password of the IMAP account, one line on standard input."
)
@click.option("--insecure", is_flag=True, help="Do not check the certificate of the IMAP server.")
@pass_settings
def import_command(
    settings: Settings,
    address: str,
    source: str,
    name: MailboxName,
    quoting: str,
    is_tree: bool,
    password_stdin: bool,
    insecure: bool,
) -> None:
    """Put the mail of a mbox file, a Maildir folder or another IMAP server into the mailbox of ADDRESS.

    \b
    postel import ann@example.org /var/mail/ann
    postel import ann@example.org ~ann/Maildir
    postel import ann@example.org ~ann/Maildir/.Sent --mailbox Sent
    postel import ann@example.org ~ann/Maildir --tree
    zcat old.mbox.gz | postel import ann@example.org -
    postel import ann@example.org imaps://ann@imap.example.com
    postel import ann@example.org imaps://ann@imap.example.com/Sent

    Dates come from the separator lines of a mbox and from the files of a Maildir, flags from Status fields and
    from file names. Nothing is ever overwritten: to import files twice is to have everything twice. From an IMAP
    server, all mailboxes come under their names; a later run takes what is new, and goes on where one broke off.
    What cannot be taken is named at the end, with status 1; all else is in.
    """
    if "://" in source:
        refuse(_OF_FILES)
        _import_from_imap(settings, address, source, password_stdin=password_stdin, verify=not insecure)
        return
    refuse(_OF_SERVERS | (_OF_ONE if is_tree else {}))
    path, rights, skipped = Path(source), Rights(), Skipped()

    async def work(bench: Bench) -> int:
        account = await find_account(bench, address)
        importing = FolderImport(bench, account, Quoting(quoting), rights, skipped)
        await (importing.take_tree(path) if is_tree else importing.take(Folder(name, path)))
        return importing.number

    number = run(settings, work, become=rights.act_as_owner)
    where = "mailboxes" if is_tree else name
    click.echo(f"Imported {words.count(number, 'message')} into {where} of {address}.")
    skipped.end()


def _import_from_imap(
    settings: Settings, address: str, url: str, *, password_stdin: bool, verify: bool
) -> None:
    try:
        place = parse_place(url)
    except CannotDo as why:
        raise click.UsageError(str(why)) from None
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = str(click.prompt(f"Password of {place.user} at {place.host}", hide_input=True, err=True))

    async def work(bench: Bench) -> int:
        account = await find_account(bench, address)
        return await import_account(bench, account, place, password, skipped, verify=verify)

    skipped = Skipped()
    number = run(settings, work, become=stay)
    click.echo(f"Imported {words.count(number, 'message')} from {place.host} into mailboxes of {address}.")
    skipped.end()


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
@click.option("--tree", "is_tree", is_flag=True, help="All mailboxes, as a tree of Maildirs (Maildir++).")
@pass_settings
def export_command(
    settings: Settings, address: str, path: Path, name: MailboxName, form: str, is_tree: bool
) -> None:
    """Write the mail in the mailbox of ADDRESS to PATH, which must not be there yet; a mbox may go to standard output.

    \b
    postel export ann@example.org ann.mbox
    postel export ann@example.org - | gzip >ann.mbox.gz
    postel export ann@example.org ann --format maildir
    postel export ann@example.org ann --tree
    """
    refuse(_OF_ONE | {"form": "--tree writes Maildirs: leave --format out"} if is_tree else {})
    is_piped = path == STANDARD_OUTPUT
    if is_piped and (is_tree or form != "mbox"):
        raise click.UsageError("only a mbox goes to standard output")

    async def work(bench: Bench) -> int:
        account = await find_account(bench, address)
        if not is_piped and (path.exists() or path.is_symlink()):
            raise CannotDo(f"{path} is there already; name a new one")
        if is_tree:
            return await _export_tree(bench, account, path)
        box = await bench.rooms.store.mailbox(account.id, name)
        if box is None:
            raise CannotDo(f"{address} has no mailbox {name}")
        write = write_mbox if form == "mbox" else write_maildir
        return await write(bench, box, path)

    number = run(settings, work, become=stay)
    where = "standard output" if is_piped else path
    click.echo(f"Exported {words.count(number, 'message')} to {where}.", err=is_piped)


async def _export_tree(bench: Bench, account: Account, path: Path) -> int:
    boxes = [box for box in await bench.rooms.store.mailboxes(account.id) if box.is_selectable]
    number = 0
    for box in sorted(boxes, key=lambda box: (box.name != INBOX, box.name)):
        number += await write_maildir(bench, box, maildir_plus_plus(path, box.name))
    return number


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
