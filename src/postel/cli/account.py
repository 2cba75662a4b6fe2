"""`postel account`: who has a mailbox here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from postel.app import Bench
from postel.cli import words
from postel.cli.context import Settings, as_json, fail, pass_settings, show
from postel.cli.passwords import SecretFrom, secret_options, take_secret
from postel.cli.undelete import undelete_command
from postel.cli.work import CannotDo, run
from postel.config import parse_size
from postel.database import Transaction
from postel.directory import Account, AccountExists, NoAccount
from postel.mail import BadSyntax, Mailbox, parse_mailbox
from postel.proto import sasl
from postel.routing import ToMailbox

T = TypeVar("T")
_NEED_SECRET = frozenset(row.name for row in sasl.MECHANISMS if row.stored is sasl.Stored.SECRET)


@click.group("account")
def account_command() -> None:
    """Accounts: who has a mailbox here and may log in.

    \b
    postel account add ann@example.org
    postel account list
    postel account password ann@example.org --generate
    postel account quota ann@example.org "2 GB"
    postel account undelete ann@example.org --list
    postel account remove ann@example.org

    Changes hold at once, whether the server runs or not.
    """


account_command.add_command(undelete_command)


@account_command.command("add")
@click.argument("address")
@secret_options
@pass_settings
def add_command(settings: Settings, address: str, password_stdin: bool, generate: bool) -> None:
    """Make an account. Its domain must be one of ours, with a [[domain]] in the configuration.

    \b
    postel account add ann@example.org
    postel account add ann@example.org --generate
    echo "$PASSWORD" | postel account add ann@example.org --password-stdin
    """
    mailbox = _parse(address)

    async def check(bench: Bench) -> None:
        _check_domain(bench, mailbox)
        if await bench.rooms.directory.find(mailbox.folded) is not None:
            raise AccountExists(str(mailbox))

    _run(settings, check, makes_data=True)
    password, source = take_secret("password", password_stdin=password_stdin, generate=generate)

    async def add(bench: Bench) -> str | None:
        async def make_mailboxes(tx: Transaction, account: Account) -> None:
            await bench.rooms.store.tree.make_defaults(tx, account.id)

        await bench.rooms.directory.add(mailbox, password, also=make_mailboxes)
        return await _why_unreached(bench, mailbox)

    why = _run(settings, add, makes_data=True)
    _done(f"Made the account {mailbox}.", password, source)
    if why is not None:
        click.echo(f"Note: {why}", err=True)


@account_command.command("list")
@as_json
@pass_settings
def list_command(settings: Settings, as_json: bool) -> None:
    """Show all accounts."""

    async def work(bench: Bench) -> list[dict[str, object]]:
        return [await _row(bench, account) for account in await bench.rooms.directory.list()]

    rows = _run(settings, work)
    if not as_json:
        rows = [_for_people(row) for row in rows]
    show(rows, as_json, "There are no accounts; make one with: postel account add ADDRESS")


@account_command.command("password")
@click.argument("address")
@secret_options
@pass_settings
def password_command(settings: Settings, address: str, password_stdin: bool, generate: bool) -> None:
    """Change a password, at once and for all protocols.

    \b
    postel account password ann@example.org
    postel account password ann@example.org --generate
    """
    mailbox = _parse(address)
    _run(settings, lambda bench: _find(bench, mailbox))
    password, source = take_secret("new password", password_stdin=password_stdin, generate=generate)

    async def change(bench: Bench) -> None:
        await bench.rooms.directory.set_password(mailbox, password)

    _run(settings, change)
    _done(f"Changed the password of {mailbox}.", password, source)


@account_command.command("remove")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_settings
def remove_command(settings: Settings, address: str, yes: bool) -> None:
    """Take an account away, with all its mail.

    \b
    postel account remove ann@example.org
    postel account remove ann@example.org --yes

    To keep the mail: postel export ann@example.org ann.mbox
    """
    mailbox = _parse(address)

    async def look(bench: Bench) -> int:
        account = await _find(bench, mailbox)
        return (await _usage(bench, account))[0]

    messages = _run(settings, look)
    if not yes:
        question = f"Remove {mailbox} and {words.count(messages, 'message')} in its mailboxes, for good?"
        click.confirm(question, abort=True, err=True)

    async def remove(bench: Bench) -> None:
        async def forget(tx: Transaction, account: Account) -> None:
            await bench.rooms.store.forget_account(tx, account.id)

        await bench.rooms.directory.remove(mailbox, also=forget)
        await bench.rooms.store.housekeeping.tidy()  # "for good" is now, whether or not a server runs

    _run(settings, remove)
    click.echo(f"Removed the account {mailbox} and its mail.")


@account_command.command("quota")
@click.argument("address")
@click.argument("size", required=False)
@click.option("--messages", metavar="NUMBER", help="How many messages, or `none` for no limit.")
@pass_settings
def quota_command(settings: Settings, address: str, size: str | None, messages: str | None) -> None:
    """Say how much an account may store: `2 GB`, or `none` for no limit. Without a size, tell it.

    \b
    postel account quota ann@example.org "2 GB"
    postel account quota ann@example.org none
    postel account quota ann@example.org --messages 100000
    postel account quota ann@example.org
    """
    mailbox = _parse(address)
    if size is None and messages is None:
        account, usage = _run(settings, lambda bench: _account_and_usage(bench, mailbox))
        click.echo(_stores(account, *usage))
    if size is not None:
        quota_bytes = _parse_quota(size)
        _run(settings, lambda bench: bench.rooms.directory.set_quota(mailbox, quota_bytes))
        click.echo(f"{mailbox} may store {_quota(quota_bytes)} now.")
    if messages is not None:
        number = _parse_number(messages)
        _run(settings, lambda bench: bench.rooms.directory.set_message_quota(mailbox, number))
        click.echo(f"{mailbox} may have {_number(number)} now.")


@account_command.group("secret")
def secret_command() -> None:
    """Shared secrets, which APOP (RFC 1939 7), CRAM-MD5 and DIGEST-MD5 need, and nothing else does.

    A shared secret must be stored so that it can be read back, unlike a password. Give one only to accounts
    whose programs know nothing better, and never one that is used elsewhere.
    """


@secret_command.command("set")
@click.argument("address")
@secret_options
@pass_settings
def set_command(settings: Settings, address: str, password_stdin: bool, generate: bool) -> None:
    """Give an account a shared secret.

    \b
    postel account secret set ann@example.org --generate
    """
    mailbox = _parse(address)
    _run(settings, lambda bench: _find(bench, mailbox))
    secret, source = take_secret("shared secret", password_stdin=password_stdin, generate=generate)
    if not secret.strip() or not secret.isprintable():
        fail("a shared secret is not empty and holds no control characters")

    async def change(bench: Bench) -> bool:
        await bench.rooms.directory.set_shared_secret(mailbox, secret)
        login = bench.loaded.config.login
        return login.apop or not _NEED_SECRET.isdisjoint(login.mechanisms)

    is_offered = _run(settings, change)
    _done(f"{mailbox} has a shared secret now.", secret, source)
    if not is_offered:
        click.echo(
            "Note: nothing that needs it is offered; under [login] say apop = true, or name CRAM-MD5 or "
            "DIGEST-MD5 in mechanisms.",
            err=True,
        )


@secret_command.command("remove")
@click.argument("address")
@pass_settings
def unset_command(settings: Settings, address: str) -> None:
    """Take the shared secret of an account away."""
    mailbox = _parse(address)

    async def change(bench: Bench) -> None:
        account = await _find(bench, mailbox)
        if await bench.rooms.directory.shared_secret(account) is None:
            raise CannotDo(f"{mailbox} has no shared secret")
        await bench.rooms.directory.set_shared_secret(mailbox, None)

    _run(settings, change)
    click.echo(f"{mailbox} has no shared secret any more.")


def _run(settings: Settings, work: Callable[[Bench], Awaitable[T]], *, makes_data: bool = False) -> T:
    """`run`, with what the directory objects to said in a sentence."""

    async def told(bench: Bench) -> T:
        try:
            return await work(bench)
        except AccountExists as exists:
            raise CannotDo(f"{exists} has an account already; see: postel account list") from None
        except NoAccount as unknown:
            raise CannotDo(f"there is no account {unknown}; see: postel account list") from None
        except BadSyntax as complaint:
            raise CannotDo(str(complaint)) from None

    return run(settings, told, makes_data=makes_data)


def _parse(address: str) -> Mailbox:
    try:
        return parse_mailbox(address)
    except BadSyntax as complaint:
        return fail(f"{address!r} is no address: {complaint}", 2)


async def _find(bench: Bench, mailbox: Mailbox) -> Account:
    account = await bench.rooms.directory.find(mailbox.folded)
    if account is None:
        raise NoAccount(str(mailbox))
    return account


async def _account_and_usage(bench: Bench, mailbox: Mailbox) -> tuple[Account, tuple[int, int]]:
    account = await _find(bench, mailbox)
    return account, await _usage(bench, account)


def _parse_quota(size: str) -> int | None:
    if size.lower() == "none":
        return None
    try:
        return parse_size(size)
    except BadSyntax as complaint:
        return fail(f"{size!r} is no size: {complaint}", 2)


def _parse_number(text: str) -> int | None:
    if text.lower() == "none":
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        return fail(f"{text!r} is no number of messages", 2)
    return int(text)


def _number(quota_messages: int | None) -> str:
    return "any number of messages" if quota_messages is None else words.count(quota_messages, "message")


def _stores(account: Account, messages: int, used_bytes: int) -> str:
    told = f"{account} stores {words.size(used_bytes)} of {_quota(account.quota_bytes)}"
    if account.quota_messages is None:
        return f"{told}."
    return f"{told}, and has {messages} of {words.count(account.quota_messages, 'message')}."


def _quota(quota_bytes: int | None) -> str:
    return "as much as there is room for" if quota_bytes is None else words.size(quota_bytes)


async def _usage(bench: Bench, account: Account) -> tuple[int, int]:
    """Messages and octets in all stored mailboxes of an account."""
    boxes = await bench.rooms.store.mailboxes(account.id)
    return sum(box.message_count for box in boxes), sum(box.size_bytes for box in boxes)


async def _row(bench: Bench, account: Account) -> dict[str, object]:
    messages, size_bytes = await _usage(bench, account)
    secret = await bench.rooms.directory.shared_secret(account)
    return {
        "address": str(account.mailbox),
        "messages": messages,
        "size_bytes": size_bytes,
        "quota_bytes": account.quota_bytes,
        "quota_messages": account.quota_messages,
        "created": words.iso(account.created_at),
        "has_secret": secret is not None,
    }


def _for_people(row: dict[str, object]) -> dict[str, object]:
    size_bytes, quota_bytes = row["size_bytes"], row["quota_bytes"]
    assert isinstance(size_bytes, int)
    return {
        "address": row["address"],
        "messages": row["messages"],
        "size": words.size(size_bytes),
        "quota": words.size(quota_bytes) if isinstance(quota_bytes, int) else "",
        "created": row["created"],
        "shared secret": "yes" if row["has_secret"] else "",
    }


def _check_domain(bench: Bench, mailbox: Mailbox) -> None:
    if bench.table.our_domain(mailbox.domain) is not None:
        return
    ours = ", ".join(str(domain.domain) for domain in bench.table.domains) or "none yet"
    raise CannotDo(
        f"{mailbox.domain} is not one of our domains ({ours}); "
        f'add [[domain]] with name = "{mailbox.domain}" to {bench.loaded.file} first'
    )


async def _why_unreached(bench: Bench, mailbox: Mailbox) -> str | None:
    """What to say when an alias or a fixed route takes the mail of a new account."""
    route = (await bench.decide(mailbox)).route
    if isinstance(route, ToMailbox) and route.account == mailbox.folded:
        return None
    return f"mail for {mailbox} does not come to this account alone; see: postel explain {mailbox}"


def _done(message: str, secret: str, source: SecretFrom) -> None:
    """Say so; a secret that was made is all that goes to standard output, for programs to take."""
    click.echo(message, err=source is SecretFrom.GENERATED)
    if source is SecretFrom.GENERATED:
        click.echo(secret)
