"""`postel queue partial`: letters that were interrupted on their way in, and wait for their client (CHECKPOINT)."""

from __future__ import annotations

import click

from postel.app import Bench
from postel.checkpoints import KeptTransaction, State, forget_kept, list_kept
from postel.cli.context import Settings, as_json, fail, pass_settings, show
from postel.cli.work import run

LIMIT = 10_000  # more than may be kept


@click.command("partial")
@click.option("--forget", "number", type=int, metavar="NUMBER", help="Forget this one.")
@as_json
@pass_settings
def partial_command(settings: Settings, number: int | None, as_json: bool) -> None:
    """Show letters that broke off on their way in; their clients may still send the rest (RFC 1845).

    \b
    postel queue partial
    postel queue partial --forget 7
    """
    if number is not None:
        _forget(settings, number)
        return

    async def work(bench: Bench) -> list[KeptTransaction]:
        return await list_kept(bench.rooms.database, LIMIT)

    rows = run(settings, work)
    if rows or as_json:
        show([_facts(row) for row in rows], as_json)
    else:
        click.echo("nothing was interrupted")


def _forget(settings: Settings, number: int) -> None:
    async def work(bench: Bench) -> bool | None:
        rooms = bench.rooms
        return await forget_kept(rooms.database, rooms.contents, bench.edges.clock, number)

    found = run(settings, work)
    if found is None:
        fail(f"there is no number {number}; see: postel queue partial")
    if not found:
        fail(f"{number} is being received at the moment")
    click.echo(f"{number} is forgotten")


def _facts(row: KeptTransaction) -> dict[str, object]:
    return {
        "number": row.id,
        "state": "answered" if row.state is State.DONE else "interrupted",
        "octets": row.size_bytes,
        "client": row.key.owner,
        "transid": row.key.transid,
        "reverse_path": f"<{row.said.reverse_path}>",
        "recipients": len(row.recipients),
    }
