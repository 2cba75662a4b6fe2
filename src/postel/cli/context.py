"""What every command shares: the configuration named, errors said in one sentence, exit statuses.

Exit status 0 is done, 1 is "no" (not found, refused, check failed), 2 is wrong usage.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import click
from rich.console import Console
from rich.table import Table

from postel.config import BadConfig, Loaded, check_config, load

DEFAULT_PLACES: Final = (Path("/etc/postel/postel.toml"), Path("postel.toml"))


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the configuration is to be read from; None: the usual places."""

    path: Path | None

    @classmethod
    def of_environment(cls) -> Settings:
        """As where no `--config` is given."""
        named = os.environ.get("POSTEL_CONFIG")
        return cls(Path(named) if named else None)

    @property
    def arguments(self) -> tuple[str, ...]:
        """What to put before another command so that it reads the same."""
        return () if self.path is None else ("--config", str(self.path))

    def found(self) -> Path:
        """The file that is in force. Ends the command where there is none."""
        if self.path is not None:
            return self.path
        for place in DEFAULT_PLACES:
            if place.exists():
                return place
        places = " nor ".join(map(str, DEFAULT_PLACES))
        return fail(f"there is neither {places}; name a configuration with --config FILE")

    def read(self) -> Loaded:
        """The configuration, found free of mistakes. Ends the command otherwise."""
        try:
            loaded = load(self.found(), os.environ)
        except BadConfig as bad:
            fail_with(map(str, bad.mistakes))
        if mistakes := check_config(loaded).mistakes:
            fail_with(map(str, mistakes))
        return loaded


pass_settings = click.make_pass_decorator(Settings)


def fail(message: str, status: int = 1) -> NoReturn:
    """Say what is wrong and what to do about it, and end the command."""
    click.echo(f"postel: {message}", err=True)
    sys.exit(status)


def fail_with(messages: Iterable[str]) -> NoReturn:
    """The same for several things, a line each."""
    for message in messages:
        click.echo(message, err=True)
    sys.exit(1)


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def show(rows: Sequence[dict[str, Any]], is_json: bool, empty: str = "") -> None:
    """Print rows as a table, or as a JSON array. The keys of the first row are the columns."""
    if is_json:
        click.echo(json.dumps(list(rows), ensure_ascii=False, indent=2, default=str))
        return
    if not rows:
        click.echo(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*map(plain, row.values()))
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 400
    console.print(table)


def plain(value: object) -> str:
    """A value as text that cannot steer the terminal: much of what is shown was said by strangers."""
    text = "" if value is None else str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
