"""`postel debug`: one engine at a time, on given facts, with every step explained."""

from __future__ import annotations

import importlib
from typing import Final

import click

# Name, and what `postel debug --help` says of it.
_ENGINES: Final = {"smtp": "Talk to any SMTP or LMTP server, each step explained."}


class _Engines(click.Group):
    """Finds commands in the table, not by import."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_ENGINES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ENGINES:
            return None
        command = getattr(importlib.import_module(f"postel.cli.debug.{cmd_name}"), f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_ENGINES.items()))


@click.group("debug", cls=_Engines)
def debug_command() -> None:
    """One engine at a time, on given facts, with the verdict and its reasons.

    \b
    postel debug smtp mail.example.org
    """
