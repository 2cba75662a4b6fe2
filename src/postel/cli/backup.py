"""`postel backup` and `postel restore`: a consistent copy while running, and the way back."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import click

from postel.app import (
    Bench,
    FilesMissing,
    NotABackup,
    NotEmpty,
    backup,
    data_directory,
    real_edges,
    restore,
    run_loop,
)
from postel.cli import words
from postel.cli.context import Settings, fail, pass_settings
from postel.cli.work import TROUBLES, CannotDo, run, stay
from postel.config import Loaded

_TO: click.Path = click.Path(path_type=Path, file_okay=False)


@click.command("backup")
@click.argument("folder", type=_TO)
@pass_settings
def backup_command(settings: Settings, folder: Path) -> None:
    """Copy everything durable - queue, mailboxes, accounts - to the new FOLDER, while the server runs.

    \b
    postel backup /var/backups/postel/$(date +%F)

    The copy is that of one instant. Files of large messages are linked where FOLDER is on the same file system,
    so that many backups need little room; to be safe from the disk itself, copy FOLDER to another one. The
    configuration is not in it. The way back is postel restore.
    """

    async def work(bench: Bench) -> int:
        try:
            data = data_directory(bench.loaded)
            return await backup(bench.rooms.database, data, folder, bench.edges.open_database)
        except (NotEmpty, FilesMissing) as trouble:
            raise CannotDo(str(trouble)) from None

    number = run(settings, work, become=stay)
    click.echo(f"Backed up to {folder}: the database and {words.count(number, 'content file')}.")


@click.command("restore")
@click.argument("folder", type=_TO)
@pass_settings
def restore_command(settings: Settings, folder: Path) -> None:
    """Make the data directory of the configuration from the backup in FOLDER.

    \b
    systemctl stop postel
    mv /var/lib/postel /var/lib/postel.old
    postel restore /var/backups/postel/2026-01-01
    systemctl start postel

    The data directory must not be there yet, or be empty. Mail that was queued at the time of the backup is
    delivered when the server starts, even if it had been since; to look at it first: postel queue hold --all
    """
    loaded = settings.read()
    data = data_directory(loaded)
    owner = _owner(loaded, data)
    try:
        number = run_loop(restore(folder, data, real_edges().open_database))
        _make_over(data, owner)
    except (NotABackup, NotEmpty, FilesMissing, *TROUBLES) as trouble:
        fail(str(trouble))
    except OSError as trouble:
        fail(f"{trouble.filename or data}: {trouble.strerror or trouble}")
    click.echo(f"Restored {data}: the database and {words.count(number, 'content file')}.")


def _owner(loaded: Loaded, data: Path) -> tuple[int, int] | None:
    """Whose a data directory that root makes shall be: whose it is, or that of the user that serves."""
    if os.geteuid() != 0:
        return None
    if data.exists():
        return data.stat().st_uid, data.stat().st_gid
    try:
        entry = pwd.getpwnam(loaded.config.user or "postel")
    except KeyError:
        return None
    return entry.pw_uid, entry.pw_gid


def _make_over(data: Path, owner: tuple[int, int] | None) -> None:
    if owner is not None:
        for path in (*data.rglob("*"), data):
            os.chown(path, *owner, follow_symlinks=False)
