"""`postel account undelete`: expunged mail, had back.

Gives       undelete_command.
Not here    How long it is kept: the setting `mailboxes.undelete`. What becomes of it after that: store.
"""

from __future__ import annotations

from datetime import datetime

import click

from postel.app import Bench
from postel.cli import words
from postel.cli.context import Settings, as_json, fail, pass_settings, show
from postel.cli.mailboxes import find_account, read_name
from postel.cli.work import CannotDo, run
from postel.config import parse_duration
from postel.mail import BadSyntax
from postel.store import BadMailboxName, KeptMessages, MailboxName, OverQuota, TooMany


@click.command("undelete")
@click.argument("address")
@click.option(
    "--mailbox",
    "name",
    callback=read_name,
    metavar="NAME",
    help="Only what was in this mailbox (folder). By default all of them.",
)
@click.option(
    "--since",
    metavar="TIME",
    help="Only what was expunged since: a time ago (2h, 3d) or a date (2026-11-24).",
)
@click.option("--list", "is_list", is_flag=True, help="Only show what can be had back.")
@as_json
@pass_settings
def undelete_command(
    settings: Settings,
    address: str,
    name: MailboxName | None,
    since: str | None,
    is_list: bool,
    as_json: bool,
) -> None:
    """Bring back mail that was expunged, or went with a mailbox that was deleted.

    \b
    postel account undelete ann@example.org --list
    postel account undelete ann@example.org
    postel account undelete ann@example.org --mailbox Work --since 2d

    It comes back into the mailboxes it was in, as new mail there, with its flags and dates; mailboxes that are gone are
    made again. How long mail is kept for this is the setting undelete under [mailboxes].
    """

    async def work(bench: Bench) -> list[dict[str, object]]:
        account = await find_account(bench, address)
        since_at = 0.0 if since is None else _instant(since, bench.edges.clock.now())
        found = [
            k
            for k in await bench.rooms.store.kept.summary(account.id, since_at)
            if name in (None, k.mailbox_name)
        ]
        if is_list:
            return [_row(kept) for kept in found]
        return [await _restore(bench, account.id, kept, since_at) for kept in found]

    rows = run(settings, work)
    if is_list or as_json:
        show([row if as_json else _for_people(row) for row in rows], as_json, "Nothing can be had back.")
    else:
        _tell(rows)


async def _restore(bench: Bench, account_id: int, kept: KeptMessages, since_at: float) -> dict[str, object]:
    try:
        number = await bench.rooms.store.undelete(account_id, kept.mailbox_name, since_at)
    except OverQuota as full:
        raise CannotDo(
            f"{kept.mailbox_name} does not fit into the quota of the account ({full}); see: postel account quota --help"
        ) from None
    except (BadMailboxName, TooMany) as complaint:
        raise CannotDo(f"{kept.mailbox_name} cannot be made again: {complaint}") from None
    return {"mailbox": kept.mailbox_name, "messages": number}


def _tell(rows: list[dict[str, object]]) -> None:
    if not rows:
        fail(
            "nothing can be had back of what was asked for; all there is: postel account undelete ADDRESS --list"
        )
    for row in rows:
        assert isinstance(row["messages"], int)
        click.echo(f"Brought back {words.count(row['messages'], 'message')} into {row['mailbox']}.")


def _instant(text: str, now: float) -> float:
    """A time ago, or a date by the clock of this machine."""
    try:
        return now - parse_duration(text)
    except BadSyntax:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return fail(f"{text!r} is neither a time ago (2h, 3d) nor a date (2026-11-24)", 2)


def _row(kept: KeptMessages) -> dict[str, object]:
    return {
        "mailbox": kept.mailbox_name,
        "messages": kept.messages,
        "size_bytes": kept.size_bytes,
        "first_expunged": words.iso(kept.first_expunged_at),
        "last_expunged": words.iso(kept.last_expunged_at),
    }


def _for_people(row: dict[str, object]) -> dict[str, object]:
    size_bytes = row["size_bytes"]
    assert isinstance(size_bytes, int)
    return {
        "mailbox": row["mailbox"],
        "messages": row["messages"],
        "size": words.size(size_bytes),
        "first expunged": row["first_expunged"],
        "last expunged": row["last_expunged"],
    }
